#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the engine at random instants, again and again, and then asks what its promises were worth.

Random load goes to a real `htmengine serve` over TCP, HTTP and UDP; the process gets SIGKILL at random moments, also while it
starts or recovers, and is started again. At the end the database is compared with what the senders were told, with every earlier
look at the database, and with an engine that took the same rows without being disturbed:

    acknowledged samples missing        a sender was told "stored", the row isn't there
    rows doubled, rowids with gaps      a sample is in the table twice, or a number is left out
    stored scores that ever changed     a score was written and later replaced by another (the same bits again are allowed)
    scores unlike the undisturbed run   raw score or anomaly score not equal bit for bit
    models unlike the undisturbed run   the checkpoints written at the orderly end differ

Exit status 0 when all of these are zero. A failing run is repeated with the seed it prints (the instants of the kills are drawn
from the seed, but what the process is doing then is the machine's affair).
"""

import argparse
import atexit
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Support"))
import servers

FIRST_TIMESTAMP = 1_600_000_000
SECONDS_PER_SAMPLE = 300
# The first rows of a metric without a given range hold its extremes, so that the estimated range doesn't depend on how many rows
# had arrived when the 288th was seen.
LOWEST, HIGHEST = 0.0, 100.0
LEARNING_ROWS = 288
DUPLICATE_REASONS = ("older", "equal", "duplicate", "same time", "not newer")


class Series:
    """A deterministic stream: the k-th sample of a metric is a function of the seed, the metric and k."""

    def __init__(self, seed, name, transport, has_range, mode):
        self.name, self.transport, self.has_range, self.mode = name, transport, has_range, mode
        self.random = random.Random(f"{seed}/{name}")
        self.values = []
        self.next = 0

    def sample(self, k):
        while len(self.values) <= k:
            position = len(self.values)
            if position < 2:
                value = (LOWEST, HIGHEST)[position]
            else:
                wave = 50 + 30 * (position % 24 - 12) / 12
                value = min(99.0, max(1.0, round(self.random.gauss(wave, 5), 3)))
                if self.random.random() < 0.01:
                    value = round(self.random.uniform(1, 99), 3)
            self.values.append(value)
        return FIRST_TIMESTAMP + SECONDS_PER_SAMPLE * k, self.values[k]

    def chunk(self, count):
        return [(self.name, *self.sample(self.next + i)) for i in range(count)]


class Server:
    """One data directory and the engine that runs on it, now or again."""

    def __init__(self, binary, directory, checkpoint_every, log):
        self.binary, self.directory, self.log = binary, directory, log
        self.http, self.graphite = servers.free_ports(2)
        self.process = None
        self.start_seconds = []
        self.config = os.path.join(directory, "conf")
        os.makedirs(self.config)
        with open(os.path.join(self.config, "application.conf"), "w") as file:
            file.write(
                f"[metric_listener]\nplaintext_port = {self.graphite}\nudp = true\n\n[http]\nport = {self.http}\n\n"
                "[repository]\nengine = sqlite\n\n[bus]\nengine = memory\n"
            )
        with open(os.path.join(self.config, "model-swapper.conf"), "w") as file:
            # Small numbers, so that checkpoints, evictions and replays happen all the time.
            file.write(
                f"[model_runner]\ntarget_requests_per_checkpoint = {checkpoint_every}\nmemory_budget = 24MB\n"
            )

    @property
    def database(self):
        return os.path.join(self.directory, "data", "htmengine.sqlite")

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "serve", "--config", self.config, "--data", os.path.join(self.directory, "data"),
             "--http", f"127.0.0.1:{self.http}", "--graphite", f"127.0.0.1:{self.graphite}"],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
        )
        # However this program ends, none of its engines outlives it.
        atexit.unregister(self.kill)
        atexit.register(self.kill)

    def wait_until_serving(self, deadline_seconds=300):
        """Seconds from the start to the first answer over HTTP."""
        began = time.monotonic()
        while time.monotonic() - began < deadline_seconds:
            if self.process.poll() is not None:
                raise SystemExit(f"the engine ended by itself with status {self.process.returncode}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.http}/_health", timeout=10).read()
                return time.monotonic() - began
            except urllib.error.HTTPError:
                return time.monotonic() - began
            except OSError:
                time.sleep(0.005)
        raise SystemExit(f"the engine did not answer within {deadline_seconds} s of its start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.kill()
            raise SystemExit("the engine did not stop within 120 s of SIGTERM")

    def put(self, series):
        spec = {"min": LOWEST, "max": HIGHEST} if series.has_range else {}
        body = json.dumps(spec | {"mode": series.mode}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/{series.name}", data=body, method="PUT")
        try:
            return urllib.request.urlopen(request, timeout=120).status
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            if "already exists" in text:
                return 201
            raise SystemExit(f"PUT {series.name}: {error.code} {text}")

    def send_tcp(self, lines):
        """True when the engine closed the connection in order, which it does only after everything on it is committed."""
        with socket.create_connection(("127.0.0.1", self.graphite), timeout=30) as connection:
            text = "".join(f"{name} {value!r} {timestamp}\n" for name, timestamp, value in lines)
            connection.sendall(text.encode())
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(1) == b""

    def send_http(self, name, lines):
        body = "".join(f"{value!r} {timestamp}\n" for _, timestamp, value in lines).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/{name}", data=body, method="POST")
        try:
            reply = urllib.request.urlopen(request, timeout=30).read().decode()
        except urllib.error.HTTPError as error:
            reply = error.read().decode()
            for line in reply.splitlines():
                if line.startswith("Refused") and not any(reason in line for reason in DUPLICATE_REASONS):
                    raise SystemExit(f"POST {name} was refused: {line}")
        return len(reply.splitlines()) == len(lines)

    def send_udp(self, lines):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            for name, timestamp, value in lines:
                datagram.sendto(f"{name} {value!r} {timestamp}\n".encode(), ("127.0.0.1", self.graphite))


class Sender(threading.Thread):
    """Feeds its metrics until told to stop; sends a chunk again until it has been acknowledged."""

    def __init__(self, server, series, seed, pace):
        super().__init__(daemon=True)
        self.server, self.series, self.pace = server, series, pace
        self.random = random.Random(f"{seed}/sender/{series[0].name}")
        self.acknowledged = []
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.send_something()
                time.sleep(self.random.uniform(0, self.pace))
        except BaseException as error:  # a sender that died must fail the run, not fall silent
            self.failure = error

    def send_something(self):
        count = self.random.choice((1, 1, 2, 5, 20))
        if self.series[0].transport == "tcp":
            chosen = self.random.sample(self.series, self.random.randint(1, len(self.series)))
        else:
            chosen = [self.random.choice(self.series)]
        lines = [line for series in chosen for line in series.chunk(count)]
        while not self.stopping.is_set():
            try:
                if self.deliver(chosen[0], lines):
                    for series in chosen:
                        series.next += count
                    if chosen[0].transport != "udp":
                        self.acknowledged.extend(lines)
                    return
            except (OSError, urllib.error.URLError, ConnectionError):
                pass
            except Exception as error:
                if type(error).__module__ != "http.client":
                    raise
            time.sleep(0.02)

    def deliver(self, series, lines):
        if series.transport == "tcp":
            return self.server.send_tcp(lines)
        if series.transport == "http":
            return self.server.send_http(series.name, lines)
        self.server.send_udp(lines)
        return True


def copied(database):
    """A copy of the database as the dead process left it: opening the original would already repair it."""
    directory = tempfile.mkdtemp(prefix="htmengine-look-")
    for suffix in ("", "-wal"):
        if os.path.exists(database + suffix):
            shutil.copy(database + suffix, os.path.join(directory, "copy.sqlite" + suffix))
    return directory, os.path.join(directory, "copy.sqlite")


class Witness:
    """Remembers every score it ever saw and counts those that differ when seen again."""

    def __init__(self, directory):
        self.connection = sqlite3.connect(os.path.join(directory, "witness.sqlite"))
        self.connection.execute("pragma synchronous = off")
        self.connection.execute(
            "create table seen (uid text, rowid_ integer, raw real, anomaly real, display integer, primary key (uid, rowid_))")
        self.changed = 0

    def look(self, database):
        directory, copy = copied(database)
        try:
            if not os.path.exists(copy):
                return
            self.connection.execute("attach database ? as now", (copy,))
            if self.connection.execute("select 1 from now.sqlite_master where name = 'metric_data'").fetchone():
                (changed,) = self.connection.execute(
                    "select count(*) from seen join now.metric_data as d on d.uid = seen.uid and d.rowid = seen.rowid_ "
                    "where d.raw_anomaly_score is not seen.raw or d.anomaly_score is not seen.anomaly "
                    "or d.display_value is not seen.display").fetchone()
                self.changed += changed
                self.connection.execute(
                    "insert or ignore into seen select uid, rowid, raw_anomaly_score, anomaly_score, display_value "
                    "from now.metric_data where raw_anomaly_score is not null")
            self.connection.commit()
            self.connection.execute("detach database now")
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def rows_by_metric(database):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = {}
    for name, rowid, timestamp, value, raw, anomaly in connection.execute(
        "select m.name, d.rowid, cast(strftime('%s', d.timestamp) as integer), d.metric_value, d.raw_anomaly_score, "
        "d.anomaly_score from metric_data d join metric m on m.uid = d.uid order by m.name, d.rowid"):
        rows.setdefault(name, []).append((rowid, timestamp, value, raw, anomaly))
    connection.close()
    return rows


def wait_until_scored(server, patience_seconds):
    """Waits until every row that has a model has its score, however long that takes, as long as rows are being scored."""
    least, since = None, time.monotonic()
    while True:
        connection = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True, timeout=30)
        (waiting,) = connection.execute(
            "select count(*) from metric_data d join metric m on m.uid = d.uid "
            "where m.status in (1, 2) and d.anomaly_score is null").fetchone()
        states = dict(connection.execute("select status, count(*) from metric group by status"))
        connection.close()
        if waiting == 0 and not states.get(2):
            return
        if least is None or waiting < least:
            least, since = waiting, time.monotonic()
        if time.monotonic() - since > patience_seconds:
            raise SystemExit(
                f"{waiting} rows have no score, and for {patience_seconds} s none got one; metrics by status: {states}")
        time.sleep(0.1)


def model_states(binary, server):
    """The hash of each saved model's state, by the metric's name and the row it was saved at."""
    answer = subprocess.run(
        [binary, "checkpoint", "list", "--hash", "--json", "--config", server.config, "--data", os.path.join(server.directory, "data")],
        capture_output=True, text=True)
    if answer.returncode != 0:
        raise SystemExit(f"checkpoint list: exit {answer.returncode}: {answer.stderr.strip()}")
    return {(entry["name"], entry["rowid"]): entry["state_hash"] for entry in json.loads(answer.stdout)["checkpoints"]}


def undisturbed(options, directory, log, rows, all_series):
    """The same rows into a fresh engine that nobody kills."""
    server = Server(options.binary, directory, options.checkpoint_every, log)
    server.start()
    server.wait_until_serving()
    for series in all_series:
        server.put(series)
    for name, metric_rows in rows.items():
        for start in range(0, len(metric_rows), 500):
            lines = [(name, timestamp, value) for _, timestamp, value, _, _ in metric_rows[start:start + 500]]
            if not server.send_tcp(lines):
                raise SystemExit("the undisturbed engine did not acknowledge its rows")
    wait_until_scored(server, options.patience)
    status = server.stop()
    if status != 0:
        raise SystemExit(f"the undisturbed engine ended with status {status}")
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/release/htmengine")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--metrics", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--life", type=float, default=0.6, help="mean seconds between the first answer and the kill")
    parser.add_argument("--pace", type=float, default=0.05, help="longest pause of a sender between two chunks, seconds")
    parser.add_argument("--checkpoint-every", type=int, default=40)
    parser.add_argument("--patience", type=float, default=300, help="longest wait for the next score, seconds")
    parser.add_argument("--mode", choices=("mixed", "parity", "evidence"), default="mixed",
                        help="what scores the metrics; mixed: two of five by evidence")
    parser.add_argument("--keep", action="store_true", help="keep the directories for a look")
    options = parser.parse_args()
    options.binary = os.path.abspath(options.binary)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}, {options.kills} kills, {options.metrics} metrics", flush=True)
    chance = random.Random(seed)
    work = tempfile.mkdtemp(prefix="htmengine-crash-")
    log = open(os.path.join(work, "engine.log"), "w")

    transports = ["tcp", "http", "udp"]
    # A metric whose range is to be estimated must not lose its first rows, and UDP promises nothing.
    all_series = [
        Series(seed, f"crash.{transports[i % 3]}.{i}", transports[i % 3], has_range=i % 4 != 0 or i % 3 == 2,
               mode=options.mode if options.mode != "mixed" else "evidence" if i % 5 < 2 else "parity")
        for i in range(options.metrics)
    ]
    disturbed = os.path.join(work, "disturbed")
    os.makedirs(disturbed)
    server = Server(options.binary, disturbed, options.checkpoint_every, log)
    witness = Witness(work)
    server.start()
    server.wait_until_serving()
    for series in all_series:
        server.put(series)

    senders = []
    for transport in transports:
        of_transport = [series for series in all_series if series.transport == transport]
        for part in range(2):
            if of_transport[part::2]:
                senders.append(Sender(server, of_transport[part::2], seed, options.pace))
    for sender in senders:
        sender.start()

    serve_again = []
    for kill in range(1, options.kills + 1):
        if chance.random() < 0.1:  # during the start itself
            time.sleep(chance.uniform(0, 0.1))
        time.sleep(chance.expovariate(1 / options.life))
        server.kill()
        witness.look(server.database)
        server.start()
        if chance.random() < 0.1:
            time.sleep(chance.uniform(0, 0.05))
            continue  # the next kill comes while it starts or recovers
        serve_again.append(server.wait_until_serving())
        if kill % 50 == 0:
            print(f"{kill} kills, {sum(len(s.acknowledged) for s in senders)} samples acknowledged", flush=True)
        for sender in senders:
            if sender.failure:
                raise SystemExit(f"a sender failed: {sender.failure}")

    server.wait_until_serving()
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(120)
        if sender.is_alive():
            raise SystemExit("a sender hangs")
    wait_until_scored(server, options.patience)
    status = server.stop()
    witness.look(server.database)

    rows = rows_by_metric(server.database)
    present = {(name, timestamp, value) for name, metric in rows.items() for _, timestamp, value, _, _ in metric}
    acknowledged = {line for sender in senders for line in sender.acknowledged}
    missing = acknowledged - present
    doubled = sum(len(metric) - len({timestamp for _, timestamp, _, _, _ in metric}) for metric in rows.values())
    gaps = sum([rowid for rowid, *_ in metric] != list(range(1, len(metric) + 1)) for metric in rows.values())
    unscored = sum(
        raw is None
        for series in all_series
        if series.has_range or series.mode == "evidence" or len(rows.get(series.name, [])) >= LEARNING_ROWS
        for _, _, _, raw, _ in rows.get(series.name, []))

    calm = os.path.join(work, "undisturbed")
    os.makedirs(calm)
    reference = undisturbed(options, calm, log, rows, all_series)
    expected = rows_by_metric(reference.database)
    different = sum(
        ours != theirs for name in rows for ours, theirs in zip(rows[name], expected.get(name, [None] * len(rows[name]))))
    ours, theirs = model_states(options.binary, server), model_states(options.binary, reference)
    # When a model is saved depends on what else was in memory; models saved at the same row must be the same to the byte.
    compared = set(ours) & set(theirs)
    models_differ = sum(ours[place] != theirs[place] for place in compared)

    total = sum(len(metric) for metric in rows.values())
    print(f"rows stored                         {total}")
    print(f"samples acknowledged                {len(acknowledged)}")
    print(f"acknowledged samples missing        {len(missing)}")
    print(f"rows doubled                        {doubled}")
    print(f"metrics with gaps in their rowids   {gaps}")
    print(f"rows of modelled metrics unscored   {unscored}")
    print(f"stored scores that ever changed     {witness.changed}")
    print(f"rows unlike the undisturbed run     {different}")
    print(f"models compared / unlike            {len(compared)} / {models_differ}")
    print(f"serving again after a kill          median {statistics.median(serve_again) * 1000:.0f} ms, "
          f"maximum {max(serve_again) * 1000:.0f} ms")
    print(f"kills                               {options.kills}, seed {seed}")
    failed = bool(missing or doubled or gaps or unscored or witness.changed or different or models_differ
                  or status != 0 or not compared or not acknowledged)
    if failed or options.keep:
        print(f"directories kept: {work}")
    else:
        log.close()
        shutil.rmtree(work, ignore_errors=True)
    print("FAILED" if failed else "nothing lost, nothing scored twice")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many metrics does one engine carry within a memory budget?

    Benchmarks/Capacity/run.py [--metrics 20000] [--rows 1000] [--budget 2GB] [--minutes 4] [--binary PATH] [--directory DIR]

A few series are learned for real; their rows and checkpoints are then copied under new names, until there are as many metrics as
asked for. The engine gets a sample for each metric every five minutes, spread evenly, for as long as asked, then a burst, then SIGKILL
and a new start. Printed: memory against the budget, CPU time, how far scoring lags behind, what was swapped, and how soon the engine
serves again. Everything that was sent must be scored in the end; the exit code says whether it was, and whether the budget held.

Needs about 1 MB of disk per 1,000-row model (20 GB for 20,000), removed afterwards.
"""

import argparse
import hashlib
import math
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", "..", ".build", "release", "htmengine")
SERIES, FIRST, STEP, KEPT_ROWS = 6, 1_700_000_000, 300, 50
# Of a metric of the range 0 to 110.
RESOLUTION = 110 / 130
TICK = os.sysconf("SC_CLK_TCK")


def value(series, row):
    """A day's wave with noise, spikes and steps of its own, like a machine's metric."""
    chance = random.Random(series * 1_000_003 + row)
    day = row % 288 / 288 * 2 * math.pi
    wave = 50 + 30 * math.sin(day + series) + 6 * math.sin((3 + series % 3) * day)
    noise = chance.gauss(0, 1 + series % 3)
    return round(min(110.0, max(0.0, wave + noise + (20 if chance.random() < 0.01 else 0))), 2)


class Engine:
    def __init__(self, binary, directory, budget, log):
        self.conf = os.path.join(directory, "conf")
        self.data = os.path.join(directory, "data")
        os.makedirs(self.conf, exist_ok=True)
        with open(os.path.join(self.conf, "application.conf"), "w") as file:
            file.write("[repository]\nengine = sqlite\n[bus]\nengine = memory\n")
        with open(os.path.join(self.conf, "model-swapper.conf"), "w") as file:
            file.write("[model_runner]\nmemory_budget = %s\n" % budget)
        self.binary, self.log = binary, log

    def start(self):
        began = time.monotonic()
        out = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--config", self.conf, "--data", self.data, "--http", "127.0.0.1:0", "--graphite", "127.0.0.1:0"],
            stdout=out, stderr=self.log, stdin=subprocess.DEVNULL)
        while True:
            out.seek(0)
            text = out.read()
            http = re.search(r"HTTP to 127\.0\.0\.1:(\d+)", text)
            graphite = re.search(r"Graphite plaintext to 127\.0\.0\.1:(\d+)", text)
            if http and graphite:
                break
            if self.process.poll() is not None:
                sys.exit("the engine ended with status %d" % self.process.returncode)
            time.sleep(0.005)
        self.url, self.graphite = "http://127.0.0.1:" + http[1], int(graphite[1])
        urllib.request.urlopen(self.url + "/_health").read()
        return time.monotonic() - began

    def request(self, path, body=None, method=None):
        request = urllib.request.Request(self.url + path, data=body and body.encode(), method=method)
        return urllib.request.urlopen(request, timeout=60).read().decode()

    def send(self, lines):
        """Over Graphite's port; returns when all is committed."""
        with socket.create_connection(("127.0.0.1", self.graphite)) as connection:
            connection.sendall("".join(lines).encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    def counters(self):
        found = re.findall(r"(?m)^(htmengine_\w+) (-?\d+)$", self.request("/metrics"))
        return {name: int(number) for name, number in found}

    def memory(self):
        """Resident bytes, all and those not backed by files."""
        with open("/proc/%d/status" % self.process.pid) as file:
            text = file.read()
        return tuple(int(re.search(r"%s:\s+(\d+)" % name, text)[1]) * 1024 for name in ("VmRSS", "RssAnon"))

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait()


def learn(engine, rows):
    engine.start()
    for series in range(SERIES):
        engine.request("/template.%d" % series, '{"min": 0, "max": 110}', "PUT")
        engine.request("/template.%d" % series, "".join(
            "%r %d\n" % (value(series, row), FIRST + STEP * row) for row in range(1, rows + 1)), "POST")
    for series in range(SERIES):
        while "None" in engine.request("/template.%d" % series):
            time.sleep(0.2)
    engine.end(signal.SIGTERM)


def checkpoint_copy(content, uid):
    """The same model under another uid, of the same length: header, uid, payload and checksum (docs/formats/checkpoint-file.md)."""
    length = int.from_bytes(content[48:52], "little")
    body = content[:52] + uid.encode() + content[52 + length:-4]
    return body + zlib.crc32(body).to_bytes(4, "little")


def multiply(engine, metrics, rows):
    """Copies metrics, their last rows and their checkpoints, as an engine with retention would have them."""
    database = sqlite3.connect(os.path.join(engine.data, "htmengine.sqlite"), isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA foreign_keys = OFF")
    templates = [row[0] for row in database.execute("SELECT uid FROM metric WHERE name LIKE 'template.%' ORDER BY name")]
    root = os.path.join(engine.data, "checkpoints", "htmengine")
    contents = []
    for uid in templates:
        folder = os.path.join(root, uid[:2], uid)
        newest = max(os.listdir(folder), key=lambda name: int(re.search(r"-(\d+)\.", name)[1]))
        with open(os.path.join(folder, newest), "rb") as file:
            contents.append((newest, file.read()))

    definitions = []
    for uid in templates:
        text = database.execute("SELECT model_params FROM metric WHERE uid = ?", (uid,)).fetchone()[0]
        definition, found = re.subn(r'("resolution": ?)[0-9.e-]+', r'\1%.12f', text.replace("%", "%%"))
        if found != 1:
            sys.exit("the definition of a template has %d resolutions: %s" % (found, text))
        definitions.append(definition)

    def columns(table):
        return [row[1] for row in database.execute("PRAGMA table_info(%s)" % table)]
    # Every definition is a text of its own, as where every metric has its own range.
    metric = ", ".join({"uid": "?1", "name": "?2", "model_params": "?4"}.get(name, name) for name in columns("metric"))
    model = ", ".join({"uid": "?1"}.get(name, name) for name in columns("htmengine_model"))
    data = ", ".join({"uid": "?1"}.get(name, name) for name in columns("metric_data"))
    database.execute("BEGIN")
    for number in range(metrics):
        template = number % SERIES
        uid = hashlib.md5(b"%d" % number).hexdigest()
        database.execute("INSERT INTO metric SELECT %s FROM metric WHERE uid = ?3" % metric,
                         (uid, "capacity.%d" % number, templates[template], definitions[template] % (RESOLUTION + number * 1e-9)))
        database.execute("INSERT INTO htmengine_model SELECT %s FROM htmengine_model WHERE uid = ?2" % model,
                         (uid, templates[template]))
        database.execute("INSERT INTO metric_data SELECT %s FROM metric_data WHERE uid = ?2 AND rowid > ?3" % data,
                         (uid, templates[template], rows - KEPT_ROWS))
        name, content = contents[template]
        folder = os.path.join(root, uid[:2], uid)
        os.makedirs(folder)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(checkpoint_copy(content, uid))
    database.execute("COMMIT")
    database.close()
    return sum(len(content) for _, content in contents) / len(contents)


def megabytes(number):
    return "%d MB" % (number / 1e6)


def parse_size(text):
    number, unit = re.match(r"(\d+)([KMG]?)B?$", text).groups()
    return int(number) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metrics", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=1000, help="what each model has learned when the measurement begins")
    parser.add_argument("--budget", default="2GB")
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--burst", type=int, default=2000)
    parser.add_argument("--binary", default=BINARY)
    parser.add_argument("--directory", help="where the data go; a temporary directory if left out")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="htmengine-capacity-", dir=options.directory)
    try:
        sys.exit(0 if measure(options, directory) else 1)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure(options, directory):
    log = open(os.path.join(directory, "log"), "w+")
    engine = Engine(os.path.abspath(options.binary), directory, options.budget, log)
    budget = parse_size(options.budget)
    began = time.monotonic()
    learn(engine, options.rows)
    size = multiply(engine, options.metrics, options.rows)
    print("%d metrics, %d rows learned, checkpoints of %d kB, prepared in %.0f s" % (
        options.metrics, options.rows, size / 1000, time.monotonic() - began), flush=True)

    print("serving %.2f s after its start" % engine.start(), flush=True)
    rate = options.metrics / STEP
    seconds = options.minutes * 60
    sent = 0
    peak = (0, 0)
    lag = 0
    cpu = engine.cpu_seconds()
    began = time.monotonic()
    report = began + 30

    def lines(first, last):
        for number in range(first, last):
            metric, row = number % options.metrics, options.rows + 1 + number // options.metrics
            yield "capacity.%d %r %d\n" % (metric, value(metric % SERIES, row), FIRST + STEP * row)

    while (now := time.monotonic()) < began + seconds:
        due = int((now - began) * rate)
        if due > sent:
            engine.send(lines(sent, due))
            sent = due
        peak = tuple(map(max, peak, engine.memory()))
        counters = engine.counters()
        lag = max(lag, sent - scored(counters))
        if now > report:
            print("after %3.0f s: sent %d, scored %d, in memory %d models, process %s, models %s" % (
                now - began, sent, scored(counters), counters["htmengine_models_in_memory"], megabytes(engine.memory()[1]),
                megabytes(counters["htmengine_model_memory_bytes"])), flush=True)
            report += 30
        time.sleep(0.5)
    spent = engine.cpu_seconds() - cpu
    elapsed = time.monotonic() - began
    print("%.0f s at %.1f samples/s: %.2f cores, most waiting %d, peak %s resident, %s without files; budget %s" % (
        elapsed, rate, spent / elapsed, lag, megabytes(peak[0]), megabytes(peak[1]), megabytes(budget)), flush=True)

    burst_began, cpu = time.monotonic(), engine.cpu_seconds()
    engine.send(lines(sent, sent + options.burst))
    before, sent = sent, sent + options.burst
    while scored(engine.counters()) < sent and time.monotonic() < burst_began + 600:
        peak = tuple(map(max, peak, engine.memory()))
        time.sleep(0.2)
    elapsed = time.monotonic() - burst_began
    counters = engine.counters()
    print("a burst of %d: all scored after %.1f s, %.0f samples/s, %.1f ms of CPU a sample" % (
        sent - before, elapsed, (sent - before) / elapsed, (engine.cpu_seconds() - cpu) * 1000 / (sent - before)))
    for name in ("models_loaded", "models_evicted", "rows_replayed", "checkpoints_saved", "checkpoint_errors", "model_failures",
                 "runner_errors", "checkpoints_damaged", "models_rebuilt"):
        print("  %s %d" % (name, counters.get("htmengine_%s_total" % name, 0)))
    engine.end(signal.SIGKILL)
    print("killed; serving again after %.2f s" % engine.start())
    with sqlite3.connect("file:%s?mode=ro" % os.path.join(engine.data, "htmengine.sqlite"), uri=True) as database:
        new, unscored, failed = database.execute(
            "SELECT (SELECT COUNT(*) FROM metric_data WHERE rowid > ?1), (SELECT COUNT(*) FROM metric_data WHERE rowid > ?1 "
            "AND anomaly_score IS NULL), (SELECT COUNT(*) FROM metric WHERE status <> 1)", (options.rows,)).fetchone()
    engine.end(signal.SIGTERM)
    good = new == sent and unscored == 0 and failed == 0 and peak[1] <= budget * 1.02
    print("sent %d, stored %d, without a score %d, metrics not active %d, peak %s of %s: %s" % (
        sent, new, unscored, failed, megabytes(peak[1]), megabytes(budget), "as it should be" if good else "WRONG"))
    return good


def scored(counters):
    """Rows scored since the start, not counting those replayed."""
    return counters.get("htmengine_rows_processed_total", 0) - counters.get("htmengine_rows_replayed_total", 0)


main()

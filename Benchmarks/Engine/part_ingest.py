# SPDX-License-Identifier: Apache-2.0
"""Ingest: Graphite lines over one TCP connection, parsed, durably stored and acknowledged; beside a bare C loop, carbon-cache and
InfluxDB, fed with the same lines in the same run."""

import json
import os
import socket
import sqlite3
import subprocess
import time
import urllib.request

from measure import Directory, Engine, compiled, cpu_seconds, free_port, rows_hash, series


def feed(port, data):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(300)
        while client.recv(4096):
            pass


def connectable(port, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("nothing listens on port %d" % port)


class Figures:
    def __init__(self, samples, cpu, elapsed):
        self.microseconds = 1e6 * cpu / samples
        self.rate = samples / elapsed

    def __str__(self):
        return "%.2f us CPU/sample, %.0f k/s" % (self.microseconds, self.rate / 1000)


def engine(pieces, metrics):
    with Directory() as directory:
        with Engine(os.path.join(directory, "data"), "--log-level", "warning") as server:
            server.send(pieces[0])
            before, counted = cpu_seconds(server.pid), server.counters()
            data = b"".join(pieces[1:])
            samples = metrics * (len(pieces) - 1)
            began = time.monotonic()
            server.send(data)
            elapsed = time.monotonic() - began
            cpu = cpu_seconds(server.pid) - before
            counts = server.counters()
            database = server.database()
            stored = database.execute("SELECT COUNT(*) FROM metric_data").fetchone()[0]
            assert stored == samples + metrics, (stored, samples + metrics)
            digest = rows_hash(database, "m.name, d.rowid, d.metric_value")
            schema = [row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
            database.close()
        name = "htmengine_store_transactions_total"
        batch = samples / max(1, counts[name] - counted.get(name, 0))
        return Figures(samples, cpu, elapsed), batch, schema, digest


def bare(schema, metrics, rounds, batch, first_time, *more):
    program = compiled("bare_ingest", "sqlite3")
    with Directory() as directory:
        path = os.path.join(directory, "bare.sqlite")
        database = sqlite3.connect(path)
        for statement in schema:
            if "sqlite_" not in statement.split("(")[0]:
                database.execute(statement)
        database.commit()
        database.close()
        samples = metrics * rounds
        done = subprocess.run([program, path, str(metrics), str(samples), str(round(batch)), str(first_time), *more],
                              capture_output=True, text=True, check=True)
        cpu, elapsed = map(float, done.stdout.split())
        return Figures(samples, cpu, elapsed)


def carbon(pieces, metrics):
    """carbon-cache without its limits. It writes to files when it likes and never syncs them; counted until it has written all."""
    with Directory() as directory:
        ports = [free_port() for _ in range(3)]
        with open(os.path.join(directory, "carbon.conf"), "w") as file:
            file.write("""[cache]
DATABASE = whisper
LOCAL_DATA_DIR = {0}/whisper/
STORAGE_DIR = {0}/
CONF_DIR = {0}/
LOG_DIR = {0}/log/
PID_DIR = {0}/
USER =
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {1}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {2}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {3}
LOG_UPDATES = False
LOG_CREATES = False
ENABLE_LOGROTATION = False
CARBON_METRIC_INTERVAL = 0
WHISPER_AUTOFLUSH = False
""".format(directory, *ports))
        with open(os.path.join(directory, "storage-schemas.conf"), "w") as file:
            file.write("[all]\npattern = .*\nretentions = 300s:7d\n")
        process = subprocess.Popen(["carbon-cache", "--config=" + os.path.join(directory, "carbon.conf"), "--debug", "start"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connectable(ports[0], process)

            def settled(points):
                """When nothing has used CPU for a second; then the files must hold what was sent."""
                last, since = cpu_seconds(process.pid), time.monotonic()
                while time.monotonic() - since < 1.0:
                    time.sleep(0.1)
                    now = cpu_seconds(process.pid)
                    if now - last > 0.03:
                        last, since = now, time.monotonic()
                path = os.path.join(directory, "whisper", "bench", "host%05d" % (metrics - 1), "load.wsp")
                script = ("import sys, whisper; info, values = whisper.fetch(sys.argv[1], 0); "
                          "print(sum(value is not None for value in values))")
                done = subprocess.run(["/usr/bin/python3", "-c", script, path], capture_output=True, text=True, check=True)
                assert int(done.stdout) == points, "carbon-cache kept %s of %d points" % (done.stdout.strip(), points)
                return last, since

            feed(ports[0], pieces[0])
            before, _ = settled(1)
            began = time.monotonic()
            feed(ports[0], b"".join(pieces[1:]))
            after, ended = settled(len(pieces))
            return Figures(metrics * (len(pieces) - 1), after - before, ended - began)
        finally:
            process.terminate()
            process.wait(60)


def influx(pieces, metrics):
    """InfluxDB's Graphite listener; its log is synced with each batch, as Debian configures it. Counted until it has all points."""
    with Directory() as directory:
        ports = [free_port() for _ in range(3)]
        path = os.path.join(directory, "influxdb.conf")
        with open(path, "w") as file:
            file.write("""reporting-disabled = true
bind-address = "127.0.0.1:{3}"
[meta]
  dir = "{0}/meta"
[data]
  dir = "{0}/data"
  wal-dir = "{0}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{1}"
  log-enabled = false
[logging]
  level = "error"
[monitor]
  store-enabled = false
[[graphite]]
  enabled = true
  database = "bench"
  bind-address = "127.0.0.1:{2}"
  protocol = "tcp"
  batch-size = 5000
  batch-timeout = "200ms"
""".format(directory, *ports))
        process = subprocess.Popen(["influxd", "-config", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connectable(ports[0], process)
            connectable(ports[1], process)

            def written():
                with urllib.request.urlopen("http://127.0.0.1:%d/debug/vars" % ports[0], timeout=10) as reply:
                    values = json.load(reply)
                return sum(value["values"].get("writePointsOk", 0)
                           for value in values.values()
                           if isinstance(value, dict) and value.get("name") == "shard"
                           and value.get("tags", {}).get("database") == "bench")

            def until(points):
                end = time.monotonic() + 60
                while written() < points:
                    assert time.monotonic() < end, "InfluxDB wrote %d of %d points" % (written(), points)
                    time.sleep(0.1)

            feed(ports[1], pieces[0])
            until(metrics)
            before, began = cpu_seconds(process.pid), time.monotonic()
            feed(ports[1], b"".join(pieces[1:]))
            until(metrics * len(pieces))
            return Figures(metrics * (len(pieces) - 1), cpu_seconds(process.pid) - before, time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(60)


def run(table, full):
    metrics, rounds = 10_000, 200 if full else 30
    first_time = (int(time.time()) - 300 * (rounds + 2)) // 300 * 300
    pieces = series(metrics, rounds + 1, first_time)
    ours, batch, schema, digest = engine(pieces, metrics)
    loop = bare(schema, metrics, rounds, batch, first_time)
    heads = bare(schema, metrics, rounds, batch, first_time, "heads")
    label = "ingest, 10,000 metrics, batches of %.0f" % batch
    ratio = ours.microseconds / loop.microseconds
    table.add(label + ": bare C INSERTs", str(ours), str(loop), ratio, "<= 1.70", ratio <= 1.7, digest)
    table.add("  bare C with the metrics' heads", str(ours), str(heads), ours.microseconds / heads.microseconds)
    for name, other in (("carbon-cache", carbon), ("InfluxDB", influx)):
        figures = other(pieces, metrics)
        ratio = ours.microseconds / figures.microseconds
        table.add("  " + name, str(ours), str(figures), ratio, "< 1", ratio < 1)

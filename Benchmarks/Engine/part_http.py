# SPDX-License-Identifier: Apache-2.0
"""HTTP: wrk against GET of a metric and POST of a sample, beside the HTTP library's bare hello-world."""

import os
import re
import subprocess
import time

from part_ingest import connectable
from measure import HERE, Directory, Engine, compiled, cpu_seconds, free_port, rows_hash

CONNECTIONS = 8


def wrk(port, path, seconds, pid, *more):
    """Requests a second and the server's CPU microseconds for each."""
    before = cpu_seconds(pid)
    done = subprocess.run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "%ds" % seconds, *more,
                           "http://127.0.0.1:%d%s" % (port, path)], capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    count = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout).group(1))
    return rate, 1e6 * (cpu_seconds(pid) - before) / max(1, count)


def shown(figures):
    return "%.0f requests/s, %.1f us CPU each" % figures


def run(table, full):
    seconds = 10 if full else 3
    hello = compiled("hello", "libmicrohttpd")
    port = free_port()
    process = subprocess.Popen([hello, str(port)])
    try:
        connectable(port, process)
        bare = wrk(port, "/", seconds, process.pid)
    finally:
        process.terminate()
        process.wait(10)
    with Directory() as directory, Engine(os.path.join(directory, "data"), "--log-level", "warning") as server:
        now = int(time.time())
        server.send("".join("wrk.get %.2f %d\n" % (20 + number / 8, now - 600 + 60 * number) for number in range(10)).encode())
        with server.database() as database:
            digest = rows_hash(database, "m.name, d.rowid, d.metric_value")
        get = wrk(server.http, "/wrk.get", seconds, server.pid)
        health = wrk(server.http, "/_health", seconds, server.pid)
        post = wrk(server.http, "/", seconds, server.pid, "-s", os.path.join(HERE, "post.lua"))
    label = "HTTP, %d connections: GET of a metric with 10 rows, against hello-world" % CONNECTIONS
    table.add(label, shown(get), shown(bare), get[0] / bare[0], hash=digest)
    table.add("  GET /_health", shown(health), "", health[0] / bare[0])
    table.add("  POST of a sample, each committed with sync", shown(post), "", post[0] / bare[0])

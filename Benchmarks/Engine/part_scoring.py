# SPDX-License-Identifier: Apache-2.0
"""End to end: samples scored and stored per CPU second for 1,000 active models that have rows waiting; the most that go through when
each metric's next sample comes after everybody else's, as live senders send; and the time from a sample to its readable result at
half of that load."""

import json
import os
import socket
import subprocess
import threading
import time

from measure import (COMPONENTS, Directory, Engine, cpu_by_thread, cpu_seconds, percentile,
                     resident_megabytes, rows_hash, series)

METRICS = 1000


def scored(server):
    return int(server.counters().get("htmengine_rows_scored_total", 0))


def in_turn(server, pieces, most):
    """Samples a second when a round of all metrics is sent as soon as fewer than `most` samples are without a score."""
    first = scored(server)
    began, sent = time.monotonic(), 0
    with socket.create_connection(("127.0.0.1", server.graphite)) as client:
        for piece in pieces:
            while sent - (scored(server) - first) >= most:
                time.sleep(0.005)
            client.sendall(piece)
            sent += METRICS
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    server.wait_for("scores", lambda: scored(server) - first >= sent, pause=0.005)
    return sent / (time.monotonic() - began)


def latency(server, rate, pieces, seconds):
    """Milliseconds from the write of a line to the arrival of its result as a server-sent event, for every tenth metric."""
    sent, times, ready = {}, [], threading.Event()
    stop = threading.Event()

    def watch():
        with socket.create_connection(("127.0.0.1", server.http)) as client:
            client.sendall(b"GET /_stream?metric=bench.host*0.load HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.http)
            client.settimeout(0.5)
            rest = b""
            ready.set()
            while not stop.is_set():
                try:
                    piece = client.recv(1 << 16)
                except TimeoutError:
                    continue
                if not piece:
                    return
                now = time.monotonic()
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if not line.startswith(b"data: {"):
                        continue
                    message = json.loads(line[6:])
                    if "results" not in message:
                        continue
                    for row in message["results"]:
                        began = sent.get((message["metric"]["name"], int(row["ts"])))
                        if began:
                            times.append((now, 1000 * (now - began)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    ready.wait()
    time.sleep(0.2)
    lines = [line for piece in pieces for line in piece.splitlines(keepends=True)]
    count = min(len(lines), int(rate * seconds))
    with socket.create_connection(("127.0.0.1", server.graphite)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began, number = time.monotonic(), 0
        while number < count:
            due = min(count, int((time.monotonic() - began) * rate) + 1)
            if due <= number:
                time.sleep(0.002)
                continue
            block = lines[number:due]
            now = time.monotonic()
            for line in block:
                name, _, stamp = line.split()
                if name.endswith(b"0.load"):
                    sent[(name.decode(), int(stamp))] = now
            client.sendall(b"".join(block))
            number = due
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    time.sleep(1)
    stop.set()
    watcher.join()
    # The first seconds belong to what came before: pages of the full load are still being written.
    return [value for now, value in times if now > began + 3], len(sent), len(times)


def run(table, full):
    warm, rounds = (300, 200) if full else (40, 40)
    first_time = 1_700_000_000
    pieces = series(METRICS, warm + rounds + 400, first_time)
    with Directory() as directory:
        data = os.path.join(directory, "data")
        lines = os.path.join(directory, "lines")
        with open(lines, "wb") as file:
            file.write(b"".join(pieces[:warm + rounds]))
        done = subprocess.run([COMPONENTS, "turns", lines, str(warm)], capture_output=True, text=True, check=True)
        alone = float(done.stdout.split()[1])
        with Engine(data, "--log-level", "warning") as server:
            for metric in range(METRICS):
                status, text = server.request("PUT", "/bench.host%05d.load" % metric, '{"min": 0, "max": 100}')
                assert status == 201, text
            server.send(b"".join(pieces[:warm]))
            server.wait_for("scores", lambda: scored(server) >= METRICS * warm)
            before, threads, began = cpu_seconds(server.pid), cpu_by_thread(server.pid), time.monotonic()
            server.send(b"".join(pieces[warm:warm + rounds]))
            server.wait_for("scores", lambda: scored(server) >= METRICS * (warm + rounds))
            elapsed = time.monotonic() - began
            cpu = cpu_seconds(server.pid) - before
            after = cpu_by_thread(server.pid)
            samples = METRICS * rounds
            with server.database() as database:
                digest = rows_hash(database, "m.name, d.rowid, d.raw_anomaly_score, d.anomaly_score")
            spent = {name: time - threads.get(name, 0) for name, time in after.items()}
            memory = resident_megabytes(server.pid)
            most = in_turn(server, pieces[warm + rounds:warm + rounds + 40], 2 * METRICS)
            rate = most / 2
            times, sent, came = latency(server, rate, pieces[warm + rounds + 40:], 20 if full else 12)
        each = 1e6 * cpu / samples
        models = sum(time for name, time in spent.items() if name.startswith("model"))
        # The engine may beat the models in turn, since one takes several rows while it is in the caches: both must hold.
        share = min(alone, 1e6 * models / samples) / each
        table.add("scored and stored, 1,000 models after %d rows, against the models alone in turn" % warm,
                  "%.0f samples/CPU-s (%.1f us, %.0f MB)" % (1e6 / each, each, memory), "%.1f us" % alone, each / alone,
                  "model time >= 70 %", share >= 0.7, digest)
        others = ", ".join("%s %.1f" % (name, 1e6 * time / samples) for name, time in
                           sorted(spent.items(), key=lambda item: -item[1]) if time > 0.01 * cpu)
        table.add("  CPU us per sample by thread", others, "models' threads", models / cpu)
        table.add("  rows that wait: %.0f samples/s; in turn, at most two of a metric under way" % (samples / elapsed),
                  "%.0f samples/s" % most)
        high = percentile(times, 0.99)
        table.add("  sample to result at %.0f samples/s (half load)" % rate,
                  "p50 %.1f ms, p99 %.1f ms (%d of %d came)" % (percentile(times, 0.5), high, came, sent), "", None,
                  "p99 <= 20 ms", high <= 20)

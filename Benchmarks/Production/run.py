#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of the production form on real servers, side by side in one run: storing, taking from RabbitMQ, latency.

Usage: run.py [--rows 400000] [--metrics 200] [--seconds 20]
"""

import argparse
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "Tests", "Production"))
import production
from production import Application, eventually, servers


def bare(app, rows, metrics):
    binary = os.path.join(app.directory, "bare_insert")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], capture_output=True, text=True, check=True)
    subprocess.run(["cc", "-O2", os.path.join(HERE, "bare_insert.c"), "-o", binary, *flags.stdout.split()], check=True)
    done = subprocess.run([binary, app.servers.mariadb.socket, servers.SQL_USER, servers.SQL_PASSWORD, app.name,
                           str(metrics), str(rows)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def blocks(rows, metrics, prefix, start=1_500_000_000):
    """The same rows as Graphite lines, in pieces of a thousand."""
    block = []
    for row in range(rows):
        block.append("%s.%d %.15g %d" % (prefix, row % metrics, 50 + (row * 37 % 101) / 101, start + 60 * (row // metrics)))
        if len(block) == 1000:
            yield block
            block = []
    if block:
        yield block


def graphite(app, rows, metrics):
    """Rows a second through port 2003, until the engine says that all are committed."""
    pieces = list(blocks(rows, metrics, "g"))
    # Some connections, each with metrics of its own, as many senders would.
    shares = [[line for piece in pieces for line in piece if int(line.split()[0][2:]) % 8 == part] for part in range(8)]
    start = time.monotonic()
    threads = [threading.Thread(target=app.graphite_send, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    stored = int(app.sql("SELECT COUNT(*) FROM metric_data JOIN metric USING (uid) WHERE name LIKE 'g.%'")[0][0])
    assert stored == rows, (stored, rows)
    return rows / seconds


def amqp(app, rows, metrics):
    """Messages (of 200 lines) and rows a second taken from the custom-metric queue and stored."""
    app.kill("storer")
    for piece in blocks(rows, metrics, "a"):
        app.amqp_send(piece)
    messages = sum(-(-len(piece) // 200) for piece in blocks(rows, metrics, "a"))
    app.start("storer", "storer")
    eventually("the first row", lambda: app.sql("SELECT 1 FROM metric WHERE name = 'a.0'"), pause=0.02)
    start = time.monotonic()
    eventually("all rows", lambda: app.sql("SELECT SUM(last_rowid) FROM metric WHERE name LIKE 'a.%'") == [[str(rows)]],
               seconds=600, pause=0.05)
    seconds = time.monotonic() - start
    return messages / seconds, rows / seconds


def capacity(app, rows, metrics):
    """Samples a second through everything, from port 2003 to the stored and published score, when they come as fast as can be."""
    for metric in range(metrics):
        status, text = app.request("PUT", "/c.%d" % metric, '{"min":0, "max":100}')
        assert status == 201, text
    def scored():
        return int(app.sql("SELECT SUM(scored_rowid) FROM htmengine_model JOIN metric USING (uid) WHERE name LIKE 'c.%'")[0][0])
    # Models that have seen some rows, as those in use have.
    app.graphite_send([line for piece in blocks(rows // 4, metrics, "c", 1_400_000_000) for line in piece])
    eventually("the first rows", lambda: scored() == rows // 4, seconds=600, pause=0.02)
    start = time.monotonic()
    app.graphite_send([line for piece in blocks(rows, metrics, "c") for line in piece])
    eventually("all rows", lambda: scored() == rows // 4 + rows, seconds=600, pause=0.02)
    return rows / (time.monotonic() - start)


def in_turn(app, metrics, seconds):
    """Samples a second when each metric's next sample comes after everybody else's, as live senders send: a round is sent as soon as
    less than a round is without a score."""
    def scored():
        return int(app.sql("SELECT SUM(scored_rowid) FROM htmengine_model JOIN metric USING (uid) WHERE name LIKE 'c.%'")[0][0])
    first, sent, start = scored(), 0, time.monotonic()
    with socket.create_connection(("127.0.0.1", app.graphite)) as client:
        while time.monotonic() - start < seconds:
            while sent - (scored() - first) >= metrics:
                time.sleep(0.002)
            stamp = 1_650_000_000 + 60 * (sent // metrics)
            client.sendall(b"".join(b"c.%d %.15g %d\n" % (metric, 50 + (sent * 37 + metric) % 101 / 3, stamp)
                                    for metric in range(metrics)))
            sent += metrics
    eventually("the last round", lambda: scored() - first == sent, pause=0.005)
    return sent / (time.monotonic() - start)


def collect(app, ready, stop, answers):
    """Takes results until told to stop, then says what came when; a process of its own, so that nothing but its own work holds it up."""
    connection = app.amqp()
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, app.name + ".model.results", "")
    ready.set()
    came = []
    for method, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=0.5):
        if method is not None:
            came.append((time.monotonic(), body))
        elif stop.is_set():
            break
    connection.close()
    times = {}
    for now, body in came:
        message = json.loads(zlib.decompress(body))
        for row in message.get("results", []):
            times.setdefault((message["metric"]["name"], int(row["ts"])), now)
    answers.put(times)


def latency(app, prefix, rate, metrics, seconds):
    """Milliseconds from the write to port 2003 to the result's arrival at a consumer, at `rate` samples a second."""
    for metric in range(metrics):
        status, text = app.request("PUT", "/%s.%d" % (prefix, metric), '{"min":0, "max":100}')
        assert status == 201, text
    # Models that have seen some rows, as those in use have.
    app.graphite_send([line for piece in blocks(100 * metrics, metrics, prefix, 1_400_000_000) for line in piece])
    eventually("the first rows", lambda: app.sql(
        "SELECT SUM(scored_rowid) FROM htmengine_model JOIN metric USING (uid) WHERE name LIKE '%s.%%'" % prefix)
        == [[str(100 * metrics)]])
    ready, stop, answers = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
    consumer = multiprocessing.Process(target=collect, args=(app, ready, stop, answers))
    consumer.start()
    ready.wait()
    sent = {}
    with socket.create_connection(("127.0.0.1", app.graphite)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began, number = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            pause = began + number / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            name, stamp = "%s.%d" % (prefix, number % metrics), 1_600_000_000 + 60 * (number // metrics)
            sent[(name, stamp)] = time.monotonic()
            client.sendall(b"%s %.15g %d\n" % (name.encode(), 50 + (number * 37 % 101) / 3, stamp))
            number += 1
        spent = time.monotonic() - began
    time.sleep(1)
    stop.set()
    came = answers.get()
    consumer.join()
    assert set(came) >= set(sent), "%d results of %d are missing" % (len(set(sent) - set(came)), len(sent))
    times = sorted(1000 * (came[key] - sent[key]) for key in sent)
    return number / spent, statistics.median(times), times[int(0.99 * (len(times) - 1))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--metrics", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, help="samples a second for the latency (default: an eighth, a quarter, half of what goes through)")
    options = parser.parse_args()
    pair = servers.Servers()
    try:
        pair.start()
        yardstick, app = Application("bare", pair), Application("speed", pair)
        for one in (yardstick, app):
            one.create_database()
            one.run("migrate")
        for label in ("listener", "storer", "runner", "http"):
            app.start(label, label)
        eventually("HTTP", lambda: app.request("GET", "/nobody")[0] == 404)
        print("binary %s, load %.1f" % (production.program().removeprefix(production.ROOT + "/"), os.getloadavg()[0]))
        reference = bare(yardstick, options.rows, options.metrics)
        print("rows/s stored by a bare C loop        %8.0f" % reference, flush=True)
        ours = graphite(app, options.rows, options.metrics)
        print("rows/s stored through port 2003       %8.0f   %3.0f %%" % (ours, 100 * ours / reference), flush=True)
        messages, rows = amqp(app, options.rows // 2, options.metrics)
        print("messages/s taken from RabbitMQ        %8.0f   (200 lines each: %.0f rows/s)" % (messages, rows), flush=True)
        print("rows that wait stored, scored, published a second  %8.0f" % capacity(app, 200 * options.metrics, options.metrics), flush=True)
        most = in_turn(app, options.metrics, options.seconds / 2)
        print("samples in turn stored, scored, published a second %8.0f" % most, flush=True)
        for index, rate in enumerate([options.rate] if options.rate else [most / 8, most / 4, most / 2]):
            reached, median, high = latency(app, "l%d" % index, rate, options.metrics, options.seconds)
            print("sample to result at %5.0f samples/s    median %.1f ms, p99 %.1f ms" % (reached, median, high), flush=True)
        for one in (yardstick, app):
            one.remove()
    finally:
        pair.stop()


if __name__ == "__main__":
    main()

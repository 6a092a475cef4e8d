# SPDX-License-Identifier: Apache-2.0
"""What the engine's benchmarks share: the engine as a process, CPU time and memory of processes, hashes, tables."""

import hashlib
import http.client
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, ".build", "release")
ENGINE = os.environ.get("HTMENGINE_BINARY", os.path.join(BUILD, "htmengine"))
COMPONENTS = os.path.join(BUILD, "htm-engine-benchmark")
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """CPU time of a process with all of its threads, user and kernel, by the scheduler's nanoseconds."""
    total = 0
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
                total += int(file.read().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        pass
    # Threads that have ended are only in the process's own sum, which counts in ticks.
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return max(total / 1e9, (int(fields[11]) + int(fields[12])) / TICKS)


def cpu_by_thread(pid):
    """CPU seconds by thread name."""
    times = {}
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/comm" % (pid, task)) as file:
                name = file.read().strip()
            with open("/proc/%d/task/%s/schedstat" % (pid, task)) as file:
                times[name] = times.get(name, 0) + int(file.read().split()[0]) / 1e9
        except FileNotFoundError:
            pass
    return times


def resident_megabytes(pid, peak=False):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith("VmHWM:" if peak else "VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def compiled(name, *packages):
    """Builds a C yardstick of this directory."""
    out = os.path.join(ROOT, ".build", "benchmark")
    os.makedirs(out, exist_ok=True)
    binary = os.path.join(out, name)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], capture_output=True, text=True, check=True)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", os.path.join(HERE, name + ".c"), "-o", binary,
                    *flags.stdout.split(), "-lpthread"], check=True)
    return binary


class Directory:
    """A directory that goes away; on the disk of .build, not in a memory file system."""

    def __enter__(self):
        parent = os.environ.get("BENCHMARK_DIR", os.path.join(ROOT, ".build"))
        self.path = tempfile.mkdtemp(prefix="benchmark-", dir=parent)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Engine:
    """`htmengine serve`, embedded, on free ports."""

    def __init__(self, data, *arguments, memory_budget=None):
        self.data = data
        self.http, self.graphite = free_port(), free_port()
        command = [ENGINE, "serve", "--data", data, "--http", "127.0.0.1:%d" % self.http,
                   "--graphite", "127.0.0.1:%d" % self.graphite, *arguments]
        environment = {key: value for key, value in os.environ.items() if key != "APPLICATION_CONFIG_PATH"}
        if memory_budget:
            conf = data + ".conf"
            os.makedirs(conf, exist_ok=True)
            with open(os.path.join(conf, "application.conf"), "w") as file:
                file.write("[repository]\nengine = sqlite\n[bus]\nengine = memory\n")
            with open(os.path.join(conf, "model-swapper.conf"), "w") as file:
                file.write("[model_runner]\nmemory_budget = %s\n" % memory_budget)
            command += ["--config", conf]
        self.began = time.monotonic()
        self.log = open(data + ".log", "a")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        self.pid = self.process.pid
        self.until_answer = self._wait()

    def _wait(self):
        while time.monotonic() - self.began < 60:
            try:
                status, _ = self.request("GET", "/_health")
                if status == 200:
                    return time.monotonic() - self.began
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.001)
        raise RuntimeError("the engine doesn't answer; its log is %s" % self.log.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.log.close()

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        try:
            connection.request(method, path, body)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def counters(self):
        values = {}
        for line in self.request("GET", "/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def send(self, data):
        """Sends lines and returns when all of them are committed: the engine closes in order only then."""
        with socket.create_connection(("127.0.0.1", self.graphite)) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""

    def database(self):
        return sqlite3.connect("file:%s/htmengine.sqlite?mode=ro" % self.data, uri=True)

    def wait_for(self, what, condition, seconds=600, pause=0.02):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError("still no %s" % what)
            time.sleep(pause)


def series(metrics, rounds, first_time, seed=6):
    """Graphite lines, each round one sample of every metric: a day's wave with noise, quantised to hundredths."""
    import math
    generator = random.Random(seed)
    phases = [generator.random() for _ in range(metrics)]
    pieces = []
    for number in range(rounds):
        stamp = first_time + 300 * number
        lines = []
        for metric in range(metrics):
            wave = math.sin(2 * math.pi * (phases[metric] + number / 288))
            lines.append("bench.host%05d.load %.2f %d\n" % (metric, 50 + 30 * wave + 4 * generator.random(), stamp))
        pieces.append("".join(lines).encode())
    return pieces


def rows_hash(database, table_columns):
    """SHA-256 of rows in the order of metric and row, shortened."""
    digest = hashlib.sha256()
    for row in database.execute(
            "SELECT %s FROM metric_data d JOIN metric m USING (uid) ORDER BY m.name, d.rowid" % table_columns):
        digest.update(repr(row).encode())
    return digest.hexdigest()[:16]


class Table:
    """Rows that are printed as they come, aligned at the end."""

    HEADER = ("measured", "here", "reference", "ratio", "goal", "", "hash")

    def __init__(self):
        self.rows = []

    def add(self, measured, here, reference="", ratio=None, goal="", met=None, hash=""):
        shown = "" if ratio is None else "%.2f" % ratio
        word = "" if met is None else ("met" if met else "MISSED")
        self.rows.append((measured, here, reference, shown, goal, word, hash))
        print("  %s: %s  %s  %s  %s %s" % (measured, here, reference, shown, goal, word), flush=True)

    def text(self):
        rows = [self.HEADER, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self.HEADER))]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines.insert(1, "-+-".join("-" * width for width in widths))
        return "\n".join(lines)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Values of a real Prometheus become samples, whatever happens to it, to the engine and to the engine's servers.

    Tests/Collector/prometheus_test.py [name of one test …]

HTMENGINE_BINARY names another binary than the newest build.
"""

import calendar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Production"))
import production
from production import eventually, servers

# Rises with every scrape, which Prometheus does with itself once a second. Newer versions have a series for each type of sample. On a busy
# machine a scrape may take longer than the second it is given, and its series count as ended until the next: then the last value holds.
APPENDED = "sum by (job) (last_over_time(prometheus_tsdb_head_samples_appended_total[5m]))"
TOTAL = "sum(last_over_time(prometheus_tsdb_head_samples_appended_total[5m]))"


# A second's own value is known after so long, however busy the machine.
LATEST = 10


class Prometheus:
    """The Debian package's program on a free port; its data outlive a stop."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="htme-prometheus-")
        self.port = servers.free_ports(1)[0]
        self.url = "http://127.0.0.1:%d" % self.port
        with open(os.path.join(self.directory, "prometheus.yml"), "w") as file:
            file.write("global: {scrape_interval: 1s}\nscrape_configs:\n"
                       "- {job_name: self, static_configs: [{targets: ['127.0.0.1:%d']}]}\n" % self.port)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
             "--web.listen-address=127.0.0.1:%d" % self.port],
            cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually("Prometheus is ready", lambda: urllib.request.urlopen(self.url + "/-/ready", timeout=60))

    def stop(self):
        self.process.terminate()
        self.process.wait(120)

    def remove(self):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def values(self, query, first, last):
        """What it says of each second, of one series."""
        form = urllib.parse.urlencode({"query": query, "start": first, "end": last, "step": 1})
        reply = json.load(urllib.request.urlopen(self.url + "/api/v1/query_range", form.encode(), timeout=60))
        return {int(at): float(value) for series in reply["data"]["result"] for at, value in series["values"]}

    def wait_for_history(self, query, seconds):
        began = int(time.time())
        def is_there():
            now = int(time.time())
            return now - began > seconds and len(self.values(query, now - seconds, now)) > seconds
        eventually("a history of %d s" % seconds, is_there)


class Embedded:
    """`htmengine serve` with an application.conf, killed and started again on the same data."""

    def __init__(self, text):
        self.directory = tempfile.mkdtemp(prefix="htme-collector-")
        self.data = os.path.join(self.directory, "data")
        os.makedirs(os.path.join(self.directory, "conf"))
        with open(os.path.join(self.directory, "conf", "application.conf"), "w") as file:
            file.write(text)
        self.start()

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [production.program(), "serve", "--data", self.data, "--config", os.path.join(self.directory, "conf"),
                 "--http", "127.0.0.1:0", "--graphite", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        self.url = next(found.group(1) for line in self.process.stdout
                        if (found := re.search(r"(http://127\.0\.0\.1:\d+)/ in a browser", line)))

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate(timeout=120)
        return self.process.returncode

    def remove(self):
        if self.process.poll() is None:
            self.end()
        production.last_logs.clear()
        production.last_logs["engine"] = self.log()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.directory, "log"), errors="replace") as file:
            return file.read()

    def call(self, path, body=None, method=None):
        request = urllib.request.Request(self.url + urllib.parse.quote(path), body and body.encode(), method=method)
        return urllib.request.urlopen(request, timeout=60).read().decode()

    def rows(self, metric):
        """Value, time and score (None while there is none) of each row."""
        try:
            lines = [line.rsplit(" ", 3)[1:] for line in self.call("/" + metric).splitlines()]
        except urllib.error.HTTPError:
            return []
        return [(float(value), int(at), None if score == "None" else float(score)) for value, at, score in lines]

    def metric(self, name):
        return json.loads(self.call("/_metrics/custom/" + name))


def is_gapless(rows):
    """A sample for each second, once."""
    return all(second[1] - first[1] == 1 for first, second in zip(rows, rows[1:]))


def check_values(rows, prometheus, query):
    """Each sample is what the server itself says of that moment."""
    own = prometheus.values(query, rows[0][1] - LATEST, rows[-1][1])
    for value, at, *_ in rows:
        # Of a value that was still being scraped when the question for its second was answered, one before was known.
        assert value in [own.get(at - late) for late in range(LATEST + 1)], (value, at, own)
    return own


def test_back_fill_and_outages(prometheus):
    """Back-fill, an engine that is killed, a wrong query beside a right one, a server that is away and comes back."""
    back_fill = LATEST + 5
    prometheus.wait_for_history(APPENDED, back_fill + 1)
    began = int(time.time())
    engine = Embedded(f"""
[metric_collector]
metric_error_grace_period = 2
[prometheus]
url = {prometheus.url}
interval = 1
backfill = {back_fill}
queries =
    appended.$job = \\
        {APPENDED}
    up = up
    broken = sum(
""")
    started = int(time.time())
    name = "appended.self"
    try:
        before = eventually("samples of before and after the start", lambda: (
            rows := engine.rows(name)) and rows[-1][1] > began + 2 and rows)
        # The first question reaches back from when the engine began to ask.
        assert began - back_fill <= before[0][1] <= started - back_fill + 3, (before[0][1] - began, started - began)
        assert is_gapless(before), before
        own = check_values(before, prometheus, APPENDED)
        # What was back-filled had long settled.
        assert all(value == own[at] for value, at, _ in before if at < began - LATEST), (before, own)
        eventually("the wrong query is named", lambda: "source prometheus-broken fails: " in engine.log())
        assert "parse error" in engine.log()
        # Without a template in its name, a series is named by its labels.
        labelled = 'up{instance="127.0.0.1:%d",job="self"}' % prometheus.port
        eventually("a series without a template", lambda: engine.rows(labelled)[-1:] and engine.rows(labelled)[-1][0] == 1)
        engine.call("/" + name, '{"min": 0, "max": 1000000}', "PUT")
        eventually("scores of all rows", lambda: all(score is not None for _, _, score in engine.rows(name)))

        # The end nobody can prepare for: what the engine misses is fetched when it is back.
        engine.end(signal.SIGKILL)
        time.sleep(4)
        engine.start()
        back = int(time.time())
        after = eventually("the gap is closed", lambda: (rows := engine.rows(name)) and rows[-1][1] > back and rows)
        assert is_gapless(after) and [row[:2] for row in after[:len(before)]] == [row[:2] for row in before], after
        check_values(after, prometheus, APPENDED)

        prometheus.stop()
        eventually("the metric is in error", lambda: engine.metric(name)["status"] == 4)
        marked = time.time()
        message = engine.metric(name)["message"]
        assert message.startswith("source prometheus-appended._job"), message
        since = re.search(r"has failed since ([-0-9]+ [:0-9]+) UTC", message)
        assert since, message
        assert marked - calendar.timegm(time.strptime(since.group(1), "%Y-%m-%d %H:%M:%S")) >= 2, "marked before the grace period was over"
        prometheus.start()
        restarted = int(time.time())
        healed = eventually("it has come back by itself, all scored", lambda: (
            engine.metric(name)["status"] == 1 and (rows := engine.rows(name)) and rows[-1][1] > restarted
            and all(score is not None for _, _, score in rows) and rows))
        assert [row[:2] for row in healed[:len(after)]] == [row[:2] for row in after]
        assert is_gapless(healed), healed
        assert engine.metric(name)["message"] is None
        assert engine.end() == 0
    finally:
        engine.remove()


def test_without_back_fill(prometheus):
    """Nothing of before the first start comes; from then on nothing is missed, though the source can't answer at first."""
    prometheus.wait_for_history(TOTAL, 3)
    prometheus.stop()
    began = int(time.time())
    engine = Embedded(f"[prometheus]\nurl = {prometheus.url}\ninterval = 2\nstep = 1\nqueries = total = {TOTAL}\n")
    started = int(time.time())
    try:
        eventually("the source is asked in vain", lambda: "source prometheus-total fails" in engine.log())
        engine.end(signal.SIGKILL)
        prometheus.start()
        time.sleep(5)
        engine.start()
        back = int(time.time())
        rows = eventually("samples", lambda: (rows := engine.rows("total")) and rows[-1][1] > back and rows)
        # They begin with the first start, not with the second, and not where the source's own do.
        assert began <= rows[0][1] <= started + 3 < back, (rows[0][1] - began, started - began, back - began)
        assert is_gapless(rows) and all(score is None for _, _, score in rows), rows
        assert engine.end() == 0
        time.sleep(3)
        engine.start()
        back = int(time.time())
        after = eventually("what came meanwhile", lambda: (rows := engine.rows("total")) and rows[-1][1] > back and rows)
        assert is_gapless(after) and after[:len(rows)] == rows, after
        check_values(after, prometheus, TOTAL)
    finally:
        engine.remove()


def test_on_servers(prometheus):
    """The collector as a process of its own on MariaDB and RabbitMQ, both of which fail for a while."""
    reason = production.reason_to_skip()
    if reason:
        print("  skipped: " + reason)
        return
    pair = production.servers.Servers()
    app = None
    try:
        pair.start()
        prometheus.wait_for_history(APPENDED, 11)
        app = production.Application("collecting", pair, extra="""
            [metric_collector]
            metric_error_grace_period = 1
            [prometheus]
            url = %s
            interval = 1
            backfill = 10
            queries = appended.$job = %s
            """ % (prometheus.url, APPENDED))
        app.create_database()
        app.run("migrate")
        began = int(time.time())
        for label in ("runner", "http", "collector"):
            app.start(label, label)
        eventually("the collector runs", lambda: " is running." in app.log("collector"))
        started = int(time.time())
        name = "appended.self"
        def rows():
            return [(float(value), int(at), score) for value, at, score in app.sql(
                "SELECT metric_value, TIMESTAMPDIFF(SECOND, '1970-01-01', timestamp), anomaly_score FROM metric_data "
                "JOIN metric USING (uid) WHERE name = '%s' ORDER BY rowid" % name)]
        def status():
            return app.sql("SELECT status, collector_error FROM metric WHERE name = '%s'" % name)[0]
        first = eventually("samples", lambda: (found := rows()) and found[-1][1] > began + 2 and found)
        assert began - 10 <= first[0][1] <= started - 10 + 3, (first[0][1] - began, started - began)
        eventually("HTTP", lambda: app.request("PUT", "/" + name, '{"min":0, "max":1000000}')[0] in (201, 400))
        for server in (pair.mariadb, pair.rabbitmq):
            server.kill()
            time.sleep(4)
            server.start()
            back = int(time.time())
            eventually("samples of the outage and after", lambda: (found := rows()) and found[-1][1] > back + 1, seconds=300)
        app.kill("collector")
        prometheus.stop()
        app.start("collector", "collector")
        eventually("the metric is in error", lambda: status()[0] == "4" and "has failed since" in status()[1])
        prometheus.start()
        eventually("it has come back, all scored", lambda: status() == ["1", "NULL"] and all(
            score != "NULL" for _, _, score in rows()))
        found = rows()
        assert is_gapless(found), found
        assert app.stop() == []
    finally:
        if app:
            app.remove()
        pair.stop()


def main():
    tests = {name: value for name, value in globals().items() if name.startswith("test_")}
    wanted = ["test_" + name.removeprefix("test_") for name in sys.argv[1:]] or list(tests)
    if not shutil.which("prometheus"):
        print("SKIPPED: polling Prometheus (not installed: prometheus)")
        return 0
    failed = 0
    for name in wanted:
        start = time.monotonic()
        prometheus = Prometheus()
        try:
            tests[name](prometheus)
            print("ok    %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
        except Exception:
            failed += 1
            print("FAIL  " + name, flush=True)
            traceback.print_exc()
            for label, log in production.last_logs.items():
                print("--- %s\n%s" % (label, log[-3000:]), flush=True)
        finally:
            prometheus.remove()
    return 1 if failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())

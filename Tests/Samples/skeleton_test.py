#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The skeleton application, followed as its README says, in both forms; then an application of one's own made from it.

Usage: skeleton_test.py [--print embedded|servers]    (--print: the commands as one shell script, without running them)
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "Support"))
import servers
import readme

SKELETON = os.path.join(ROOT, "Samples", "Skeleton")
UID = "[0-9a-f]{32}"

# The texts of the original's flow, whatever the README says: what the programs of these steps must print.
TEXTS = {
    "7": [r"^Sending CPU percent samples to `cpu_percent`\.\.\.\nSent \d+\.\d{6} @ \d{10}\n"],
    "9": [r"^Model %s created\.\.\.\n$" % UID, r"cpu_percent.*already monitored.*%s" % UID],
    "10": [r"uid +\| +rowid +\| +timestamp +\| metric_value +\| raw_anomaly_score +\| anomaly_score +\| display_value +"
           r"\| multi_step_best_predictions"],
    "11": [r"\| %s +\| cpu_percent +\| Custom metric cpu_percent +\| +1 +\|" % UID],
    "12": [r"^Handling \d+ model result\(s\) for %s - cpu_percent\n" % UID,
           r'\n%s \[\{"rowid": \d+, "rawAnomaly": \d+\.\d+(e-\d+)?, "anomaly": \d+\.\d+(e-\d+)?, "ts": \d{10}\.0, "value": \d+\.\d+\}[\],]'
           % UID],
    "13": [r"^HTTP/1\.1 201 Created\r\n", r"\r\n\r\nCreated %s\n$" % UID,
           r"^Saved /load_average \d+\.\d{6} @ \d{10}\nSaved", r"^/load_average \d+\.\d+ \d{10} 0\.0\n",
           r"^Model already exists for /load_average\n$"],
}


class Application(readme.Shell):
    """A copy of the sample, beside it, so that its README's paths hold."""

    def __init__(self, name, form, pair):
        self.name, self.form, self.pair = name, form, pair
        directory = os.path.join(ROOT, "Samples", ".test-%s-%d" % (name + form[0], os.getpid()))
        shutil.copytree(SKELETON, directory, ignore=lambda folder, entries: [
            entry for entry in entries
            if entry in ("bin", ".build", "logs", "checkpoints", "htmengine-data", "password")
            or (os.path.basename(folder) == "conf" and not entry.endswith(".in"))])
        # Its own name, in one place.
        makefile = os.path.join(directory, "Makefile")
        with open(makefile) as file:
            text = file.read()
        assert text.count("skeleton") == 1, "the Makefile names the application %d times" % text.count("skeleton")
        with open(makefile, "w") as file:
            file.write(text.replace("skeleton", name))
        self.graphite, self.http, self.supervisor = servers.free_ports(3)
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("APPLICATION_CONFIG_PATH", "MAKEFLAGS", "MAKELEVEL", "ENGINE", "BUILD")}
        environment.update(DEPS="no", GRAPHITE_PORT=str(self.graphite), HTTP_PORT=str(self.http),
                           SUPERVISOR_PORT=str(self.supervisor))
        if form == "embedded":
            # Without files, other ports are a matter of variables.
            environment["_NTA_UTILS_CONFIG__APPLICATION__METRIC_LISTENER__PLAINTEXT_PORT"] = str(self.graphite)
            environment["_NTA_UTILS_CONFIG__APPLICATION__HTTP__PORT"] = str(self.http)
        else:
            environment.update(SQL_PORT=str(pair.mariadb.port), AMQP_PORT=str(pair.rabbitmq.port))
            shims = os.path.join(directory, ".shims")
            os.makedirs(shims)
            with open(os.path.join(shims, "mariadb"), "w") as shim:
                shim.write("#!/bin/sh\nexec %s --no-defaults --socket='%s' --user=root \"$@\"\n" % (
                    shutil.which("mariadb"), pair.mariadb.socket))
            os.chmod(os.path.join(shims, "mariadb"), 0o755)
            environment["PATH"] = shims + ":" + environment["PATH"]
        replace = [("localhost:8080", "localhost:%d" % self.http), ("skeleton", name)]
        super().__init__(directory, environment, replace, open(os.path.join(directory, "stderr.log"), "ab"))
        with open(os.path.join(SKELETON, "README.md")) as file:
            self.blocks = readme.blocks(file.read(), form)

    def build(self):
        """Step 0; then, on servers, the administrator of this broker says who may log in."""
        self.steps("0")
        if self.form == "servers":
            path = os.path.join(self.directory, "conf", "rabbitmq.conf")
            with open(path) as file:
                text = file.read()
            text = text.replace("user = guest", "user = " + servers.AMQP_USER)
            text = text.replace("password = guest", "password = " + servers.AMQP_PASSWORD.replace("%", "%%"))
            with open(path, "w") as file:
                file.write(text)

    def steps(self, *wanted):
        printed = {}
        for block in self.blocks:
            if block.step in wanted:
                printed.setdefault(block.step, []).append(self.follow(block))
        for step, outputs in printed.items():
            for pattern in TEXTS.get(step, []):
                assert any(re.search(pattern, output) for output in outputs), "step %s: nothing printed matches %s:\n%s" % (
                    step, pattern, "\n".join(outputs))
        return printed

    def query(self, sql):
        if self.form == "embedded":
            text, status = self.run('sqlite3 -separator "\t" htmengine-data/htmengine.sqlite "%s"' % sql)
        else:
            text, status = self.run('mariadb --batch --skip-column-names %s --execute="%s"' % (self.name, sql))
        assert status == 0, sql
        return [line.split("\t") for line in text.splitlines()]

    def send_history(self, metric, count):
        """Samples by port 2003; the end of the connection says that all are stored."""
        lines = "".join("%s %s %d\n" % (metric, 50 + 40 * ((7 * number) % 24) / 24, 1_600_000_000 + 300 * number)
                        for number in range(count))
        path = os.path.join(self.directory, "history")
        with open(path, "w") as file:
            file.write(lines)
        _, status = self.run("exec 3<>/dev/tcp/127.0.0.1/%d; cat history >&3; sleep 1; exec 3>&-" % self.graphite)
        assert status == 0

    def command_line(self, process):
        try:
            with open("/proc/%d/cmdline" % process, "rb") as file:
                return file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""

    def logs(self):
        folder = os.path.join(self.directory, "logs")
        names = ["stderr.log"] + (["logs/" + name for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else [])
        return "".join("--- %s\n%s\n" % (name, self.read(name)[-2000:]) for name in names)


def follow_readme(app):
    """Steps 1 to 13, and what a user tells by that it works."""
    if app.form == "servers":
        app.steps("1")
    app.steps("3")
    # A sender that is there before everything else, in the folder of the application.
    app.run("mkdir -p early; nohup send_cpu < /dev/null > early/out 2> early/err & echo $! > early/pid")
    if app.form == "servers":
        # The broker takes its samples before there is a table for them.
        app.eventually("a sample in the durable queue", lambda: "Sent" in app.read("early/out"))
        app.run("kill `cat early/pid`")
        assert app.read("early/err") == "", app.read("early/err")
    else:
        app.eventually("word from send_cpu", lambda: "Waiting for the engine" in app.read("early/err"))
        time.sleep(2)
        assert app.read("early/err").count("\n") == 1, app.read("early/err")
        assert "Sent" not in app.read("early/out")
    applied = app.steps("4")["4"][0]
    assert applied.startswith("Applied "), applied
    app.steps("5", "6")
    if app.form == "embedded":
        app.eventually("the sample of before the engine", lambda: "Sent" in app.read("early/out"))
        app.run("kill `cat early/pid`")
    else:
        page = urllib.request.urlopen("http://127.0.0.1:%d/" % app.supervisor, timeout=60).read().decode()
        assert page.count("running") >= 4, page
    early = int(re.search(r"@ (\d+)", app.read("early/out")).group(1))
    app.steps("7")
    first = app.query("select rowid, %s, raw_anomaly_score from metric_data where rowid = 1" % (
        "strftime('%s', timestamp)" if app.form == "embedded" else "timestampdiff(second, '1970-01-01', timestamp)"))
    assert first[0][:2] == ["1", str(early)], (first, early)
    assert "Waiting" not in app.read("logs/send_cpu.err")
    results = app.steps("8", "9", "10", "11", "12", "13")
    if app.form == "servers":
        results_while_off(app, results["12"][0])
    commands_are_printed(app)
    a_model_finds_its_range(app)
    a_restart_changes_nothing(app)


def rowids(text):
    return [int(rowid) for rowid in re.findall(r'"rowid": (\d+)', text)]


def results_while_off(app, before):
    last = rowids(before)[-1]
    app.eventually("two samples more", lambda: int(app.query(
        "select max(rowid) from metric_data join metric using (uid) where name = 'cpu_percent' "
        "and anomaly_score is not null")[0][0]) >= last + 2)
    after = app.watch("consume_realtime_results", lambda text: last + 2 in rowids(text))
    # The last message may come twice when Ctrl-C was faster than its acknowledgement.
    seen = [rowid for rowid in rowids(re.sub(r"(?m)^.*load_average.*\n.*\n", "", after)) if rowid > last]
    assert seen[:2] == [last + 1, last + 2], (last, after)


def commands_are_printed(app):
    uid = app.query("select uid from metric where name = 'cpu_percent'")[0][0]
    made = []
    def is_enough(text):
        if not made and ("Handling" in text):
            made.append(app.run("htmengine unmonitor cpu_percent > /dev/null && sleep 1 && create_cpu_percent_model"))
        return "Handling `defineModel` for %s\n{" % uid in text[text.find("Handling `deleteModel`"):]
    text = app.watch("consume_realtime_results", is_enough)
    assert made and made[0][1] == 0, made
    for method in ("deleteModel", "defineModel"):
        found = re.search(r"Handling `%s` for %s\n(\{.*\})\n" % (method, uid), text)
        assert found, "no %s in:\n%s" % (method, text)
        message = json.loads(found.group(1))
        assert message["method"] == method and message["modelId"] == uid and message["status"] == 0, message


def a_model_finds_its_range(app):
    """No range given: 8 until row 288, then 1; scores of all rows, 0 up to row 100, about 0.5 after it, then they move."""
    url = "http://localhost:%d/estimated" % app.http
    created, _ = app.run("curl -s %s -X PUT -d ''" % url)
    assert re.fullmatch("Created %s\n" % UID, created), created
    status = lambda: app.query("select status from metric where name = 'estimated'")[0][0]
    assert status() == "8"
    app.send_history("estimated", 400)
    def all_scored():
        printed, _ = app.run("curl -s " + url)
        return printed if printed.count("\n") == 400 and "None" not in printed else None
    printed = app.eventually("400 scored rows", all_scored)
    assert status() == "1"
    scores = [float(line.split()[3]) for line in printed.splitlines()]
    assert set(scores[:100]) == {0.0}, scores[:100]
    assert all(0.3 < score < 0.7 for score in scores[100:280]), scores[100:280]


def a_restart_changes_nothing(app):
    app.run("pkill -0 send_cpu; for id in `pgrep send_cpu`; do [ \"`readlink /proc/$id/cwd`\" = \"$PWD\" ] && kill $id; done; true")
    rows = "select * from metric_data order by uid, rowid"
    unscored = "select count(*) from metric_data join metric using (uid) where status = 1 and anomaly_score is null"
    def settled():
        """All rows, once each has its score and none came in the last second."""
        first = app.query(rows)
        time.sleep(1)
        return first if app.query(unscored) == [["0"]] and app.query(rows) == first else None
    before = app.eventually("no new rows, and all scored", settled)
    app.steps("Stop and start again")
    app.eventually("the end of the engine", lambda: not any(
        name in app.command_line(process) for process in app.processes() for name in ("htmengine", "supervisord")))
    app.steps("5", "6")
    app.run("send_cpu > logs/again.out 2> logs/again.err < /dev/null &")
    app.eventually("a sample after the restart", lambda: "Sent" in app.read("logs/again.out"))
    app.eventually("a scored row more", lambda: len(app.query(rows)) > len(before) and app.query(unscored) == [["0"]])
    after = app.query(rows)
    missing = [row for row in before if row not in after]
    assert not missing, missing[:3]


# --- an application of one's own -----------------------------------------------------------------------------------------------


def management(pair, path, method="GET"):
    import base64
    request = urllib.request.Request("http://127.0.0.1:%d/api/%s" % (pair.rabbitmq.management_port, path), method=method)
    login = base64.b64encode(("%s:%s" % (servers.AMQP_USER, servers.AMQP_PASSWORD)).encode()).decode()
    request.add_header("Authorization", "Basic " + login)
    body = urllib.request.urlopen(request, timeout=60).read()
    return json.loads(body) if body else None


def clear_servers(app):
    """Removes what an application has left on its servers."""
    app.run("mariadb --execute=\"DROP DATABASE %s; DROP USER %s@'127.0.0.1'\"" % (app.name, app.name))
    for kind in ("queues", "exchanges"):
        for item in management(app.pair, kind):
            if item["name"].startswith(app.name):
                management(app.pair, "%s/%%2F/%s" % (kind, item["name"]), "DELETE")


def own_application(app):
    app.steps("1", "3", "4", "5", "6", "7", "9")
    app.watch("consume_realtime_results", lambda text: "Handling" in text)
    app.run("consume_realtime_results > logs/results.out 2>&1 < /dev/null &")
    app.steps("13")
    text = json.dumps([management(app.pair, kind) for kind in (
        "queues", "exchanges", "bindings", "connections", "channels", "consumers")])
    assert app.name + ".model.results" in text and app.name + "_results" in text, text[:2000]
    assert "skeleton" not in text.lower(), re.findall(r".{100}skeleton.{100}", text)
    names, _ = app.run(
        "mariadb --batch --execute=\"show databases; select user, host from mysql.user; "
        "select table_schema, table_name, column_name from information_schema.columns where table_schema = '%s'; "
        "select * from information_schema.processlist; show engine innodb status\"; "
        "mariadb %s --batch --execute='select * from metric; select * from htmengine_setting'"
        % (app.name, app.name))
    assert app.name in names and "skeleton" not in names.lower(), re.findall(r".*skeleton.*", names)
    processes = app.processes()
    assert len(processes) >= 7, [app.command_line(process) for process in processes]
    for process in processes:
        assert "skeleton" not in app.command_line(process).lower(), process
    for folder, folders, files in os.walk(app.directory):
        for name in folders + files:
            assert "skeleton" not in name.lower(), name
        # bin/ holds the engine's own code; the README tells of the sample; .output and the rest are the test's.
        folders[:] = [name for name in folders if name not in ("bin", ".shims", "early")]
        for name in files:
            path = os.path.join(folder, name)
            if name == "README.md" or name.startswith(".") or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                assert b"skeleton" not in file.read().lower(), path


def attempt(name, work, app, failures):
    start = time.monotonic()
    try:
        work(app)
        print("ok    %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
    except Exception:
        failures.append(name)
        print("FAIL  %s\n%s\n%s" % (name, traceback.format_exc(), app.logs()), flush=True)


def main():
    if sys.argv[1:2] == ["--print"]:
        with open(os.path.join(SKELETON, "README.md")) as file:
            for block in readme.blocks(file.read(), sys.argv[2]):
                print("# step %s%s\n%s\n" % (block.step, " (%s)" % ", ".join(block.words) if block.words else "", block.text))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    missing = servers.missing_packages() + [name for name, program in (("supervisor", "supervisord"), ("sqlite3", "sqlite3"))
                                            if not shutil.which(program)]
    skips = os.environ.get("HTMENGINE_TEST_SERVERS") == "no" or missing
    pair, applications, failures = None, [], []
    try:
        if skips:
            print("SKIPPED: the skeleton application on servers (%s)" % (" ".join(missing) or "HTMENGINE_TEST_SERVERS=no"))
        else:
            pair = servers.Servers()
            pair.start()
        forms = ["embedded"] + ([] if skips else ["servers"])
        for form in forms:
            app = Application("skeleton", form, pair)
            applications.append(app)
            # One after the other: they share the engine's build directory.
            app.build()
        threads = [threading.Thread(target=attempt, args=("README, " + app.form, follow_readme, app, failures))
                   for app in applications]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not skips:
            skeleton = applications.pop()
            skeleton.end()
            skeleton.eventually("its end", lambda: not skeleton.processes())
            clear_servers(skeleton)
            skeleton.remove()
            app = Application("myapp", "servers", pair)
            applications.append(app)
            app.build()
            attempt("an application of one's own", own_application, app, failures)
    finally:
        for app in applications:
            app.remove()
        if pair:
            pair.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

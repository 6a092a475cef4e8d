#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that change many metrics by pattern, the configured thresholds of anomaly events and an earlier first row, with the real binary.

    Tests/Commands/pattern_test.py [--binary .build/release/htmengine]
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/htmengine")
    binary = os.path.abspath(parser.parse_args().binary)
    with tempfile.TemporaryDirectory() as directory:
        data, configuration = os.path.join(directory, "data"), os.path.join(directory, "application.conf")

        def write(end):
            with open(configuration, "w") as file:
                file.write(f"[anomaly_events]\nstart_above = 0.99\nend_below = {end}\nquiet_rows = 5\n"
                           "[model]\nfirst_rows = 50\n[metric_listener]\nauto_monitor = auto.*\n")

        def serve():
            return subprocess.Popen(
                [binary, "serve", "--data", data, "--config", directory, "--http", "127.0.0.1:0", "--graphite", "127.0.0.1:0"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def command(*words, status=0):
            done = subprocess.run([binary, *words, "--data", data], capture_output=True, text=True, timeout=300)
            assert done.returncode == status if status == 0 else done.returncode != 0, (words, done)
            return done.stdout

        write(0.995)
        wrong = serve()
        _, errors = wrong.communicate(timeout=120)
        assert wrong.returncode != 0 and "end_below" in errors and "0.995" in errors, errors

        write(0.9)
        engine = serve()
        try:
            port = next(found.group(1) for line in engine.stdout if (found := re.search(r"http://127\.0\.0\.1:(\d+)/", line)))

            def call(path, body=None):
                reply = urllib.request.urlopen(
                    urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body and body.encode()), timeout=120)
                return reply.read().decode()

            assert json.loads(call("/_about"))["events"] == {"start_above": 0.99, "end_below": 0.9, "quiet_rows": 5}
            for name in ("web.a", "web.b", "web.c", "db.a"):
                call("/" + name, "1 100")

            def metrics():
                return {m["name"]: m["status"] for m in json.loads(call("/_metrics/custom?sort=name"))}

            def learning(name):
                return json.loads(call("/_metrics/custom/" + name))["learning"]

            # Without --yes nothing happens, and what would is named.
            shown = command("monitor", "--matching", "web.*", "--min", "0", "--max", "9")
            assert "web.a" in shown and "db.a" not in shown and "--yes" in shown, shown
            assert set(metrics().values()) == {0}
            command("monitor", "--matching", "web.*", "--min", "0", "--max", "9", "--yes")
            assert {n for n, s in metrics().items() if s != 0} == {"web.a", "web.b", "web.c"}, metrics()
            # What is done already is left alone, so the command may be repeated.
            assert json.loads(command("monitor", "--matching", "web.*", "--yes", "--json")) == []
            command("unmonitor", "--matching", "*.a")
            assert metrics()["web.a"] != 0
            done = json.loads(command("unmonitor", "--matching", "*.a", "--yes", "--json"))
            assert [(m["name"], m["done"]) for m in done] == [("web.a", True)], done
            assert {n for n, s in metrics().items() if s != 0} == {"web.b", "web.c"}
            command("unmonitor", "--matching", "web.*", "--delete-data")
            assert len(metrics()) == 4
            command("unmonitor", "--matching", "web.*", "--delete-data", "--yes")
            assert set(metrics()) == {"db.a"}, metrics()
            # A name or a pattern, not both, not neither; --yes never on its own.
            for words in (["unmonitor"], ["unmonitor", "db.a", "--matching", "*"], ["unmonitor", "db.a", "--yes"], ["monitor", "--yes"]):
                command(*words, status=1)
            assert set(metrics()) == {"db.a"}
            # One that is monitored by itself is replaced, once.
            call("/auto.x", "1 100")
            done = json.loads(command("monitor", "--matching", "auto.*", "--min", "0", "--max", "9", "--yes", "--json"))
            assert [m["name"] for m in done] == ["auto.x"], done
            assert json.loads(command("monitor", "--matching", "auto.*", "--yes", "--json")) == []
            # [model] first_rows: the model starts early, and its learning is shown until scores mean something.
            call("/early", "\n".join(f"{n % 7} {1000 + 60 * n}" for n in range(49)))
            command("monitor", "early")
            assert learning("early") == {"phase": "waiting for data", "rows": 49, "of": 50}, learning("early")
            call("/early", "\n".join(f"{n % 7} {1000 + 60 * n}" for n in range(49, 60)))
            deadline = time.monotonic() + 120
            while learning("early") != {"phase": "learning", "rows": 60, "of": 288}:
                assert time.monotonic() < deadline, learning("early")
                time.sleep(0.05)
            assert "Monitoring db.a" in command("monitor", "db.a", "--min", "0", "--max", "9")
        finally:
            engine.send_signal(signal.SIGTERM)
            engine.wait(120)
    print("commands by pattern: all well")


if __name__ == "__main__":
    sys.exit(main())

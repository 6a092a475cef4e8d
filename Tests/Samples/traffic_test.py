#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The traffic sample, followed as its README says, only faster: the archive is replayed in some seconds."""

import csv
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, "..", "Support"))
import readme
import servers

SAMPLE = os.path.join(ROOT, "Samples", "Traffic")
FOURTH_WEEK = 1_705_881_600
SAMPLES = 28 * 24 * 200


def results(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def main():
    # Beside the sample, so that its paths to the engine hold.
    directory = tempfile.mkdtemp(prefix=".test-traffic-", dir=os.path.join(ROOT, "Samples"))
    shutil.copytree(SAMPLE, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bin", ".build", "htmengine-data"))
    graphite, http = servers.free_ports(2)
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("APPLICATION_CONFIG_PATH", "MAKEFLAGS", "MAKELEVEL", "ENGINE", "BUILD")}
    environment["DEPS"] = "no"
    environment["_NTA_UTILS_CONFIG__APPLICATION__METRIC_LISTENER__PLAINTEXT_PORT"] = str(graphite)
    environment["_NTA_UTILS_CONFIG__APPLICATION__HTTP__PORT"] = str(http)
    with open(os.path.join(SAMPLE, "README.md")) as file:
        blocks = readme.blocks(file.read(), "embedded")
    replace = [("localhost:8080", "localhost:%d" % http), ("archive.csv 36000", "archive.csv 720000")]
    shell = readme.Shell(directory, environment, replace, open(os.path.join(directory, "stderr.log"), "ab"))
    found = os.path.join(directory, "results.csv")
    start = time.monotonic()
    interrupted = False
    try:
        for block in blocks:
            if block.step == "6" and not interrupted:
                # The engine dies with most of the work before it, and is started again as before: the recording has no hole.
                interrupted = True
                shell.eventually("first results", lambda: results(found))
                before = len(results(found))
                shell.run("kill -9 `cat engine.pid`; while kill -0 `cat engine.pid` 2>/dev/null; do sleep 0.1; done")
                again, = [one for one in blocks if one.step == "3" and "serve" in one.text]
                shell.run(again.text)
                assert 0 < before < SAMPLES, "the engine was through already: %d" % before
                print("      the engine was killed with %d of %d results recorded" % (before, SAMPLES))
            if block.step == "6":
                # A person looks when all is there.
                shell.eventually("all results", lambda: len(results(found)) == SAMPLES, seconds=1200)
            shell.follow(block)
        recorded = [(row["time"], row["sensor"]) for row in results(found)]
        assert len(recorded) == len(set(recorded)) == SAMPLES, (len(recorded), len(set(recorded)))
        alarms = {row["sensor"] for row in results(found)
                  if int(row["time"]) >= FOURTH_WEEK and float(row["anomaly_score"]) > 0.99999}
        incidents = {"road.%d" % (1003 + 10 * number) for number in range(20)}
        # What the README says it finds.
        assert len(alarms & incidents) == 11 and alarms <= incidents, sorted(alarms)
        print("ok    traffic (%.1f s)" % (time.monotonic() - start))
        return 0
    except AssertionError as error:
        print("FAIL  traffic: %s\n%d results recorded\n%s" % (error, len(results(found)), shell.read("stderr.log")[-3000:]))
        return 1
    finally:
        shell.remove()


if __name__ == "__main__":
    sys.exit(main())

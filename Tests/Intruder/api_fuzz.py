#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""schemathesis against a running engine: every operation of the OpenAPI document, with requests that fit it and requests that don't.

    Tests/Intruder/api_fuzz.py [--binary .build/release/htmengine] [--schemathesis schemathesis] [--seconds 60] [--seed N]

The endless stream is left out; the tests of the stream read that one.
"""

import argparse
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request


# A POST that is only tried creates nothing to be found afterwards, which schemathesis can't know; PUT, the same operation, still gets dry_run.
CONFIGURATION = """
[[operations]]
include-name = "POST /_models"
parameters = { "query.dry_run" = "false" }
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/htmengine")
    parser.add_argument("--schemathesis", default="schemathesis")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        log = open(os.path.join(directory, "log"), "w+")
        engine = subprocess.Popen(
            [os.path.abspath(arguments.binary), "serve", "--data", os.path.join(directory, "data"), "--http", "127.0.0.1:0",
             "--graphite", "127.0.0.1:0", "--auto-monitor", "fuzz.*"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            port = next(found.group(1) for line in engine.stdout if (found := re.search(r"http://127\.0\.0\.1:(\d+)/", line)))
            address = f"http://127.0.0.1:{port}"

            def call(method, path, body=None):
                request = urllib.request.Request(address + path, data=body and body.encode(), method=method)
                return urllib.request.urlopen(request, timeout=60).read().decode()

            # Something to find: metrics with scores, with an anomaly, with a note, and one without a model.
            start = int(time.time()) - 400 * 60
            for name in ("fuzz.a", "fuzz.b", "plain"):
                rows = (f"{90 if n == 380 else 50 + 10 * math.sin(n / 8):.3f} {start + n * 60}" for n in range(400))
                call("POST", "/" + name, "\n".join(rows))
            configuration = os.path.join(directory, "schemathesis.toml")
            with open(configuration, "w") as file:
                file.write(CONFIGURATION)
            # It keeps notes where it runs.
            run = subprocess.run(
                [os.path.abspath(arguments.schemathesis), "--config-file", configuration, "run", f"{address}/_openapi.json", "--exclude-path", "/_stream", "--max-time",
                 str(arguments.seconds), "--seed", str(arguments.seed), "--no-color", "--generation-database", "none",
                 "--warnings", "off"],
                cwd=directory, timeout=arguments.seconds + 120)
            # Whatever it was sent, the engine still serves, and no request was answered with a fault of its own.
            call("GET", "/_health")
        finally:
            engine.send_signal(signal.SIGTERM)
            code = engine.wait(60)
        log.seek(0)
        errors = [line for line in log if '"level":"error"' in line or " ERROR " in line]
    for line in errors[:20]:
        print(line, end="")
    return 1 if run.returncode or code or errors else 0


if __name__ == "__main__":
    sys.exit(main())

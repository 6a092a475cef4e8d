# SPDX-License-Identifier: Apache-2.0
"""Start-up to the first answer over HTTP and idle memory: empty, and with 10,000 active models."""

import os
import statistics
import subprocess
import time

from measure import COMPONENTS, ENGINE, Directory, Engine, cpu_seconds, resident_megabytes


def run(table, full):
    times = 7 if full else 3
    bare = []
    for _ in range(times):
        began = time.monotonic()
        subprocess.run([ENGINE, "version"], stdout=subprocess.DEVNULL, check=True)
        bare.append(1000 * (time.monotonic() - began))
    reference = statistics.median(bare)
    for models, goal in ((0, None), (10_000, 1000)):
        with Directory() as directory:
            data = os.path.join(directory, "data")
            if models:
                subprocess.run([COMPONENTS, "seed", data, str(models), "0", "0"], check=True)
            answers, cpu = [], []
            for _ in range(times):
                with Engine(data, "--log-level", "warning") as server:
                    answers.append(1000 * server.until_answer)
                    cpu.append(1000 * cpu_seconds(server.pid))
                    if len(answers) == times:
                        # The look for unfinished work at the start belongs to being idle.
                        time.sleep(3)
                        memory = resident_megabytes(server.pid)
            answer = statistics.median(answers)
            name = "start of serve to its first answer, %s" % ("%d models" % models if models else "empty")
            table.add(name + ", against `htmengine version`", "%.0f ms (%.0f ms CPU)" % (answer, statistics.median(cpu)),
                      "%.0f ms" % reference, answer / reference, "<= 1000 ms" if goal else "",
                      answer <= goal if goal else None)
            table.add("  resident when idle", "%.1f MB" % memory, "", None, "<= 40 MB", memory <= 40)

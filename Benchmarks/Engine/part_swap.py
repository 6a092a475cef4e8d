# SPDX-License-Identifier: Apache-2.0
"""Models that don't fit into memory: load, process one record, save; and the engine as a whole within a memory budget."""

import os
import subprocess
import time

from measure import COMPONENTS, Directory, Engine, cpu_seconds, resident_megabytes, rows_hash


def values(*command):
    done = subprocess.run([COMPONENTS, *map(str, command)], capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


def run(table, full):
    models, learned, records, budget = (20_000, 200, 2000, 700) if full else (500, 5, 2000, 18)
    checkpoint = values("checkpoint", 4000)
    save, load = float(checkpoint["save"]), float(checkpoint["load"])
    table.add("checkpoint of a model of 4,000 records, CPU", "save %.1f ms, load %.1f ms (%.2f MB)" % (
        save, load, int(checkpoint["bytes"]) / 1e6), "", None, "<= 10 ms each", max(save, load) <= 10, checkpoint["hash"])
    with Directory() as directory:
        data = os.path.join(directory, "data")
        seeded = values("seed", data, models, learned, records)
        size, held = int(seeded["checkpoint_bytes"]), int(seeded["model_bytes"])
        # The engine first: it finds the checkpoints as they were made.
        with Engine(data, "--log-level", "warning", memory_budget="%dMB" % budget) as server:
            first = 1_700_000_000 + 300 * records
            lines = ["swap.host%d.load %.2f %d\n" % (metric, 50 + metric % 30, first) for metric in range(models)]
            before, began = cpu_seconds(server.pid), time.monotonic()
            server.send("".join(lines).encode())
            server.wait_for("scores", lambda: server.counters().get("htmengine_rows_scored_total", 0) >= models, 1800, 0.1)
            cpu, elapsed = cpu_seconds(server.pid) - before, time.monotonic() - began
            peak = resident_megabytes(server.pid, peak=True)
            written = server.counters().get("htmengine_checkpoint_bytes_total", 0)
            with server.database() as database:
                digest = rows_hash(database, "m.name, d.rowid, d.raw_anomaly_score")
        name = "swap, %d models of %d records (%.1f MB each), budget %d MB" % (models, records, held / 1e6, budget)
        table.add(name + ": whole engine", "%.2f ms CPU, %.2f ms elapsed a sample, %.0f bytes written, peak %.0f MB" % (
            1000 * cpu / models, 1000 * elapsed / models, written / models, peak), "%.0f MB all in memory" % (
            models * held / 1e6), peak / (models * held / 1e6), "1 GB" if full else "", peak <= 1024 if full else None, digest)
        count = min(models, 2000 if full else 300)
        visit = values("visit", data, count, records)
        p99 = float(visit["visit_cpu_p99"])
        table.add("  a sample's visit by the engine's rules: load, replay 0 to 9 rows, one record, a save in 1 of 10, CPU",
                  "p50 %.1f ms, p99 %.1f ms" % (float(visit["visit_cpu_p50"]), p99), "", None, "p99 <= 10 ms", p99 <= 10)
        table.add("  the same elapsed, with sync; bytes written", "p50 %.1f ms, p99 %.1f ms; %s a sample" % (
            float(visit["visit_elapsed_p50"]), float(visit["visit_elapsed_p99"]), visit["visit_bytes_per_sample"]))
        one = values("swap", data, count, records)
        p99 = float(one["cpu_p99"])
        table.add("  load + one record + save each time, CPU", "p50 %.1f ms, p99 %.1f ms" % (float(one["cpu_p50"]), p99), "", None,
                  "p99 <= 10 ms", p99 <= 10, one["hash"])
        table.add("  the same elapsed, with sync", "p50 %.1f ms, p99 %.1f ms" % (
            float(one["elapsed_p50"]), float(one["elapsed_p99"])))
        table.add("  bytes written by each save, against the checkpoint it replaces", one["bytes_per_sample"], str(size),
                  int(one["bytes_per_sample"]) / size)

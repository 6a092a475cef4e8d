#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures of docs/guide/model.md from real runs.

    docs/guide/images/draw.py .build/release/htmengine

Runs `htmengine sample` and `htmengine detect` with the binary given and writes SVG files beside itself. Needs nothing but Python 3.
"""
import csv
import datetime
import io
import pathlib
import subprocess
import sys
import tempfile

WIDTH, LEFT, RIGHT = 760, 56, 12
HERE = pathlib.Path(__file__).parent


def run(binary):
    """Rows of `detect` on the engine's own example: (Unix seconds, value, raw score, likelihood, log likelihood)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "shop.csv"
        path.write_bytes(subprocess.run([binary, "sample"], check=True, stdout=subprocess.PIPE).stdout)
        command = [binary, "detect", str(path), "--likelihood", "engine"]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        time = datetime.datetime.fromisoformat(row["timestamp"]).replace(tzinfo=datetime.timezone.utc)
        scores = [float(row[name] or 0) for name in ("raw_anomaly_score", "anomaly_likelihood", "anomaly_score")]
        rows.append((time.timestamp(), float(row["value"]), *scores))
    return rows


class Picture:
    """Panels above each other on one time axis."""

    def __init__(self, first, last):
        self.first, self.last, self.top, self.parts = first, last, 8, []

    def x(self, time):
        return LEFT + (WIDTH - LEFT - RIGHT) * (time - self.first) / (self.last - self.first)

    def panel(self, title, points, low, high, height=110, color="#1f6feb", ticks=(), bars=False):
        top, bottom = self.top + 18, self.top + 18 + height
        y = lambda value: bottom - height * (min(max(value, low), high) - low) / (high - low)
        add = self.parts.append
        add(f'<text x="{LEFT}" y="{top - 6}" class="t">{title}</text>')
        add(f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{height}" class="f"/>')
        for tick in ticks:
            add(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" class="g"/>')
            add(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" class="n">{tick:g}</text>')
        if bars:
            path = "".join(f"M{self.x(t):.1f} {bottom}V{y(v):.1f}" for t, v in points if v > low)
        else:
            path = "M" + "L".join(f"{self.x(t):.1f} {y(v):.1f}" for t, v in points)
        add(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.3"/>')
        self.top = bottom + 8

    def write(self, name, seconds, form):
        time = self.first - self.first % seconds + seconds
        while time <= self.last:
            label = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime(form)
            self.parts.append(f'<text x="{self.x(time):.1f}" y="{self.top + 8}" class="m">{label}</text>')
            time += seconds
        style = (
            "text{font:12px sans-serif;fill:#444}.t{font-weight:bold}.n{text-anchor:end}.m{text-anchor:middle}"
            ".f{fill:#fff;stroke:#bbb}.g{stroke:#ddd}"
        )
        (HERE / name).write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.top + 16}" width="{WIDTH}">'
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>' + "".join(self.parts) + "</svg>\n"
        )


def mean(rows, column, size):
    groups = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [(group[0][0], sum(row[column] for row in group) / len(group)) for group in groups]


def main(binary):
    rows = run(binary)
    highest = max(range(len(rows)), key=lambda index: rows[index][3] if index > 1000 else 0)

    learning = Picture(rows[0][0], rows[-1][0])
    learning.panel("Value: requests per second (means of an hour)", mean(rows, 1, 12), 0, 140, ticks=(0, 50, 100))
    learning.panel("Raw score: share of what came that was not expected (means of two hours)", mean(rows, 2, 24), 0, 1,
                   color="#cf222e", ticks=(0, 0.5, 1))
    learning.write("learning.svg", 2 * 86400, "%b %-d")

    near = rows[max(0, highest - 150) : highest + 120]
    fault = Picture(near[0][0], near[-1][0])
    fault.panel("Value: requests per second", [(row[0], row[1]) for row in near], 0, 140, ticks=(0, 50, 100))
    fault.panel("Raw score of each value", [(row[0], row[2]) for row in near], 0, 1, color="#cf222e", ticks=(0, 0.5, 1),
                bars=True)
    fault.panel("Likelihood that scores of late are higher than usual, as nines: 0.9 is 1, 0.999 is 3",
                [(row[0], row[4] * 10) for row in near], 0, 10, color="#8250df", ticks=(0, 2, 4, 6, 8))
    fault.write("fault.svg", 4 * 3600, "%H:%M")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of docs/performance.md as SVG: plot.py [CSV folder] [image folder].

growth.csv is what `Benchmarks/run growth` printed; profile.csv has a line `share,part,what` for each bar.
"""

import csv
import os
import sys
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "Results")
TARGET = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "..", "docs", "images")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 300, 60, 60, 36, 44
BLUE, ORANGE, GREY = "#1f6feb", "#bc4c00", "#8c959f"


def text(x, y, content, anchor="middle", colour="#57606a", size=12):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" font-size="%d">%s</text>' % (
        x, y, anchor, colour, size, escape(content))


def document(height, parts, title):
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" role="img">' % (WIDTH, height),
        "<title>%s</title>" % escape(title), '<rect width="100%" height="100%" fill="#ffffff"/>', *parts, "</svg>", ""])


def growth(rows):
    """Time on the left axis and memory on the right one against records seen, in even steps of records."""
    last = max(float(row["records"]) for row in rows)
    time_top, memory_top = 1500.0, 20.0
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    x = lambda records: LEFT + across * records / last
    y = lambda share: TOP + down * (1 - share)
    parts = []
    for step in range(5):
        height = y(step / 4)
        parts.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#d0d7de"/>' % (LEFT, height, WIDTH - RIGHT, height))
        parts.append(text(LEFT - 8, height + 4, "%d" % (time_top * step / 4), "end", BLUE))
        parts.append(text(WIDTH - RIGHT + 8, height + 4, "%d" % (memory_top * step / 4), "start", ORANGE))
    for step in range(6):
        parts.append(text(x(last * step / 5), HEIGHT - BOTTOM + 18, "{:,}".format(int(last * step / 5))))
    for column, top, colour in (("microseconds_per_record", time_top, BLUE), ("megabytes", memory_top, ORANGE)):
        points = " ".join("%.1f,%.1f" % (x(float(row["records"])), y(min(1, float(row[column]) / top))) for row in rows)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (points, colour))
    parts += [text(LEFT, 20, "µs CPU per record (mean)", "start", BLUE), text(WIDTH - RIGHT, 20, "MB of the model", "end", ORANGE),
              text(LEFT + across / 2, HEIGHT - 8, "records of uniform noise seen")]
    return document(HEIGHT, parts, "Time per record and memory against records seen")


def profile(rows):
    """A bar for each part, longest first."""
    rows = sorted(rows, key=lambda row: -float(row["share"]))
    longest, line = float(rows[0]["share"]), 24
    parts = []
    for index, row in enumerate(rows):
        top = 14 + index * line
        length = 330 * float(row["share"]) / longest
        parts.append(text(330, top + 13, row["what"], "end", "#24292f"))
        parts.append('<rect x="340" y="%d" width="%.1f" height="16" fill="%s"/>' % (top, length, GREY if row["part"] == "other" else BLUE))
        parts.append(text(346 + length, top + 13, "%s %%" % row["share"], "start"))
    return document(28 + line * len(rows), parts, "Share of instructions by part of the model")


def main():
    os.makedirs(TARGET, exist_ok=True)
    for name, draw in (("growth", growth), ("profile", profile)):
        with open(os.path.join(SOURCE, name + ".csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with open(os.path.join(TARGET, "performance-%s.svg" % name), "w", encoding="utf-8") as file:
            file.write(draw(rows))


main()

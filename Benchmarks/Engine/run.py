#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the engine around the models, each beside a reference in the same run.

Usage: run.py [--full] [PART …]     parts: ingest scoring swap start http (default: all)
"""

import argparse
import importlib
import os
import time

from measure import Table

PARTS = ["ingest", "scoring", "swap", "start", "http"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="the sizes of the goals; takes about half an hour")
    parser.add_argument("parts", nargs="*", metavar="PART", help="of " + " ".join(PARTS))
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error("no part %s; there are %s" % (", ".join(sorted(unknown)), " ".join(PARTS)))
    table = Table()
    load, began = os.getloadavg()[0], time.monotonic()
    for part in options.parts or PARTS:
        importlib.import_module("part_" + part).run(table, options.full)
    print("\n%d cores, load %.1f before and %.1f after, %s, %.0f s\n" % (
        os.cpu_count(), load, os.getloadavg()[0], "full" if options.full else "quick", time.monotonic() - began))
    print(table.text())


if __name__ == "__main__":
    main()

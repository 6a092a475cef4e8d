#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prepare DIR: writes labelled series that Python packages ship or make, for `htmengine evaluate csv`.

    python3 -m venv venv && venv/bin/pip install timeeval-gutentag==1.5.0
    venv/bin/pip download --no-deps -d packages aeon==1.6.0 sktime==1.2.0
    venv/bin/python Benchmarks/Corpora/prepare.py DIR packages/*.whl
    htmengine evaluate csv --mode evidence --threshold 0.5 DIR/*.csv

Writes `timestamp,value,label`, five minutes apart where the source has no times:

    gutentag_BASE_KIND.csv  made by GutenTAG (MIT; Wenig, Schmidl, Papenbrock, PVLDB 15, 2022), seed 11: 8,000 records, two anomalies
    aeon_KIND.csv           from aeon (BSD 3-clause): the series 135 of the UCR anomaly archive, and Daphnet's S06R02E0 (CC BY 4.0),
                            one file for each accelerometer axis
    sktime_KIND.csv         from sktime (BSD 3-clause): an ECG of MIT-BIH (ODC-BY) and a series of Yahoo S5 (for research only)

Nothing of this is in the repository.
"""

import csv
import datetime
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile

BASES = {name: {"kind": kind, "amplitude": 1.0, "variance": 0.05, **rest} for name, kind, rest in (
    ("sine", "sine", {"frequency": 2.0}),
    ("ecg", "ecg", {"frequency": 2.0}),
    ("walk", "random-walk", {"variance": 0.01}),
    ("sawtooth", "sawtooth", {"frequency": 2.0, "width": 0.8}),
    ("square", "square", {"frequency": 2.0, "duty": 0.4}),
    ("cbf", "cylinder-bell-funnel", {}),
)}
BASES["cbf"].pop("amplitude")
# Length in records and what GutenTAG is told.
KINDS = {
    "extremum": (1, {"min": False, "local": False}),
    "frequency": (150, {"frequency_factor": 2.5}),
    "mean": (100, {"offset": 1.0}),
    "pattern": (150, {"sinusoid_k": 10.0, "cbf_pattern_factor": 2.5}),
    "pattern-shift": (100, {"shift_by": 15, "transition_window": 20}),
    "platform": (60, {"value": 0.3}),
    "variance": (80, {"variance": 0.4}),
    "amplitude": (100, {"amplitude_factor": 1.8}),
    "trend": (200, {"oscillation": {"kind": "sine", "frequency": 0.25, "amplitude": 1.5}}),
}
EVERYWHERE = ["extremum", "mean", "platform", "variance", "amplitude", "trend"]
FITTING = {
    "sine": list(KINDS),
    "ecg": list(KINDS),
    "walk": EVERYWHERE,
    "sawtooth": EVERYWHERE + ["frequency"],
    "square": EVERYWHERE + ["frequency"],
    "cbf": EVERYWHERE + ["pattern"],
}


def write(path, rows):
    """Rows of value and label, five minutes apart unless they come with a time."""
    first = datetime.datetime(2024, 1, 1)
    with open(path, "w") as file:
        file.write("timestamp,value,label\n")
        for number, row in enumerate(rows):
            time = row[2] if len(row) > 2 else first + datetime.timedelta(minutes=5 * number)
            file.write("%s,%.6g,%s\n" % (time, float(row[0]), row[1]))


def gutentag(directory):
    series = []
    for base, kinds in FITTING.items():
        for kind in kinds:
            length, parameters = KINDS[kind]
            anomalies = [{"position": place, "length": length, "kinds": [{"kind": kind, **parameters}]} for place in ("middle", "end")]
            series.append({"name": "%s_%s" % (base, kind), "length": 8000, "base-oscillations": [BASES[base]], "anomalies": anomalies})
    with tempfile.TemporaryDirectory() as scratch:
        config = os.path.join(scratch, "config.yaml")
        with open(config, "w") as file:
            # JSON is YAML.
            json.dump({"timeseries": series}, file)
        subprocess.run([sys.executable, "-m", "gutenTAG", "--config-yaml", config, "--seed", "11", "--output-dir", scratch],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for one in series:
            with open(os.path.join(scratch, one["name"], "test.csv")) as file:
                write(os.path.join(directory, "gutentag_%s.csv" % one["name"]), [row[1:3] for row in list(csv.reader(file))[1:]])


def table(package, path):
    return list(csv.DictReader(io.StringIO(package.read(path).decode())))


def aeon(package, directory):
    rows = table(package, "aeon/datasets/data/KDD-TSAD_135/135_UCR_Anomaly_InternalBleeding16_TEST.csv")
    write(os.path.join(directory, "aeon_ucr135.csv"), [(row["value"], row["is_anomaly"]) for row in rows])
    rows = table(package, "aeon/datasets/data/Daphnet_S06R02E0/S06R02E0.csv")
    for axis in rows[0]:
        if axis not in ("timestamp", "is_anomaly"):
            write(os.path.join(directory, "aeon_daphnet_%s.csv" % axis), [(row[axis], row["is_anomaly"]) for row in rows])


def sktime(package, directory):
    for name in ("mitdb", "yahoo"):
        rows = table(package, "sktime/datasets/data/%s/%s.csv" % (name, name))
        write(os.path.join(directory, "sktime_%s.csv" % name), [(row["data"], row["label"]) for row in rows])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    gutentag(directory)
    for path in sys.argv[2:]:
        name = os.path.basename(path).split("-")[0]
        makers = {"aeon": aeon, "sktime": sktime}
        if name not in makers:
            sys.exit("%s: expected a wheel of aeon or sktime" % path)
        with zipfile.ZipFile(path) as package:
            makers[name](package, directory)


main()

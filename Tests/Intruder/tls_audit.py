#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""testssl.sh against the engine's TLS port: fails on any finding above low.

    Tests/Intruder/tls_audit.py [--binary .build/release/htmengine]

The certificate is made for the run, signed by an authority that testssl.sh is told to trust. What only a public authority can give (a
revocation address, certificate transparency, a CAA record) is left out of the verdict.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

# Of the certificate's maker and the name service, not of the engine.
NOT_OURS = {"cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL", "DNS_CAArecord", "OCSP_stapling"}


def make_certificate(directory):
    def path(name):
        return os.path.join(directory, name)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    with open(path("ext"), "w") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-days", "365", "-subj", "/CN=Test authority", "-keyout", path("ca.key"), "-out", path("ca.pem"))
    openssl("req", *curve, "-subj", "/CN=localhost", "-keyout", path("tls.key"), "-out", path("tls.csr"))
    openssl("x509", "-req", "-in", path("tls.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "365",
            "-extfile", path("ext"), "-out", path("tls.crt"))


def renegotiates(port):
    """Whether a client may negotiate again. testssl.sh 3.0 ends its client's input right after asking, and takes the engine for vulnerable
    when the client leaves before it has seen the connection closed; here it waits for that."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{port}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    client.stdin.write("R\n")
    client.stdin.flush()
    try:
        client.wait(20)
    except subprocess.TimeoutExpired:
        client.kill()
        return True
    lines = client.stdout.read().split("\n")
    return "RENEGOTIATING" not in lines or "closed" not in lines[lines.index("RENEGOTIATING"):]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/htmengine")
    binary = os.path.abspath(parser.parse_args().binary)
    with tempfile.TemporaryDirectory() as directory:
        make_certificate(directory)
        with open(os.path.join(directory, "application.conf"), "w") as file:
            file.write(f"[security]\ntls_certificate = {directory}/tls.crt\ntls_key = {directory}/tls.key\n")
        engine = subprocess.Popen(
            [binary, "serve", "--data", os.path.join(directory, "data"), "--config", directory, "--http", "127.0.0.1:0",
             "--graphite", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = next(found.group(1) for line in engine.stdout if (found := re.search(r"https?://127\.0\.0\.1:(\d+)/", line)))
            report = os.path.join(directory, "report.json")
            subprocess.run(
                ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1", "--add-ca",
                 os.path.join(directory, "ca.pem"), "--jsonfile", report, f"localhost:{port}"],
                stdout=subprocess.DEVNULL, timeout=900)
            is_renegotiating = renegotiates(port)
        finally:
            engine.send_signal(signal.SIGTERM)
            engine.wait(30)
        findings = json.load(open(report))
    if not is_renegotiating:
        findings = [f for f in findings if f["id"] != "secure_client_renego"]
    print("negotiating again:", "possible" if is_renegotiating else "the connection is closed")
    levels = {}
    for finding in findings:
        levels.setdefault(finding["severity"], []).append(finding)
    left_out = [f["id"] for level in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") for f in levels.get(level, []) if f["id"].split(" ")[0] in NOT_OURS]
    print(f"{len(findings)} findings;", ", ".join(f"{level}: {len(found)}" for level, found in sorted(levels.items())))
    print("not the engine's:", ", ".join(left_out) or "none")
    bad = [f for level in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") for f in levels.get(level, []) if f["id"].split(" ")[0] not in NOT_OURS]
    for finding in bad + levels.get("LOW", []):
        print(f"{finding['severity']:8} {finding['id']}: {finding['finding']}")
    if len(findings) < 50:
        print("testssl.sh has looked at too little")
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

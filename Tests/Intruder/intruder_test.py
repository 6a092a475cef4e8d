#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an intruder tries, on the whole running engine.

    Tests/Intruder/intruder_test.py [--binary .build/release/htmengine]

Each check is a function whose name says what must hold. Exit code 0 when all hold.
"""

import argparse
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

NAME = "<script>alert(1)</script>"
SECRETS = {"webhook_secret": "WEBHOOK-SECRET-4711", "smtp_password": "SMTP-SECRET-4711"}


class Engine:
    """A running `htmengine serve` on free ports with a data directory and a configuration of its own."""

    def __init__(self, binary, directory, alerts=""):
        os.makedirs(os.path.join(directory, "conf"))
        self.data, self.conf = os.path.join(directory, "data"), os.path.join(directory, "conf")
        self.binary, self.log_path = binary, os.path.join(directory, "log")
        with open(os.path.join(self.conf, "application.conf"), "w") as file:
            file.write("[http]\nidle_timeout = 4\nmax_body = 1MB\n" + alerts)
        self.log = open(self.log_path, "w")
        self.process = subprocess.Popen(
            [binary, "serve", "--data", self.data, "--config", self.conf, "--http", "127.0.0.1:0", "--graphite", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        text = ""
        for line in self.process.stdout:
            text += line
            found = re.search(r"http://127\.0\.0\.1:(\d+)/ in a browser", text)
            if found:
                self.port = int(found.group(1))
                return
        raise SystemExit("the engine didn't start: " + open(self.log_path).read())

    def raw(self, text, seconds=120):
        """Sends bytes as they are; gives everything that comes back until the engine closes."""
        data = text.encode() if isinstance(text, str) else text
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass
        return answer.decode("utf-8", "replace")

    def ask(self, method, path, body="", headers=()):
        head = {"Host": f"127.0.0.1:{self.port}", "Connection": "close", "Content-Length": str(len(body.encode()))}
        head.update(dict(headers))
        answer = self.raw(f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n" + body)
        top, _, rest = answer.partition("\r\n\r\n")
        fields = dict(line.lower().split(": ", 1) for line in top.split("\r\n")[1:] if ": " in line)
        return int(top.split(" ")[1]) if top.startswith("HTTP/") else 0, fields, rest

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        self.log.close()


def status(answer):
    return int(answer.split(" ")[1]) if answer.startswith("HTTP/1.1 ") else 0


def no_path_leads_out_of_the_engine(engine):
    for path in ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/_static/../../../../etc/passwd",
                 "/_static/..%2f..%2f..%2fetc%2fpasswd", "/_static//etc/passwd", "/_static/%00/etc/passwd", "/..%5c..%5cetc/passwd",
                 "/_models/..%2f..%2fetc%2fpasswd/export"]:
        code, _, body = engine.ask("GET", path)
        assert 400 <= code < 500 and "root:" not in body, (path, code)


def oversized_requests_are_refused(engine):
    host = f"Host: 127.0.0.1:{engine.port}\r\n"
    code = status(engine.raw(f"POST /a HTTP/1.1\r\n{host}Content-Length: 999999999999\r\n\r\n"))
    assert code == 413, code
    code = status(engine.raw(f"GET /{'a' * 70000} HTTP/1.1\r\n{host}Connection: close\r\n\r\n"))
    assert code in (0, 400, 414, 431), code
    code = status(engine.raw(f"GET /a HTTP/1.1\r\n{host}X-Long: {'a' * 200000}\r\nConnection: close\r\n\r\n"))
    assert code in (0, 400, 413, 431), code
    chunk = "40000\r\n" + "1" * 0x40000 + "\r\n"
    code = status(engine.raw(f"POST /a HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 6 + "0\r\n\r\n"))
    assert code in (0, 413), code
    code, _, _ = engine.ask("POST", "/_models", "[" * 100000)
    assert code == 400, code


def slow_requests_are_ended(engine):
    for text in ["GET /a HTT", f"POST /a HTTP/1.1\r\nHost: 127.0.0.1:{engine.port}\r\nContent-Length: 100\r\n\r\n1 "]:
        try:
            engine.raw(text)  # Returns when the engine has closed.
        except TimeoutError:
            raise AssertionError("the engine waits for the rest of " + text)
    # Others are answered while many such connections are open.
    idle = [socket.create_connection(("127.0.0.1", engine.port)) for _ in range(200)]
    for connection in idle:
        connection.sendall(b"GET /a HTTP/1.1\r\nX: ")
    code, _, _ = engine.ask("GET", "/_health")
    for connection in idle:
        connection.close()
    assert code == 200, code


def requests_that_can_be_read_two_ways_are_refused(engine):
    host = f"Host: 127.0.0.1:{engine.port}\r\n"
    assert engine.ask("POST", "/victim", "7 100")[0] == 200
    smuggled = f"DELETE /victim?data=true HTTP/1.1\r\n{host}\r\n"
    for head in [f"{host}Content-Length: 3\r\nContent-Length: 30\r\n", f"{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                 f"{host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", f"{host}Transfer-Encoding: gzip\r\n",
                 "Content-Length: 3\r\n", f"{host}Host: evil.example\r\nContent-Length: 3\r\n", f"{host}Content-Length: +3\r\n",
                 f"{host}Content-Length: -1\r\n", f"{host}Content-Length : 3\r\n", f"{host}Transfer-Encoding : chunked\r\n"]:
        answer = engine.raw(f"POST /victim HTTP/1.1\r\n{head}\r\n1 1{smuggled}")
        assert status(answer) in (0, 400, 411, 413, 501), (head, answer[:200])
        assert not re.search(r"HTTP/1\.1 [123]", answer), ("a second request was answered", head, answer)
    assert engine.ask("GET", "/victim")[2].startswith("/victim 7.0 100"), "a smuggled request has deleted it"


def a_name_is_never_a_script(engine):
    path = "/" + urllib.parse.quote(NAME, safe="/")
    code, _, _ = engine.ask("POST", path, f"1 {int(time.time())}")
    assert code == 200, code
    code, _, body = engine.ask("GET", "/_metrics/custom?search=script")
    uid = json.loads(body)[0]["uid"]
    replies = [("GET", p, "") for p in [
        path, "/_metrics/custom", "/_metrics/custom/" + urllib.parse.quote(NAME, safe=""), f"/_models/{uid}", f"/_models/{uid}/data", "/_models",
        "/_events", "/_annotations", "/_instances", "/_alerts", "/_about", "/metrics", "/metrics/find?query=*", "/metrics/expand?query=*",
        "/render?format=json&target=*", "/render?format=json&target=" + urllib.parse.quote(NAME), "/_events?metric=" + urllib.parse.quote(NAME),
        "/_anomalies/period/24", "/nothing" + path, "/", "/_nothing" + path]]
    replies += [("PUT", path, "nonsense" + NAME), ("POST", path, NAME + " " + NAME), ("POST", "/_models", json.dumps({NAME: 1})),
                ("POST", "/_alerts/mutes", json.dumps({NAME: 1})), ("DELETE", "/_models/" + urllib.parse.quote(NAME, safe=""), ""),
                ("PATCH", path, "")]
    for method, target, body in replies:
        code, fields, text = engine.ask(method, target, body)
        kind = fields.get("content-type", "")
        assert code and fields.get("x-content-type-options") == "nosniff", (method, target, fields)
        policy = fields.get("content-security-policy", "")
        assert "default-src 'none'" in policy and "unsafe" not in policy.split("style-src")[0], (target, policy)
        if "html" in kind:
            assert NAME not in text, target
        else:
            assert code == 204 or re.match(r"(text/plain|application/(problem\+)?json)", kind), (target, kind)


def another_sites_page_changes_nothing(engine):
    before = engine.ask("GET", "/_metrics/custom")[2]
    for headers in [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]:
        for method, path in [("POST", "/crossed"), ("PUT", "/crossed"), ("POST", "/_models"), ("DELETE", "/_metrics/custom?pattern=*"),
                             ("POST", "/_alerts/mutes"), ("POST", "/_annotations"), ("DELETE", "/_instances")]:
            code, _, _ = engine.ask(method, path, "1 100", headers)
            assert code == 403, (method, path, headers, code)
    after = engine.ask("GET", "/_metrics/custom")[2]
    assert [m["uid"] for m in json.loads(before)] == [m["uid"] for m in json.loads(after)]


def a_foreign_name_pointed_here_gets_nothing(engine):
    for host in ["evil.example", f"evil.example:{engine.port}", "127.0.0.1.evil.example", "localhost.evil.example"]:
        for path in ["/", "/_models", "/_stream", "/render?target=*", "/metrics", "/_static/app.js"]:
            code, _, body = engine.ask("GET", path, headers={"Host": host})
            assert code == 403, (host, path, code)
    assert engine.ask("GET", "/_health", headers={"Host": f"localhost:{engine.port}"})[0] == 200


def secrets_are_printed_nowhere(engine):
    printed = subprocess.run([engine.binary, "config", "print", "--config", engine.conf], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    assert "webhook_secret" in printed.stdout
    texts = [printed.stdout, printed.stderr, open(engine.log_path).read()]
    texts += [engine.ask("GET", p)[2] for p in ["/_about", "/_health", "/_alerts", "/metrics", "/_openapi.json"]]
    engine.ask("GET", "/a", headers={"Authorization": "Bearer htmk_GUESSED-4711"})
    texts.append(open(engine.log_path).read())
    for secret in [*SECRETS.values(), "GUESSED-4711"]:
        assert not any(secret in text for text in texts), secret


def webhooks_dont_point_inward(binary, directory):
    """An event whose webhook leads to this machine: nothing arrives there, the reason is shown, and scoring goes on."""
    taken = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    url = f"http://localhost:{receiver.server_port}/hook"
    alerts = f"[alerts]\nwebhook_url = {url}\nthreshold = 0.5\nrest_period = 0\n"
    engine = Engine(binary, directory, alerts + "[anomaly_likelihood]\nstatistics_min_sample_size = 1\n")
    try:
        now = int(time.time())
        engine.ask("PUT", "/m", '{"min":0,"max":100}')
        lines = [f"{50 + i % 3 if i < 340 else 100 * (i % 2)} {now - 400 + i}" for i in range(400)]
        engine.ask("POST", "/m", "\n".join(lines))
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            state = json.loads(engine.ask("GET", "/_alerts")[2])
            if state["failures"]:
                break
            time.sleep(0.2)
        assert state["failures"] and not taken, (state, taken)
        assert "localhost" in json.dumps(state["failures"]) or "address" in json.dumps(state["failures"]), state["failures"]
    finally:
        engine.stop()
        receiver.shutdown()


def a_bad_certificate_stops_the_start(binary, directory):
    for certificate, key, named in [("/nonexistent/tls.crt", "/nonexistent/tls.key", "/nonexistent"), (__file__, __file__, "intruder_test")]:
        conf = tempfile.mkdtemp(dir=directory)
        with open(os.path.join(conf, "application.conf"), "w") as file:
            file.write(f"[security]\ntls_certificate = {certificate}\ntls_key = {key}\n")
        ended = subprocess.run(
            [binary, "serve", "--data", os.path.join(conf, "data"), "--config", conf, "--http", "127.0.0.1:0", "--graphite", "127.0.0.1:0"],
            capture_output=True, text=True, timeout=120)
        assert ended.returncode != 0 and named in ended.stderr, (ended.returncode, ended.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=".build/release/htmengine")
    binary = os.path.abspath(parser.parse_args().binary)
    failed = 0

    def check(function, *arguments):
        nonlocal failed
        try:
            function(*arguments)
            print("ok    ", function.__name__.replace("_", " "), flush=True)
        except AssertionError as error:
            failed += 1
            print("FAILED", function.__name__.replace("_", " "), error, flush=True)

    with tempfile.TemporaryDirectory() as directory:
        alerts = "[alerts]\nwebhook_url = https://example.invalid/\nsmtp_url = smtps://example.invalid:465\nsmtp_user = u\nmail_from = a@b.invalid\n"
        alerts += "mail_to = c@d.invalid\n" + "".join(f"{k} = {v}\n" for k, v in SECRETS.items())
        engine = Engine(binary, os.path.join(directory, "a"), alerts)
        try:
            for function in (no_path_leads_out_of_the_engine, oversized_requests_are_refused, slow_requests_are_ended,
                             requests_that_can_be_read_two_ways_are_refused, a_name_is_never_a_script,
                             another_sites_page_changes_nothing, a_foreign_name_pointed_here_gets_nothing, secrets_are_printed_nowhere):
                check(function, engine)
        finally:
            engine.stop()
        check(webhooks_dont_point_inward, binary, os.path.join(directory, "b"))
        check(a_bad_certificate_stops_the_start, binary, directory)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

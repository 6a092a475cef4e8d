// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import TestSupport

/// A program that runs beside a test, ended with it.
final class Background {
    private let process = Process()

    init(_ arguments: [String], log: String) throws {
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
    }

    deinit {
        // The child inherits the signal mask of the thread that started it, in which a gentler one may be blocked.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// A webhook receiver and an SMTP server (aiosmtpd) that write down what they take, one JSON object a line.
enum Receivers {
    static let python = "/usr/bin/python3"

    static let hasSMTPServer: Bool = (try? run([python, "-c", "import aiosmtpd.controller"]))?.status == 0
    static let hasAlertmanager: Bool = (try? run(["prometheus-alertmanager", "--version"]))?.status == 0

    /// A port nobody listens on just now.
    static func freePort() throws -> Int {
        let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        return Int(try run([python, "-c", script]).output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    /// Every fourth request is answered with 500, so that tries again are part of every run.
    static let webhook = """
        import http.server, json, sys
        count = 0
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_POST(self):
                global count
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                count += 1
                fails = count % 4 == 1
                if not fails:
                    with open(sys.argv[2], "a") as log:
                        log.write(json.dumps({"headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}) + "\\n")
                self.send_response(500 if fails else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()
            def log_message(self, *arguments):
                pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
        """

    static let smtp = """
        import json, sys, threading
        from email import message_from_bytes, policy
        from aiosmtpd.controller import Controller
        class Handler:
            async def handle_DATA(self, server, session, envelope):
                mail = message_from_bytes(envelope.content, policy=policy.default)
                with open(sys.argv[2], "a") as log:
                    log.write(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": mail["Subject"],
                                          "id": mail["Message-ID"], "body": mail.get_content()}) + "\\n")
                return "250 OK"
        Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1])).start()
        threading.Event().wait()
        """

    static func lines(_ path: String) -> [JSONValue] {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSONValue.parse(String($0)) }
    }
}

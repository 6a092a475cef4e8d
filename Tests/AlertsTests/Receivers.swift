// SPDX-License-Identifier: Apache-2.0

import Alerts
import EngineCore
import Foundation
import TestSupport

/// A program that runs beside a test, ended with it.
final class Background {
    private let process = Process()

    init(_ arguments: [String], log: String) throws {
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        // The child inherits the signal mask of the thread that starts it, in which SIGTERM may be blocked.
        let unblocked =
            "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execvp(sys.argv[1], sys.argv[1:])"
        process.executableURL = URL(fileURLWithPath: Receivers.python)
        process.arguments = ["-c", unblocked] + arguments
        process.standardOutput = FileHandle(forWritingAtPath: log)
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
    }

    /// Asks it to end, and waits until it has.
    func stop() throws {
        kill(process.processIdentifier, SIGTERM)
        try eventually("it has ended", within: 120) { process.isRunning ? nil : true }
    }

    deinit {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// A webhook receiver and an SMTP server (aiosmtpd) that write down what they take, one JSON object a line.
enum Receivers {
    static let python = "/usr/bin/python3"

    private static let hasSMTPServer: Bool = (try? run([python, "-c", "import aiosmtpd.controller"]))?.status == 0
    static let hasAll = hasSMTPServer && hasAlertmanager
    private static let hasAlertmanager: Bool = (try? run(["prometheus-alertmanager", "--version"]))?.status == 0

    /// Arguments: port, file to write to, and N: the first of every N requests is answered with 500; 0: none.
    static let webhook = """
        import http.server, json, sys
        count = 0
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_POST(self):
                global count
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                count += 1
                fails = int(sys.argv[3]) > 0 and count % int(sys.argv[3]) == 1
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

/// A webhook receiver, a mail server and an Alertmanager that passes on what it hears to a webhook of its own.
final class BurstReceivers {
    private let directory: TemporaryDirectory
    private let ports: [UInt16]
    private var programs: [Background] = []
    private let managerHook: Background

    init(in directory: TemporaryDirectory) throws {
        self.directory = directory
        ports = try (0..<4).map { _ in try FreePorts.next() }
        _ = try directory.write(Receivers.webhook, to: "hook.py")
        _ = try directory.write(Receivers.smtp, to: "smtp.py")
        let configuration = """
            route: {receiver: hook, group_by: [metric], group_wait: 0s, group_interval: 1s, repeat_interval: 24h}
            receivers:
            - name: hook
              webhook_configs: [{url: "http://127.0.0.1:\(ports[3])/", send_resolved: true}]
            """
        _ = try directory.write(configuration, to: "alertmanager.yml")
        managerHook = try Background(
            [Receivers.python, directory.path("hook.py"), "\(ports[3])", directory.path("managed"), "0"],
            log: directory.path("managed.log")
        )
    }

    func sinks() throws -> [any AlertSink] {
        let policy = OutboundPolicy(allowedHosts: ["127.0.0.1"])
        return [
            try WebhookSink(url: "http://127.0.0.1:\(ports[0])/hook", secret: "s3cret", policy: policy),
            try MailSink(
                url: "smtp://127.0.0.1:\(ports[1])",
                from: "engine@example.org",
                to: ["a@example.org", "b@example.org"],
                policy: policy
            ),
            try AlertmanagerSink(url: "http://127.0.0.1:\(ports[2])/", policy: policy),
        ]
    }

    /// Every fourth request to the webhook fails, so that tries again are part of every run.
    func start() throws {
        programs = [
            try Background(
                [Receivers.python, directory.path("hook.py"), "\(ports[0])", directory.path("hooks"), "4"],
                log: directory.path("hook.log")
            ),
            try Background(
                [Receivers.python, directory.path("smtp.py"), "\(ports[1])", directory.path("mails")],
                log: directory.path("smtp.log")
            ),
            try Background(
                [
                    "prometheus-alertmanager", "--config.file=\(directory.path("alertmanager.yml"))",
                    "--storage.path=\(directory.path("alertmanager"))", "--web.listen-address=127.0.0.1:\(ports[2])",
                    "--cluster.listen-address=", "--log.level=warn",
                ],
                log: directory.path("alertmanager.log")
            ),
        ]
    }

    /// Ends all three; what they wrote down stays.
    func stop() throws {
        for program in programs { try program.stop() }
        programs = []
    }

    var hooks: [JSONValue] { Receivers.lines(directory.path("hooks")) }
    var mails: [JSONValue] { Receivers.lines(directory.path("mails")) }
    /// What Alertmanager passed on.
    var managed: [JSONValue] { Receivers.lines(directory.path("managed")) }
    var counts: [Int] { [hooks.count, mails.count, managed.count] }
}

// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTTPClient

/// Sends alerts as mails in plain text.
package struct MailSink: AlertSink {
    package let name = "mail"
    private let client: SMTPClient
    private let host: String
    private let sender: String
    private let recipients: [String]
    private let policy: OutboundPolicy
    private let clock: any EngineClock

    /// - Throws: `EngineError` with code `configuration` for a wrong URL or address.
    package init(
        url: String,
        user: String = "",
        password: String = "",
        from sender: String,
        to recipients: [String],
        policy: OutboundPolicy,
        clock: any EngineClock = SystemClock()
    ) throws {
        host = try OutboundPolicy.parts(of: url, schemes: ["smtp", "smtps"]).host
        guard !recipients.isEmpty else { throw EngineError(.configuration, "there is nobody to send mail to") }
        for address in [sender] + recipients {
            let isAddress =
                address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>\"(),:;\\".utf8.contains($0) }
                && address.split(separator: "@", omittingEmptySubsequences: false).count { !$0.isEmpty } == 2
            guard isAddress else {
                throw EngineError(.configuration, "'\(address)' is no mail address; expected NAME@HOST")
            }
        }
        client = SMTPClient(url: url, user: user, password: password)
        self.sender = sender
        self.recipients = recipients
        self.policy = policy
        self.clock = clock
    }

    package func deliver(_ delivery: AlertDelivery) throws {
        try client.send(
            Self.message(delivery, from: sender, to: recipients, now: clock.wallSeconds()),
            from: sender,
            to: recipients,
            allowsAddress: policy.filter(host: host)
        )
    }

    /// RFC 5322, the body in base64, so that neither its lines nor its characters matter; start and end make one thread.
    static func message(_ delivery: AlertDelivery, from: String, to: [String], now: Int64) -> String {
        let event = delivery.event
        let domain = from.split(separator: "@").last.map(String.init) ?? "localhost"
        let start = "<\(event.id).start@\(domain)>"
        var lines = [
            "Date: \(date(now))", "From: \(from)", "To: \(to.joined(separator: ", "))",
            "Subject: \(encoded(AlertText.subject(delivery)))",
            "Message-ID: \(delivery.phase == .start ? start : "<\(event.id).end@\(domain)>")",
        ]
        if delivery.phase == .end { lines.append("In-Reply-To: \(start)") }
        lines += [
            "Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64", "",
        ]
        let body = AlertText.body(delivery).replacing("\n", with: "\r\n")
        lines.append(
            Data(body.utf8).base64EncodedString(options: [
                .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
            ])
        )
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    /// RFC 2047, in words of at most 75 characters; plain where every character is printable ASCII.
    static func encoded(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }), text.utf8.count <= 900, !text.contains("=?") {
            return text
        }
        var words: [String] = []
        var word: [UInt8] = []
        func close() {
            if !word.isEmpty { words.append("=?utf-8?B?\(Data(word).base64EncodedString())?=") }
            word = []
        }
        for character in text.unicodeScalars {
            let bytes = Array(String(character).utf8)
            if word.count + bytes.count > 45 { close() }
            word += bytes
        }
        close()
        return words.joined(separator: "\r\n ")
    }

    private static func date(_ seconds: Int64) -> String {
        let text = Timestamps.sqlText(seconds)
        let days = Int((seconds - ((seconds % 86_400) + 86_400) % 86_400) / 86_400)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][((days % 7) + 7) % 7]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (year, month, day) = Timestamps.civil(fromDays: Int64(days))
        return "\(weekday), \(day) \(months[month - 1]) \(year) \(text.suffix(8)) +0000"
    }
}

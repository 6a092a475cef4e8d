// SPDX-License-Identifier: Apache-2.0

import Alerts
import EngineCore
import Testing

@Suite struct OutboundPolicyTests {
    @Test(
        arguments: [
            [127, 0, 0, 1], [10, 1, 2, 3], [172, 31, 0, 1], [192, 168, 0, 9], [169, 254, 169, 254], [0, 0, 0, 0],
            [100, 64, 0, 1],
            [224, 0, 0, 1], [255, 255, 255, 255], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1], [],
        ] as [[UInt8]]
    )
    func inwardAddressesAreKnown(bytes: [UInt8]) {
        #expect(OutboundPolicy.isInward(bytes))
        #expect(!OutboundPolicy().filter(host: "evil.example")(bytes))
        #expect(OutboundPolicy(allowedHosts: ["Evil.Example"]).filter(host: "evil.example")(bytes))
    }

    @Test(
        arguments: [[1, 1, 1, 1], [172, 32, 0, 1], [0x26, 0x06, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
            as [[UInt8]]
    )
    func publicAddressesAreAllowed(bytes: [UInt8]) {
        #expect(OutboundPolicy().filter(host: "example.org")(bytes))
    }

    @Test(arguments: [
        "file:///etc/passwd", "gopher://h/", "http://", "http://user:secret@h/", "h/x", "", "http://h/\r\nX: y",
        "http://h/ x",
    ])
    func onlyPlainHTTPAddressesAreTaken(url: String) {
        do {
            _ = try WebhookSink(url: url, secret: "", policy: OutboundPolicy())
            Issue.record("\(url) was taken")
        } catch {
            #expect(!"\(error)".contains("secret"))
        }
    }

    private let delivery = AlertDelivery(
        event: AlertEvent(
            id: "e",
            kind: .anomaly,
            uid: "u",
            metric: "m",
            server: "s",
            startedAt: 1,
            peakScore: 1,
            peakValue: 1,
            peakAt: 1
        ),
        phase: .start,
        sink: "webhook"
    )

    /// Names, numbers in unusual notations, and the cloud's metadata address: all end at an address, which is what is looked at.
    @Test(arguments: [
        "http://localhost:1/", "http://127.0.0.1:1/", "http://0x7f000001:1/", "http://2130706433:1/", "http://[::1]:1/",
        "http://0:1/", "http://127.1:1/", "http://[::ffff:127.0.0.1]:1/",
    ])
    func nothingInwardIsConnectedTo(url: String) throws {
        let sink = try WebhookSink(url: url, secret: "", policy: OutboundPolicy())
        do {
            try sink.deliver(delivery)
            Issue.record("\(url) was connected to")
        } catch {
            #expect("\(error)".contains("inward address"), "\(error)")
        }
    }

    @Test func commandsNeedAnAbsolutePathAndNoShellReadsThem() throws {
        #expect(throws: EngineError.self) { try CommandSink(command: "sh -c true") }
        #expect(throws: EngineError.self) { try CommandSink(command: "") }
        try CommandSink(command: "/bin/true ; false").deliver(delivery)
        #expect(throws: EngineError.self) { try CommandSink(command: "/bin/false").deliver(delivery) }
        #expect(throws: EngineError.self) { try CommandSink(command: "/no/such/program").deliver(delivery) }
        #expect(throws: EngineError.self) {
            try CommandSink(command: "/bin/sleep 60", timeoutSeconds: 1).deliver(delivery)
        }
    }

    @Test func mailAddressesCannotSmuggle() {
        for address in ["a", "a@b\r\nRCPT TO:<x@y>", "a b@c", "<a@b>", "@b", "a@", "a@b@c"] {
            #expect(throws: EngineError.self, "\(address)") {
                try MailSink(url: "smtp://h", from: "a@b", to: [address], policy: OutboundPolicy())
            }
        }
    }
}

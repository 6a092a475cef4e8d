// SPDX-License-Identifier: Apache-2.0

import Engine
import Testing

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("8080", "localhost", 8080), (":8080", "localhost", 8080), ("0.0.0.0:1", "0.0.0.0", 1),
        ("[::1]:2003", "::1", 2003),
        ("*:0", "*", 0), ("host.example:65535", "host.example", 65535),
    ])
    func theWrittenFormsAreRead(_ text: String, _ host: String, _ port: Int) throws {
        let address = try ListenAddress(parsing: text)
        #expect(address.host == host)
        #expect(address.port == UInt16(port))
    }

    @Test(arguments: ["", ":", "65536", "host", "::1:2003", "host:-1", "[]:1", "host:1x"])
    func anythingElseIsAnErrorThatSaysWhatIsExpected(_ text: String) throws {
        let error = try #require(throws: ListenAddressError.self) { try ListenAddress(parsing: text) }
        #expect(error.description.contains("expected HOST:PORT"))
    }

    @Test func bothLoopbackAddressesGetTheSamePort() throws {
        let sockets = try ListeningSocket.bind(ListenAddress(port: 0))
        defer { for socket in sockets { socket.close() } }
        #expect(sockets[0].port > 0)
        #expect(Set(sockets.map(\.port)).count == 1)
        let error = try #require(throws: ListeningError.self) {
            try ListeningSocket.bind(ListenAddress(host: "127.0.0.1", port: sockets[0].port))
        }
        #expect(error.description == "can't listen on 127.0.0.1:\(sockets[0].port): Address already in use")
    }
}

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.168.1.7", "192.168.1.7", true),
        ("192.168.1.7", "192.168.1.8", false), ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "::1", false),
        ("fd00::/9", "fd7f::1", true), ("fd00::/9", "fd80::1", false), ("127.0.0.1", "::ffff:127.0.0.1", true),
    ])
    func aRangeContainsWhatItsPrefixSays(_ range: String, _ address: String, _ isInside: Bool) throws {
        let range = try #require(AddressRange(parsing: range))
        let single = try #require(AddressRange(parsing: address))
        #expect(range.contains(single.network) == isInside)
    }

    @Test(arguments: ["", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.0/-1", "10.0.0.0/", "x"])
    func anythingElseIsNoRange(_ text: String) {
        #expect(AddressRange(parsing: text) == nil)
    }
}

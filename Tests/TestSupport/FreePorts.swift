// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Ports for servers that must be told theirs, or come back on the same one.
package enum FreePorts {
    private static let given = Mutex<Set<UInt16>>([])

    /// A port nobody listens on, and that this process wasn't given before.
    ///
    /// It lies below the range from which the system takes ports of outgoing connections (32768 and up on Linux): a server that binds
    /// it a while later, or again after a restart, doesn't find a connection on it.
    package static func next() throws -> UInt16 {
        for _ in 0..<1000 {
            let port = UInt16.random(in: 12_000..<32_768)
            if given.withLock({ $0.contains(port) }) || !isFree(port) { continue }
            if given.withLock({ $0.insert(port).inserted }) { return port }
        }
        throw PollingTimeout(description: "no port from 12000 to 32767 is free")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

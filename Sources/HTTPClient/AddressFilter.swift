// SPDX-License-Identifier: Apache-2.0

internal import CCurl
import EngineCore

/// Looks at every address libcurl is about to connect to.
final class AddressFilter {
    private let allows: ([UInt8]) -> Bool
    private let filter: UnsafeMutablePointer<ccurl_filter>
    private var refusal: String?

    init(allows: @escaping ([UInt8]) -> Bool) {
        self.allows = allows
        filter = .allocate(capacity: 1)
        filter.initialize(to: ccurl_filter(refuses: Self.refuses, context: nil))
    }

    deinit { filter.deallocate() }

    func install(on handle: UnsafeMutableRawPointer) {
        refusal = nil
        filter.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        _ = ccurl_set_filter(handle, filter)
    }

    /// Why the last connection wasn't made, if it was the filter.
    func takeRefusal() -> String? {
        defer { refusal = nil }
        return refusal
    }

    private static let refuses: ccurl_address_filter = { context, address, length in
        guard let context, let address else { return 1 }
        let filter = Unmanaged<AddressFilter>.fromOpaque(context).takeUnretainedValue()
        // The address begins at byte 4 of an IPv4 sockaddr and at byte 8 of an IPv6 one.
        let raw = UnsafeRawBufferPointer(start: address, count: Int(length))
        let bytes: [UInt8]
        switch (Int32(address.pointee.sa_family), raw.count) {
        case (AF_INET, 8...): bytes = Array(raw[4..<8])
        case (AF_INET6, 24...): bytes = Array(raw[8..<24])
        default: return 1
        }
        if filter.allows(bytes) { return 0 }
        filter.refusal =
            "the host has an inward address (\(bytes.map(String.init).joined(separator: "."))) that is not allowed"
        return 1
    }
}

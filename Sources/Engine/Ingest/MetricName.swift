// SPDX-License-Identifier: Apache-2.0

import EngineCore

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The rules for metric names, the same on every way in.
package enum MetricName {
    /// In characters, as the column `metric.name` counts them: Unicode scalars.
    package static let longest = 255

    /// Checks a name: 1 to 255 characters of UTF-8 without white space and control characters.
    ///
    /// - Throws: The reason it is refused.
    package static func check(_ bytes: some Collection<UInt8>) throws(SampleRefusal) -> String {
        guard !bytes.isEmpty else { throw .emptyName }
        guard let name = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8 }
        var characters = 0
        for scalar in name.unicodeScalars {
            characters += 1
            guard !scalar.properties.isWhitespace, scalar.properties.generalCategory != .control else {
                throw .nameHasBlanks
            }
        }
        guard characters <= longest else { throw .nameTooLong }
        return name
    }
}

/// Names met on one connection, so that a name is checked and made into a string only once.
///
/// Senders name their metrics in the same order again and again: the name that came after the last one before is tried first, which
/// spares most lines the hash.
package struct MetricNameCache {
    private static let capacity = 20_000
    /// Places of names by the hash of their bytes.
    private var places: [UInt64: Int] = [:]
    private var names: [String] = []
    /// The bytes of all names one after the other.
    private var bytes: [UInt8] = []
    /// Where the bytes of each name end.
    private var ends: [Int] = []
    /// The place of the name that followed each name last.
    private var followers: [Int] = []
    /// The place of the name asked for last; nil when there is none, or it isn't kept.
    private var last: Int?

    package init() {}

    /// The name of these bytes.
    ///
    /// - Throws: As ``MetricName/check(_:)``.
    package mutating func name(_ text: UnsafeRawBufferPointer) throws(SampleRefusal) -> String {
        if let last, isName(followers[last], text) {
            self.last = followers[last]
            return names[followers[last]]
        }
        let hash = Self.hash(text)
        if let place = places[hash], isName(place, text) {
            follow(place)
            return names[place]
        }
        let name = try MetricName.check(text)
        if names.count >= Self.capacity { self = MetricNameCache() }
        let place = names.count
        names.append(name)
        bytes.append(contentsOf: text)
        ends.append(bytes.count)
        followers.append(place)
        places[hash] = place
        follow(place)
        return name
    }

    private mutating func follow(_ place: Int) {
        if let last { followers[last] = place }
        last = place
    }

    private func isName(_ place: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let start = place == 0 ? 0 : ends[place - 1]
        guard ends[place] - start == text.count else { return false }
        return bytes.withUnsafeBytes { memcmp($0.baseAddress! + start, text.baseAddress!, text.count) == 0 }
    }

    /// FNV-1a, as `fnv1a64`, whose form for all sequences is many times slower from another module.
    private static func hash(_ text: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<text.count { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01b3 }
        return hash
    }
}

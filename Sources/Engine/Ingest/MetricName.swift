// SPDX-License-Identifier: Apache-2.0

import EngineCore

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
package struct MetricNameCache {
    private static let capacity = 20_000
    private var names: [UInt64: String] = [:]

    package init() {}

    /// The name of these bytes.
    ///
    /// - Throws: As ``MetricName/check(_:)``.
    package mutating func name(_ bytes: UnsafeRawBufferPointer) throws(SampleRefusal) -> String {
        let hash = fnv1a64(bytes)
        if let known = names[hash], Self.equal(known, bytes) { return known }
        let name = try MetricName.check(bytes)
        if names.count >= Self.capacity { names.removeAll(keepingCapacity: true) }
        names[hash] = name
        return name
    }

    private static func equal(_ name: String, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var name = name
        return name.withUTF8 { $0.count == bytes.count && UnsafeRawBufferPointer($0).elementsEqual(bytes) }
    }
}

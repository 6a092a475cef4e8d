// SPDX-License-Identifier: Apache-2.0

/// Turns a metric's value into bits such that near values share bits.
///
/// Implementations are values; what they learn (offset, range, buckets) is part of the model's state. Their parameters are not
/// in the encoded state: `restore(from:)` is called on an encoder just made from the same parameters.
package protocol ValueEncoder: Sendable {
    /// Number of bits this encoder writes.
    var width: Int { get }

    /// Writes the bits of `value` at `offset`; the field is all zeros there on entry.
    ///
    /// - Parameters:
    ///   - value: `nil` or NaN is a missing value: no bit is set.
    ///   - learn: Whether an adaptive encoder may widen its range.
    /// - Returns: The bucket the value falls into, for the classifier; `nil` when the value is missing.
    mutating func encode(_ value: Double?, learn: Bool, into bits: inout InputBits, at offset: Int) -> Int?

    /// Appends what the encoder has learned.
    func encode(into encoder: inout StateEncoder)

    /// Takes over what `encode(into:)` wrote.
    mutating func restore(from decoder: inout StateDecoder) throws(CheckpointError)
}

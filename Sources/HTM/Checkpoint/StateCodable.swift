// SPDX-License-Identifier: Apache-2.0

/// A part of a model whose state can be written to a checkpoint and read back bit for bit.
///
/// `init(from:)` of what `encode(into:)` wrote gives a value that behaves exactly as the original from then on. Parts that
/// need their parameters to be rebuilt take them as further arguments of their initializer and don't conform.
package protocol StateCodable {
    func encode(into encoder: inout StateEncoder)
    init(from decoder: inout StateDecoder) throws(CheckpointError)
}

extension RandomGenerator: StateCodable {}

// SPDX-License-Identifier: Apache-2.0

/// Why bytes could not be turned back into a model.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end before the state is complete.
    case truncated(at: Int, needed: Int)
    /// A value is outside what a model can hold; the text says which and what was expected.
    case damaged(String)
    /// Written by a version of the format that this one can't read.
    case unsupportedVersion(UInt32)
    /// The state is of a model with other parameters than the ones given.
    case parametersDiffer(String)

    /// What was wrong and what was expected.
    public var description: String {
        switch self {
        case .truncated(let offset, let needed):
            "checkpoint ends too early: \(needed) more bytes expected at offset \(offset)"
        case .damaged(let what):
            "checkpoint is damaged: \(what)"
        case .unsupportedVersion(let version):
            "checkpoint has format version \(version), which this program can't read"
        case .parametersDiffer(let what):
            "checkpoint belongs to a model with other parameters: \(what)"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// One key of the configuration: where it stands, what it means, which values it takes.
///
/// The configuration reference, `config print` and the checks are all made from these.
package struct ConfigurationKey: Sendable {
    /// The files of the original, all in one directory.
    package enum File: String, Sendable, CaseIterable {
        case application = "application.conf"
        case modelCheckpoint = "model-checkpoint.conf"
        case modelSwapper = "model-swapper.conf"
        case rabbitmq = "rabbitmq.conf"

        /// As it appears in override variables: upper case, without extension, `-` as `_`.
        var variablePart: String {
            rawValue.split(separator: ".")[0].replacing("-", with: "_").uppercased()
        }
    }

    /// Which texts are values of the key.
    package enum Kind: Sendable {
        /// Any text; empty means not set.
        case text
        case flag
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case choice([String])
        /// Parts separated by commas, blanks or lines.
        case list
        /// Bytes, with KB, MB, GB (powers of 1024), or a percentage of the machine's memory.
        case memory
    }

    package let file: File
    package let section: String
    /// Lower case.
    package let name: String
    package let kind: Kind
    /// As it would be written in the file.
    package let defaultText: String
    /// Empty where the value has none.
    package let unit: String
    /// What it does, in one or two sentences.
    package let summary: String
    /// True for passwords: never printed.
    package let isSecret: Bool

    package init(
        _ file: File,
        _ section: String,
        _ name: String,
        _ kind: Kind,
        default defaultText: String,
        unit: String = "",
        secret: Bool = false,
        _ summary: String
    ) {
        self.file = file
        self.section = section
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.unit = unit
        self.summary = summary
        isSecret = secret
    }

    /// The environment variable that beats the files.
    package var variable: String {
        "_NTA_UTILS_CONFIG__\(file.variablePart)__\(section.uppercased())__\(name.uppercased())"
    }

    /// What a wrong value's message says is expected.
    package var expectation: String {
        switch kind {
        case .text: "a text"
        case .flag: "true or false"
        case .integer(let range):
            range.upperBound == .max
                ? "a whole number of at least \(range.lowerBound)"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let choices): "one of \(choices.filter { !$0.isEmpty }.joined(separator: ", "))"
        case .list: "parts separated by commas or blanks"
        case .memory: "bytes, such as 512MB or 2GB, or a percentage of the memory, such as 25%"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

extension Settings {
    /// The whole configuration as files would say it, each value with where it comes from; of secrets only that they are set.
    package func rendered() -> String {
        var result = ""
        for file in ConfigurationKey.File.allCases {
            result += "# ---- \(file.rawValue) ----\n"
            var section = ""
            for value in values where value.key.file == file {
                if value.key.section != section {
                    section = value.key.section
                    result += "\n[\(section)]\n"
                }
                if value.key.isSecret, !value.text.isEmpty {
                    result += "; \(value.key.name) is set and not shown    ; \(value.source)\n"
                    continue
                }
                // As it has to be written: a percent sign is doubled, further lines begin with a blank and take no comment.
                let lines = value.text.replacing("%", with: "%%")
                    .split(separator: "\n", omittingEmptySubsequences: false)
                result += "\(value.key.name) = \(lines[0])    ; \(value.source)\n"
                for line in lines.dropFirst() { result += "    \(line)\n" }
            }
            result += "\n"
        }
        return result
    }

    /// The reference of all keys in Markdown, made from the code so that it can't drift.
    package static func reference() -> String {
        var result = """
            # Configuration reference

            This page is written by `htmengine config reference`; a test compares it with the code.

            """
        for file in ConfigurationKey.File.allCases {
            result += "\n## \(file.rawValue)\n\n| Section | Key | Default | Values | Meaning |\n|---|---|---|---|---|\n"
            for key in ConfigurationKey.all where key.file == file {
                let shown = key.defaultText.isEmpty ? "" : "`\(key.defaultText)`"
                let unit = key.unit.isEmpty ? "" : " (\(key.unit))"
                result += "| \(key.section) | `\(key.name)` | \(shown) | \(key.expectation)\(unit) | \(key.summary) |\n"
            }
        }
        return result
    }
}

extension Settings.Value {
    /// The value, or asterisks for a secret that is set.
    package var printable: String {
        guard key.isSecret else { return text }
        return text.isEmpty ? "" : "********"
    }
}

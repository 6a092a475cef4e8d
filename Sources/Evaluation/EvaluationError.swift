// SPDX-License-Identifier: Apache-2.0

/// What can be wrong with the material of an evaluation; the text names the file and says what was expected.
package struct EvaluationError: Error, CustomStringConvertible, Equatable {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

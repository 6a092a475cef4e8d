// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The C library's functions, for oracles: the product reaches them without Foundation.
enum MathOfTests {
    static func exponential(_ exponent: Double) -> Double { exp(exponent) }
}

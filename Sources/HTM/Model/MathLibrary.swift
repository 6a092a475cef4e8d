// SPDX-License-Identifier: Apache-2.0

// Rounding, logarithms and powers come from the C library; importing it here once links its mathematical part.
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// e to the power of `exponent`, as the C library computes it.
func exponential(_ exponent: Double) -> Double {
    exp(exponent)
}

/// The decimal logarithm, as the C library computes it.
func decimalLogarithm(_ value: Double) -> Double {
    log10(value)
}

/// `base` to the power of `exponent`, as the C library computes it.
func power(_ base: Double, _ exponent: Double) -> Double {
    pow(base, exponent)
}

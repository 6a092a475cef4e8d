// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Numbers as the original prints them.
package enum NumberFormat {
    /// The shortest digits that give the same double back, with `.0` when whole and an exponent from 1e16 up and below
    /// 0.0001: `8.0`, `0.04456546299999997`, `1e-05`.
    ///
    /// Not a number and infinities print as `NaN`, `Infinity`, `-Infinity`.
    package static func shortest(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        let text = value.description
        // Swift changes to an exponent at 2^54, the original at 1e16.
        guard value.magnitude >= 9_007_199_254_740_992, value.magnitude < 1e16 else { return text }
        return "\(Int64(value)).0"
    }

    /// At most 12 significant digits without trailing zeros, `.0` when whole, an exponent from 1e11 up and below
    /// 0.0001: `8.0`, `1.72`, `10000000000.0`, `1e+11`, `1e-05`.
    ///
    /// This is how GET of a metric prints.
    package static func twelveDigits(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : (value < 0 ? "-inf" : "inf") }
        if value == value.rounded(), value.magnitude < 1e11 {
            let sign = value == 0 && value.sign == .minus ? "-" : ""
            return "\(sign)\(Int64(value)).0"
        }
        let scientific = printf("%.11e", value)  // d.ddddddddddde±xx
        let parts = scientific.split(separator: "e")
        let exponent = Int(parts[1])!
        let negative = parts[0].hasPrefix("-")
        var digits = parts[0].filter { $0 != "-" && $0 != "." }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        let sign = negative ? "-" : ""
        if exponent < -4 || exponent >= 11 {
            let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
            let magnitude = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
            return "\(sign)\(digits.first!)\(fraction)e\(exponent < 0 ? "-" : "+")\(magnitude)"
        }
        if exponent < 0 {
            return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
        }
        if digits.count <= exponent + 1 {
            return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count) + ".0"
        }
        return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
    }

    /// Exactly six digits after the point: `Saved /m 1.620000 @ …`.
    package static func sixDecimals(_ value: Double) -> String { printf("%.6f", value) }

    private static func printf(_ format: String, _ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
            let count = withVaList([value]) { vsnprintf(buffer.baseAddress!, buffer.count, format, $0) }
            let bytes = UnsafeRawBufferPointer(start: buffer.baseAddress!, count: min(Int(count), buffer.count - 1))
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// The number by which the original ranks and colours anomalies (spec engine.md 7.13).
package enum DisplayValue {
    /// The denominator ln(1.0 − 0.9999999999), in double arithmetic.
    private static let scale = log(1.0 - 0.9999999999)

    /// The log-scaled likelihood of an anomaly score.
    ///
    ///     f(v) = 1 when v > 0.99999, else ln(1.0000000001 − v) / ln(1.0 − 0.9999999999)
    package static func logLikelihood(_ anomalyScore: Double) -> Double {
        anomalyScore > 0.99999 ? 1 : log(1.0000000001 - anomalyScore) / scale
    }

    /// 0, about 1000 (green), about 1,000,000 (yellow, above 0.9999) or 1,000,000,001 (red, above 0.99999).
    package static func of(anomalyScore: Double) -> Int64 {
        guard anomalyScore != 0 else { return 0 }
        let likelihood = logLikelihood(anomalyScore.magnitude)
        let floor: Double = likelihood >= 0.50 ? 1_000_000_000 : likelihood >= 0.40 ? 1_000_000 : 1000
        return Int64((likelihood + floor).rounded())
    }
}

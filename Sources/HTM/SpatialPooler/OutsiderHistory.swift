// SPDX-License-Identifier: Apache-2.0

/// What becomes of an input that is off in every win of a column: its permanence loses one decrement after the other, in 32-bit floats,
/// until it is trimmed to 0.
///
/// After n decrements it depends on nothing but the initial permanence, and larger initial permanences never end below smaller ones.
/// So whether it is still connected is one comparison with a threshold that belongs to n.
struct OutsiderHistory: Sendable {
    /// Element n: the least initial permanence that is connected after n decrements; above 1 if none is.
    let thresholds: [Float]

    /// Decrements after which every permanence is 0, whatever it was: more change nothing.
    var settledCount: Int { thresholds.count - 1 }

    /// The longest history worth sharing: a new member's permanence takes as many subtractions.
    private static let longest = 1 << 14

    /// `nil` if permanences take too long, or for ever, to become 0, or if 0 is connected.
    init?(_ parameters: SpatialPoolerParameters) {
        let decrement = parameters.synPermInactiveDec
        guard decrement > 0, parameters.connectedThreshold > 0 else {
            return nil
        }
        var settled = 0
        var largest: Float = 1
        while largest > 0 {
            guard settled < Self.longest else {
                return nil
            }
            settled += 1
            largest -= decrement
            if largest < parameters.trimThreshold {
                largest = 0
            }
        }
        var thresholds = [parameters.connectedThreshold]
        while thresholds.count <= settled {
            let last = thresholds[thresholds.count - 1]
            guard last <= 1 else {
                thresholds.append(last)
                continue
            }
            // The sum is off by a rounding error at most.
            var threshold = last + decrement
            while threshold - decrement < last {
                threshold = threshold.nextUp
            }
            while threshold.nextDown - decrement >= last {
                threshold = threshold.nextDown
            }
            thresholds.append(threshold)
        }
        self.thresholds = thresholds
    }
}

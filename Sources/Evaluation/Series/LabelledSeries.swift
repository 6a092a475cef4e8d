// SPDX-License-Identifier: Apache-2.0

/// A series of one metric as a file holds it, with or without labels.
package struct LabelledSeries: Sendable {
    /// Path relative to where the corpus lies, such as `realTweets/Twitter_volume_FB.csv`.
    package var name: String
    /// The timestamps as the file writes them, so that result files repeat them exactly.
    package var timestampTexts: [String]
    /// Seconds since 1970, naive times taken as UTC; may repeat or fall.
    package var timestamps: [Double]
    package var values: [Double]
    /// One number per record, 0 for normal; empty when the file has no label column or none was asked for.
    package var labels: [Double]

    package init(name: String, timestampTexts: [String], timestamps: [Double], values: [Double], labels: [Double] = [])
    {
        precondition(timestamps.count == values.count && timestampTexts.count == values.count)
        precondition(labels.isEmpty || labels.count == values.count)
        self.name = name
        self.timestampTexts = timestampTexts
        self.timestamps = timestamps
        self.values = values
        self.labels = labels
    }

    package var count: Int { values.count }
}

// SPDX-License-Identifier: Apache-2.0

/// A bar on standard error for work that takes longer than two seconds, on a terminal only.
package struct ProgressBar {
    private let context: CommandContext
    private let title: String
    private let start = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?

    /// Nothing is drawn before the work has taken this long.
    private static let patience = Duration.seconds(2)
    private static let interval = Duration.milliseconds(100)
    private static let width = 40

    /// - Parameter title: What is going on, in a few words.
    package init(_ title: String, context: CommandContext) {
        self.title = title
        self.context = context
    }

    /// Draws the bar if it is time to.
    ///
    /// - Parameter share: How much is done, 0...1.
    package mutating func update(_ share: Double) {
        guard context.isInteractive else { return }
        let now = ContinuousClock.now
        guard now - start > Self.patience, lastDrawn.map({ now - $0 > Self.interval }) ?? true else { return }
        lastDrawn = now
        let filled = Int(share * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        context.errorOutput("\r\(title) \(bar) \(Int(share * 100)) %")
    }

    /// Takes the bar away.
    package mutating func finish() {
        if lastDrawn != nil {
            context.errorOutput("\r\u{1B}[K")
            lastDrawn = nil
        }
    }
}

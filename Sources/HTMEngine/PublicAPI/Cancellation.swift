// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// Returns when the task is cancelled, or the process gets one of the signals.
func waitForCancellation(orSignals signals: [Int32] = []) async {
    let (stream, end) = AsyncStream<Never>.makeStream()
    let sources = signals.map { number in
        // Dispatch sees a signal that is ignored; otherwise it would end the process first.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { end.finish() }
        source.resume()
        return source
    }
    await withTaskCancellationHandler {
        for await _ in stream {}
    } onCancel: {
        end.finish()
    }
    for source in sources { source.cancel() }
}

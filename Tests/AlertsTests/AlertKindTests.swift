// SPDX-License-Identifier: Apache-2.0

import Alerts
import Testing

@Suite struct AlertKindTests {
    /// They stand in the database and in what receivers are sent.
    @Test func rawValuesStay() {
        #expect(AlertKind.allCases.map(\.rawValue) == ["anomaly", "silent"])
    }
}

// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The simulation has no dashboard: what only that one asks for is refused.
extension SimulatedTransaction {
    private var refusal: EngineError { EngineError(.failed, "the simulation has no dashboard") }

    func overviewRows() throws -> [OverviewRow] { throw refusal }
    func rowid(uid: String, atOrAfter time: Int64) throws -> Int64? { throw refusal }
    func highestScore(uid: String, rowids: ClosedRange<Int64>) throws -> Double? { throw refusal }
    func reasons(uid: String, rowids: ClosedRange<Int64>) throws -> [Int64: AnomalyReason] {
        let rows = try rows(RowQuery(uid: uid, rowids: rowids))
        return Dictionary(rows.compactMap { row in row.reason.map { (row.rowid, $0) } }) { first, _ in first }
    }

    func explainedRows(pattern: String?, limit: Int) throws -> [ExplainedRow] { [] }

    func forEachRow(uid: String?, scoredAbove threshold: Double, _ body: (HighRow) throws -> Bool) throws {
        throw refusal
    }
    func displayRanking(end: Int64, barSeconds: Int64, barCount: Int64) throws -> [(uid: String, score: Double)] {
        throw refusal
    }
    func annotation(id: String) throws -> Annotation? { throw refusal }
    func annotations(_ query: AnnotationQuery) throws -> [Annotation] { throw refusal }
    func annotationCount(_ query: AnnotationQuery) throws -> Int { throw refusal }
    func insertAnnotation(_ annotation: Annotation) throws { throw refusal }
    func deleteAnnotation(id: String) throws -> Bool { throw refusal }
}

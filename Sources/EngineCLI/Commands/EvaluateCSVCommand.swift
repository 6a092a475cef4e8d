// SPDX-License-Identifier: Apache-2.0

import Evaluation

/// `htmengine evaluate csv FILE...`
enum EvaluateCSVCommand {
    static let command = Command(
        "csv",
        summary: "Measures a detector on CSV files with a column of labels.",
        discussion: """
            The first column is the timestamp, the second the value unless --values names it. A run of labelled records is an
            event, a run of detected ones an alarm. Without --threshold the threshold with the best event F1 of each file is
            taken, which looks at the labels. VUS-PR is explained in docs/detection.md.
            """,
        positionals: [Positional("FILE", "A CSV file with a header line."), Positional("FILE", .any, "More of them.")],
        options: [
            Option("--labels", "COLUMN", "Column with labels: 0 or empty is normal (default: label)."),
            Option("--values", "COLUMN", "Column with values (default: the second)."),
            Option("--mode", "MODE", "Which detector: \(EvaluatedMode.names) (default: parity)."),
            Option("--threshold", "X", "Anomaly scores from X on are detections."),
            Option("--buffer", "N", "Widest soft border of VUS-PR in records (default: 100)."),
            Option("--ignore", "LABEL", "Records with this label are neither anomalous nor normal: they are left out."),
            .json,
        ],
        body: run
    )

    private struct Row: Encodable {
        let file: String
        let threshold: Double?
        let precision: Double
        let recall: Double
        let eventF1: Double
        let aucPr: Double
        let vusPr: Double
        let delayRecords: Double?
        let delaySeconds: Double?
        let events: Int
        let falseAlarms: Int
        let falseAlarmsPerWeek: Double?
    }

    private static func run(_ arguments: Arguments, _ context: CommandContext) throws -> CommandStatus {
        let detector = try EvaluateCommand.detector(mode: arguments.value("--mode"))
        let threshold = try arguments.number("--threshold")
        let buffer = try arguments.integer("--buffer", in: 0...100_000) ?? 100
        let ignored = try arguments.number("--ignore")
        let rows = try arguments.all.map { path in
            let series = try SeriesFile.read(
                path: path,
                name: path,
                valueColumn: arguments.value("--values"),
                labelColumn: arguments.value("--labels") ?? "label"
            )
            let scores = try detector.scores(of: series).anomalyScores
            return row(series, scores: scores, threshold: threshold, buffer: buffer, ignored: ignored)
        }
        context.output(arguments.has("--json") ? try EvaluateCommand.json(rows) : table(rows))
        return .success
    }

    private static func row(
        _ series: LabelledSeries,
        scores: [Double],
        threshold: Double?,
        buffer: Int,
        ignored: Double?
    ) -> Row {
        let kept = series.labels.indices.filter { series.labels[$0] != ignored }
        let labels = kept.map { series.labels[$0] != 0 }
        let scores = kept.map { scores[$0] }
        let timestamps = kept.map { series.timestamps[$0] }
        let metrics =
            threshold.map {
                DetectionMetrics(labels: labels, scores: scores, timestamps: timestamps, threshold: $0)
            } ?? DetectionMetrics.best(labels: labels, scores: scores, timestamps: timestamps)
        return Row(
            file: series.name,
            threshold: metrics.threshold.isFinite ? metrics.threshold : nil,
            precision: metrics.precision,
            recall: metrics.recall,
            eventF1: metrics.eventF1,
            aucPr: PrecisionRecallCurve.area(labels: labels, scores: scores),
            vusPr: PrecisionRecallCurve.volume(labels: labels, scores: scores, maximumBuffer: buffer),
            delayRecords: metrics.meanDelayRecords,
            delaySeconds: metrics.meanDelaySeconds,
            events: metrics.events,
            falseAlarms: metrics.falseAlarms,
            falseAlarmsPerWeek: metrics.falseAlarmsPerWeek
        )
    }

    private static func table(_ rows: [Row]) -> String {
        func text(_ value: Double?, _ decimals: Int = 3) -> String {
            value.map { FixedPoint.text($0, decimals) } ?? "-"
        }
        return EvaluateCommand.table(
            [
                "File", "Threshold", "Precision", "Recall", "Event F1", "AUC-PR", "VUS-PR", "Delay (records)",
                "Events", "False alarms", "Per week",
            ],
            rows.map {
                [
                    $0.file, text($0.threshold, 5), text($0.precision), text($0.recall), text($0.eventF1),
                    text($0.aucPr), text($0.vusPr), text($0.delayRecords, 1), "\($0.events)", "\($0.falseAlarms)",
                    text($0.falseAlarmsPerWeek, 2),
                ]
            }
        )
    }
}

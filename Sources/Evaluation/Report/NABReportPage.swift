// SPDX-License-Identifier: Apache-2.0

/// One HTML page about an evaluation, without scripts or anything fetched: totals, a line and a plot per file.
enum NABReportPage {
    static func html(_ evaluation: NABEvaluation) -> String {
        let standard = evaluation.optima[0]
        let scores = evaluation.files.indices.map { evaluation.score(file: $0, at: standard) }
        var text = head(title: "\(evaluation.detectorName) on NAB")
        text += "<table><tr><th>Profile<th>Score<th>Threshold<th>Sum</tr>"
        for optimum in evaluation.optima {
            text += "<tr><td>\(optimum.profile.name)<td>\(FixedPoint.text(optimum.normalised, 2))"
            text += "<td>\(optimum.threshold)<td>\(FixedPoint.text(optimum.score, 3))</tr>"
        }
        text += "</table><p>\(evaluation.files.count) files, "
        text += "\(evaluation.files.reduce(0) { $0 + $1.series.count }) records, "
        text += "\(evaluation.files.reduce(0) { $0 + $1.windows.count }) windows. "
        text += "Below: at the standard profile's threshold. Grey: probation. Orange: labelled windows. "
        text += "Green: detections in windows, red: false alarms.</p>"
        text += "<table><tr><th>File<th>Score<th>Windows found<th>False alarms</tr>"
        for (file, score) in zip(evaluation.files, scores) {
            text += "<tr><td><a href=\"#\(escape(file.series.name))\">\(escape(file.series.name))</a>"
            text +=
                "<td>\(FixedPoint.text(score.score, 2))<td>\(score.windowCredits.count { $0 != nil }) of \(file.windows.count)"
            text += "<td>\(score.falsePositives)</tr>"
        }
        text += "</table>"
        for (index, file) in evaluation.files.enumerated() {
            let score = scores[index]
            text += "<h2 id=\"\(escape(file.series.name))\">\(escape(file.series.name))</h2>"
            text += SeriesPlot(
                values: file.series.values,
                scores: evaluation.scored[index].anomalyScores,
                windows: file.windows,
                probation: file.probation,
                threshold: standard.threshold,
                detections: score.detections,
                notes: evaluation.scored[index].explanations
            ).svg()
        }
        return text + "</html>\n"
    }

    static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }

    private static func head(title: String) -> String {
        """
        <!doctype html><html lang="en"><meta charset="utf-8"><title>\(escape(title))</title><style>
        body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem auto;max-width:1140px;padding:0 1rem}
        table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left}
        svg{width:100%;height:208px;background:#fafafa}h2{font-size:1rem;margin:1.5rem 0 .2rem}
        path{fill:none;vector-effect:non-scaling-stroke}.probation{fill:#e4e4e4}.window{fill:#ffd9a0}
        .value{stroke:#234a86}.score{stroke:#777}.threshold{stroke:#999;stroke-dasharray:4 3}
        .hit{stroke:#0a8a35;stroke-width:1.5}.false{stroke:#d3222a;stroke-width:1.5}
        </style><h1>\(escape(title))</h1>
        """
    }
}

// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Foundation
import Testing

@Suite("Series files")
struct SeriesFileTests {
    private func read(_ text: String, labelColumn: String? = nil) throws -> LabelledSeries {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("series-\(UUID()).csv").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try SeriesFile.read(path: path, name: "x.csv", labelColumn: labelColumn)
    }

    @Test func civilTime() {
        #expect(CivilTime.seconds("1970-01-01 00:00:00") == 0)
        #expect(CivilTime.seconds("2014-02-14 14:30:00") == 1_392_388_200)
        #expect(CivilTime.seconds("2000-02-29T23:59:59.5Z") == 951_868_799.5)
        #expect(CivilTime.seconds("2014-04-01") == 1_396_310_400)
        #expect(CivilTime.seconds("T") == nil)
        #expect(CivilTime.seconds("2014-13-01 00:00:00") == nil)
        #expect(CivilTime.text(1_392_388_200) == "2014-02-14 14:30:00")
    }

    @Test func threeHeaderLinesAndLabels() throws {
        let series = try read(
            "dttm,value,label\ndatetime,float,float\nT,,\n2014-01-06 06:18:00,616.4,0\n2014-01-06 06:23:00,5,0.5\n",
            labelColumn: "label"
        )
        #expect(series.values == [616.4, 5])
        #expect(series.labels == [0, 0.5])
        #expect(series.timestamps[1] - series.timestamps[0] == 300)
    }

    @Test func errorsNameTheLine() {
        #expect(throws: EvaluationError.self) { try read("timestamp,value\n") }
        #expect { try read("timestamp,value\n2014-01-06 06:18:00,616.4\n2014-01-06 06:18:00,x\n") } throws: {
            "\($0)".contains(":3: \"x\" is no number")
        }
        #expect { try read("timestamp,value\n2014-01-06 06:18:00,1\n", labelColumn: "label") } throws: {
            "\($0)".contains("no column \"label\"")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The parameter set of NuPIC 1.0.5's template "scalar metric with time of day", as the original stores it (spec htm.md 1.2).
enum StandardModelConfig {
    /// - Parameters:
    ///   - resolution: Width of one bucket of the value encoder, in the metric's unit; above 0.
    ///   - classifier: Whether the classifier runs.
    static func json(resolution: Double, classifier: Bool) -> JSONValue {
        .object([
            "model": .string("HTMPrediction"),
            "version": .integer(1),
            "predictAheadTime": .null,
            "aggregationInfo": aggregation,
            "modelParams": .object([
                "inferenceType": .string("TemporalAnomaly"),
                "sensorParams": sensor(resolution: resolution),
                "spEnable": .bool(true),
                "spParams": spatialPooler,
                "tmEnable": .bool(true),
                "tmParams": temporalMemory,
                "clEnable": .bool(classifier),
                "clParams": .object([
                    "alpha": .number(0.035828933612157998), "regionName": .string("SDRClassifierRegion"),
                    "steps": .string("1"), "verbosity": .integer(0),
                ]),
                "anomalyParams": .object([
                    "anomalyCacheRecords": .null, "autoDetectThreshold": .null, "autoDetectWaitRecords": .integer(5030),
                ]),
                "trainSPNetOnlyIfRequested": .bool(false),
            ]),
        ])
    }

    private static var aggregation: JSONValue {
        var fields: [String: JSONValue] = ["fields": .array([])]
        for unit in [
            "years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds",
        ] {
            fields[unit] = .integer(0)
        }
        return .object(fields)
    }

    private static func sensor(resolution: Double) -> JSONValue {
        .object([
            "verbosity": .integer(0),
            "sensorAutoReset": .null,
            "encoders": .object([
                "c0_dayOfWeek": .null,
                "c0_weekend": .null,
                "c0_timeOfDay": .object([
                    "fieldname": .string("c0"), "name": .string("c0"), "type": .string("DateEncoder"),
                    "timeOfDay": .array([.integer(21), .number(9.49)]),
                ]),
                "c1": .object([
                    "fieldname": .string("c1"), "name": .string("c1"),
                    "type": .string("RandomDistributedScalarEncoder"), "seed": .integer(42),
                    "resolution": .number(resolution),
                ]),
            ]),
        ])
    }

    private static var spatialPooler: JSONValue {
        .object([
            "spatialImp": .string("cpp"), "spVerbosity": .integer(0), "inputWidth": .integer(0),
            "columnCount": .integer(2048), "numActiveColumnsPerInhArea": .integer(40), "globalInhibition": .integer(1),
            "potentialPct": .number(0.8), "seed": .integer(1956), "synPermActiveInc": .number(0.003),
            "synPermInactiveDec": .number(0.0005), "synPermConnected": .number(0.2), "boostStrength": .number(0),
        ])
    }

    private static var temporalMemory: JSONValue {
        .object([
            "temporalImp": .string("cpp"), "verbosity": .integer(0), "outputType": .string("normal"),
            "columnCount": .integer(2048), "inputWidth": .integer(2048), "cellsPerColumn": .integer(32),
            "activationThreshold": .integer(13), "minThreshold": .integer(10), "newSynapseCount": .integer(20),
            "maxSynapsesPerSegment": .integer(32), "maxSegmentsPerCell": .integer(128), "initialPerm": .number(0.21),
            "permanenceInc": .number(0.1), "permanenceDec": .number(0.1), "globalDecay": .number(0),
            "maxAge": .integer(0), "pamLength": .integer(3), "seed": .integer(1960),
        ])
    }
}

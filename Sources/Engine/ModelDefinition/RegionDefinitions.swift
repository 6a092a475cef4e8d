// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import HTM

/// Reads `spParams`, `tmParams` and `clParams` (spec htm.md 1.2, 1.3).
enum RegionDefinitions {
    static func spatialPooler(_ json: JSONValue, path: String) throws -> SpatialPoolerParameters {
        var fields = try DefinitionFields(json, path: path)
        var parameters = SpatialPoolerParameters()
        try fields.integer("columnCount") { parameters.columnCount = $0 }
        try fields.float("potentialPct") { parameters.potentialPct = $0 }
        try fields.integer("potentialRadius") { parameters.potentialRadius = $0 > 0 ? $0 : nil }
        try fields.flag("wrapAround") { parameters.wrapAround = $0 }
        try fields.integer("numActiveColumnsPerInhArea") { parameters.numActiveColumnsPerInhArea = $0 }
        try fields.float("localAreaDensity") { parameters.localAreaDensity = $0 }
        try fields.integer("stimulusThreshold") { parameters.stimulusThreshold = $0 }
        try fields.float("synPermActiveInc") { parameters.synPermActiveInc = $0 }
        try fields.float("synPermInactiveDec") { parameters.synPermInactiveDec = $0 }
        try fields.float("synPermConnected") { parameters.synPermConnected = $0 }
        try fields.float("minPctOverlapDutyCycle") { parameters.minPctOverlapDutyCycle = $0 }
        try fields.integer("dutyCyclePeriod") { parameters.dutyCyclePeriod = $0 }
        try fields.float("boostStrength") { parameters.boostStrength = $0 }
        try fields.float("initConnectedPct") { parameters.initConnectedPct = $0 }
        try fields.seed("seed") { parameters.seed = $0 }
        // Older files say maxBoost; 1 means no boosting, which is all those files ever asked for.
        var maxBoost = 1.0
        try fields.double("maxBoost") { maxBoost = $0 }
        guard maxBoost == 1 else {
            throw EngineError(.invalidArgument, "\(path).maxBoost is \(maxBoost); expected 1, or boostStrength instead")
        }
        var isGlobal = true
        try fields.flag("globalInhibition") { isGlobal = $0 }
        guard isGlobal else {
            throw EngineError(.invalidArgument, "\(path).globalInhibition is 0; only global inhibition is there")
        }
        if let implementation = try fields.string("spatialImp"), implementation != "cpp" {
            throw EngineError(.invalidArgument, "\(path).spatialImp is \"\(implementation)\"; expected cpp")
        }
        // The width of the input follows from the encoders.
        fields.ignore("inputWidth", "spVerbosity", "verbosity")
        try fields.finish()
        return parameters
    }

    static func temporalMemory(_ json: JSONValue, path: String) throws -> TemporalMemoryParameters {
        var fields = try DefinitionFields(json, path: path)
        let implementation = try fields.string("temporalImp") ?? "cpp"
        fields.ignore("inputWidth", "verbosity")
        if let type = try fields.string("outputType"), type != "normal" {
            throw EngineError(.invalidArgument, "\(path).outputType is \"\(type)\"; expected normal")
        }
        switch implementation {
        case "cpp": return .backtracking(try backtracking(&fields))
        case "tm_cpp": return .plain(try plain(&fields))
        default:
            throw EngineError(.invalidArgument, "\(path).temporalImp is \"\(implementation)\"; expected cpp or tm_cpp")
        }
    }

    private static func backtracking(_ fields: inout DefinitionFields) throws -> BacktrackingParameters {
        var parameters = BacktrackingParameters()
        try fields.integer("columnCount") { parameters.columnCount = $0 }
        try fields.integer("cellsPerColumn") { parameters.cellsPerColumn = $0 }
        try fields.integer("activationThreshold") { parameters.activationThreshold = $0 }
        try fields.integer("minThreshold") { parameters.minThreshold = $0 }
        try fields.integer("newSynapseCount") { parameters.newSynapseCount = $0 }
        try fields.integer("maxSynapsesPerSegment") { parameters.maxSynapsesPerSegment = $0 > 0 ? $0 : nil }
        try fields.integer("maxSegmentsPerCell") { parameters.maxSegmentsPerCell = $0 > 0 ? $0 : nil }
        try fields.float("initialPerm") { parameters.initialPerm = $0 }
        try fields.float("connectedPerm") { parameters.connectedPerm = $0 }
        try fields.float("permanenceInc") { parameters.permanenceInc = $0 }
        try fields.float("permanenceDec") { parameters.permanenceDec = $0 }
        try fields.float("permanenceMax") { parameters.permanenceMax = $0 }
        try fields.integer("pamLength") { parameters.pamLength = $0 }
        try fields.float("globalDecay") { parameters.globalDecay = $0 }
        try fields.integer("maxAge") { parameters.maxAge = $0 }
        try fields.integer("maxInfBacktrack") { parameters.maxInfBacktrack = $0 }
        try fields.integer("maxLrnBacktrack") { parameters.maxLrnBacktrack = $0 }
        try fields.integer("maxSeqLength") { parameters.maxSeqLength = $0 }
        try fields.flag("doPooling") { parameters.doPooling = $0 }
        try fields.integer("segUpdateValidDuration") { parameters.segUpdateValidDuration = $0 }
        try fields.seed("seed") { parameters.seed = $0 }
        // Statistics the original can collect beside; they change no score.
        fields.ignore("burnIn", "collectStats", "collectSequenceStats")
        try fields.finish()
        return parameters
    }

    private static func plain(_ fields: inout DefinitionFields) throws -> PlainTemporalMemory.Parameters {
        var parameters = PlainTemporalMemory.Parameters()
        try fields.integer("columnCount") { parameters.columnCount = $0 }
        try fields.integer("cellsPerColumn") { parameters.cellsPerColumn = $0 }
        try fields.integer("activationThreshold") { parameters.activationThreshold = $0 }
        try fields.integer("minThreshold") { parameters.minThreshold = $0 }
        try fields.float("initialPerm") { parameters.initialPermanence = $0 }
        try fields.float("connectedPerm") { parameters.connectedPermanence = $0 }
        try fields.float("permanenceInc") { parameters.permanenceIncrement = $0 }
        try fields.float("permanenceDec") { parameters.permanenceDecrement = $0 }
        try fields.float("predictedSegmentDecrement") { parameters.predictedSegmentDecrement = $0 }
        try fields.integer("newSynapseCount") { parameters.newSynapseCount = $0 }
        try fields.integer("maxSynapsesPerSegment") { parameters.maxSynapsesPerSegment = $0 }
        try fields.integer("maxSegmentsPerCell") { parameters.maxSegmentsPerCell = $0 }
        try fields.seed("seed") { parameters.seed = $0 }
        // The original's shim takes these and does nothing with them (spec htm.md 1.3).
        fields.ignore("globalDecay", "maxAge", "pamLength", "permanenceMax", "burnIn", "collectStats")
        try fields.finish()
        return parameters
    }

    static func classifier(_ json: JSONValue, path: String) throws -> SDRClassifier.Parameters {
        var fields = try DefinitionFields(json, path: path)
        var parameters = SDRClassifier.Parameters()
        try fields.double("alpha") { parameters.alpha = sixDigits($0) }
        try fields.double("actValueAlpha") { parameters.actualValueAlpha = sixDigits($0) }
        if let steps = fields.take("steps") { parameters.steps = try read(steps: steps, fields) }
        if let region = try fields.string("regionName"),
            !["SDRClassifierRegion", "CLAClassifierRegion"].contains(region)
        {
            throw EngineError(.invalidArgument, "\(path).regionName is \"\(region)\"; expected SDRClassifierRegion")
        }
        fields.ignore("verbosity", "clVerbosity", "implementation", "maxCategoryCount")
        try fields.finish()
        return parameters
    }

    /// `"1,5"`, a number, or a list of numbers.
    private static func read(steps json: JSONValue, _ fields: DefinitionFields) throws -> [Int] {
        let numbers: [Int?]
        if let text = json.stringValue {
            numbers = text.split(separator: ",").map { Int($0.filter { $0 != " " }) }
        } else if let items = json.arrayValue {
            numbers = items.map { $0.integerValue.map(Int.init) }
        } else {
            numbers = [json.integerValue.map(Int.init)]
        }
        let steps = numbers.compactMap(\.self)
        guard !steps.isEmpty, steps.count == numbers.count, Set(steps).count == steps.count,
            steps.allSatisfy({ (0...1000).contains($0) })
        else { throw fields.wrong("steps", json, "different whole numbers from 0 to 1000, separated by commas") }
        return steps
    }

    /// The original hands numbers to its regions as text of a 32-bit float with six digits (spec htm.md 9.4).
    private static func sixDigits(_ number: Double) -> Double {
        Double(String(format: "%.6g", Double(Float(number)))) ?? number
    }
}

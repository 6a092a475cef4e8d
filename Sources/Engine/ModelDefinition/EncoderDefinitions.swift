// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTM

/// Reads `sensorParams.encoders` (spec htm.md 3).
enum EncoderDefinitions {
    /// - Parameters:
    ///   - timestampField: The record's field that date encoders read.
    ///   - valueField: The field all others read.
    static func read(
        _ json: JSONValue,
        path: String,
        timestampField: String,
        valueField: String
    ) throws -> [EncoderParameters] {
        let entries = try JSONFields(json, path: path).fields.filter { $0.value != .null }
        return try entries.sorted { $0.key < $1.key }.map { name, entry in
            var fields = try DefinitionFields(entry, path: "\(path).\(name)")
            let type = try fields.string("type") ?? ""
            let field = try fields.string("fieldname") ?? ""
            let expected = type == "DateEncoder" ? timestampField : valueField
            guard field == expected else {
                throw EngineError(
                    .invalidArgument,
                    "\(fields.path).fieldname is \"\(field)\"; expected \"\(expected)\", which a \(type) reads"
                )
            }
            fields.ignore("name", "verbosity", "forced", "classifierOnly")
            let kind = try kind(type, &fields)
            try fields.finish()
            return EncoderParameters(name: name, kind: kind)
        }
    }

    private static func kind(_ type: String, _ fields: inout DefinitionFields) throws -> EncoderParameters.Kind {
        switch type {
        case "DateEncoder": return .date(try date(&fields))
        case "RandomDistributedScalarEncoder": return .randomDistributedScalar(try randomDistributed(&fields))
        case "ScalarEncoder": return .scalar(try scalar(&fields))
        case "LogEncoder": return .log(try log(&fields))
        case "AdaptiveScalarEncoder": return .adaptiveScalar(try adaptive(&fields))
        case "DeltaEncoder": return .delta(try adaptive(&fields))
        default:
            throw EngineError(
                .invalidArgument,
                "\(fields.path).type is \"\(type)\"; expected DateEncoder, RandomDistributedScalarEncoder, ScalarEncoder, "
                    + "LogEncoder, AdaptiveScalarEncoder or DeltaEncoder"
            )
        }
    }

    private static func randomDistributed(
        _ fields: inout DefinitionFields
    ) throws -> RandomDistributedScalarEncoder.Parameters {
        var resolution: Double?
        try fields.double("resolution") { resolution = $0 }
        guard let resolution, resolution > 0 else {
            throw EngineError(.invalidArgument, "\(fields.path).resolution is missing; expected a number above 0")
        }
        var parameters = RandomDistributedScalarEncoder.Parameters(resolution: resolution)
        try fields.integer("w") { parameters.activeBits = $0 }
        try fields.integer("n") { parameters.width = $0 }
        try fields.seed("seed") { parameters.seed = $0 }
        try fields.double("offset") { parameters.offset = $0 }
        return parameters
    }

    private static func scalar(_ fields: inout DefinitionFields) throws -> ScalarEncoder.Parameters {
        var activeBits = 21
        var minimum: Double?
        var maximum: Double?
        try fields.integer("w") { activeBits = $0 }
        try fields.double("minval") { minimum = $0 }
        try fields.double("maxval") { maximum = $0 }
        guard let minimum, let maximum else {
            throw EngineError(.invalidArgument, "\(fields.path) needs minval and maxval")
        }
        var parameters = ScalarEncoder.Parameters(
            activeBits: activeBits,
            minimum: minimum,
            maximum: maximum,
            periodic: false,
            division: try division(&fields)
        )
        try fields.flag("periodic") { parameters.periodic = $0 }
        try fields.flag("clipInput") { parameters.clipInput = $0 }
        return parameters
    }

    private static func log(_ fields: inout DefinitionFields) throws -> LogEncoder.Parameters {
        var parameters = LogEncoder.Parameters(division: try division(&fields))
        try fields.integer("w") { parameters.activeBits = $0 }
        try fields.double("minval") { parameters.minimum = $0 }
        try fields.double("maxval") { parameters.maximum = $0 }
        // The original takes it and clips in any case.
        fields.ignore("clipInput")
        try refusePeriodic(&fields)
        return parameters
    }

    private static func adaptive(_ fields: inout DefinitionFields) throws -> AdaptiveScalarEncoder.Parameters {
        var activeBits = 21
        var width: Int?
        var minimum: Double?
        var maximum: Double?
        try fields.integer("w") { activeBits = $0 }
        try fields.integer("n") { width = $0 }
        try fields.double("minval") { minimum = $0 }
        try fields.double("maxval") { maximum = $0 }
        guard let width else {
            throw EngineError(.invalidArgument, "\(fields.path).n is missing; expected the number of bits")
        }
        fields.ignore("clipInput")
        try refusePeriodic(&fields)
        var parameters = AdaptiveScalarEncoder.Parameters(activeBits: activeBits, width: width)
        switch (minimum, maximum) {
        case (nil, nil): break
        case (let minimum?, let maximum?) where minimum < maximum: parameters.range = minimum...maximum
        default:
            throw EngineError(.invalidArgument, "\(fields.path) needs minval below maxval, or neither of them")
        }
        return parameters
    }

    private static func refusePeriodic(_ fields: inout DefinitionFields) throws {
        var periodic = false
        try fields.flag("periodic") { periodic = $0 }
        if periodic { throw EngineError(.invalidArgument, "\(fields.path).periodic is true; expected false") }
    }

    /// Exactly one of `n`, `radius` and `resolution`; 0 counts as not given, as in the original.
    private static func division(_ fields: inout DefinitionFields) throws -> ScalarEncoder.Division {
        var given: [ScalarEncoder.Division] = []
        try fields.integer("n") { if $0 != 0 { given.append(.bits($0)) } }
        try fields.double("radius") { if $0 != 0 { given.append(.radius($0)) } }
        try fields.double("resolution") { if $0 != 0 { given.append(.resolution($0)) } }
        guard given.count == 1 else {
            throw EngineError(
                .invalidArgument,
                "\(fields.path) has \(given.count) of n, radius and resolution; expected one"
            )
        }
        return given[0]
    }

    private static func date(_ fields: inout DefinitionFields) throws -> DateEncoder.Parameters {
        var parameters = DateEncoder.Parameters()
        parameters.season = try part("season", &fields)
        parameters.dayOfWeek = try part("dayOfWeek", &fields)
        parameters.weekend = try part("weekend", &fields)
        parameters.holiday = try part("holiday", &fields)
        parameters.timeOfDay = try part("timeOfDay", &fields)
        if let json = fields.take("customDays") {
            guard let pair = json.arrayValue, pair.count == 2, let bits = pair[0].integerValue else {
                throw fields.wrong("customDays", json, "[w, days]")
            }
            parameters.customDays = DateEncoder.Part(activeBits: Int(bits))
            parameters.customDayList = try days(pair[1], fields)
        }
        if let json = fields.take("holidays") {
            parameters.holidays = try (json.arrayValue ?? []).map { item in
                let numbers = (item.arrayValue ?? []).compactMap { $0.integerValue.map(Int.init) }
                switch numbers.count {
                case 2: return DateEncoder.Holiday(month: numbers[0], day: numbers[1])
                case 3: return DateEncoder.Holiday(year: numbers[0], month: numbers[1], day: numbers[2])
                default: throw fields.wrong("holidays", json, "a list of [month, day] or [year, month, day]")
                }
            }
        }
        return parameters
    }

    /// A width, or a width and a radius; 0 means the part is absent.
    private static func part(_ name: String, _ fields: inout DefinitionFields) throws -> DateEncoder.Part? {
        guard let json = fields.take(name) else { return nil }
        if let bits = json.integerValue { return bits == 0 ? nil : DateEncoder.Part(activeBits: Int(bits)) }
        guard let pair = json.arrayValue, pair.count == 2, let bits = pair[0].integerValue,
            let radius = pair[1].doubleValue, radius > 0
        else { throw fields.wrong(name, json, "a width or [width, radius]") }
        return bits == 0 ? nil : DateEncoder.Part(activeBits: Int(bits), radius: radius)
    }

    /// Weekdays by their English names or their first three letters; Monday is 0.
    private static func days(_ json: JSONValue, _ fields: DefinitionFields) throws -> [Int] {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        let items = json.arrayValue ?? [json]
        return try items.map { item in
            guard let text = item.stringValue, let day = names.firstIndex(of: String(text.lowercased().prefix(3)))
            else {
                throw fields.wrong("customDays", json, "names of weekdays")
            }
            return day
        }
    }
}

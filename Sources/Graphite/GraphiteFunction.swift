// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// A function that targets may call.
package struct GraphiteFunction: Sendable {
    /// What an argument may be.
    enum Parameter: String, Sendable {
        case seriesList, number, string, boolean, nodes
    }

    struct Declaration: Sendable {
        var name: String
        var kind: Parameter
        var isRequired = true
        /// Takes all arguments that are left.
        var isRepeated = false
    }

    let name: String
    let summary: String
    let parameters: [Declaration]
    let body: @Sendable (GraphiteCall) throws -> [GraphiteSeries]

    /// Every function, by name; other names of one function appear too.
    package static let all: [String: GraphiteFunction] = {
        let functions = naming + arithmetic + combining + choosing + lines
        return Dictionary(uniqueKeysWithValues: functions.map { ($0.name, $0) })
    }()
}

/// The arguments of one call, checked against what the function declares.
package struct GraphiteCall {
    let window: GraphiteEvaluator.Window
    private let function: GraphiteFunction
    private var values: [String: GraphiteEvaluator.Value] = [:]
    /// What a repeated parameter took.
    private(set) var repeated: [GraphiteEvaluator.Value] = []

    init(
        _ function: GraphiteFunction,
        arguments: [GraphiteEvaluator.Value],
        named: [String: GraphiteEvaluator.Value],
        window: GraphiteEvaluator.Window
    ) throws {
        self.function = function
        self.window = window
        var rest = arguments[...]
        for parameter in function.parameters {
            if parameter.isRepeated {
                repeated = Array(rest)
                rest = []
                if parameter.isRequired, repeated.isEmpty { throw missing(parameter) }
                for value in repeated { try check(value, parameter) }
                continue
            }
            let value: GraphiteEvaluator.Value?
            if let first = rest.popFirst() {
                guard named[parameter.name] == nil else {
                    throw EngineError(.invalidArgument, "\(function.name) has the argument \(parameter.name) twice")
                }
                value = first
            } else {
                value = named[parameter.name]
            }
            guard let value else {
                if parameter.isRequired { throw missing(parameter) }
                continue
            }
            try check(value, parameter)
            values[parameter.name] = value
        }
        if !rest.isEmpty {
            throw EngineError(
                .invalidArgument,
                "\(function.name) takes \(function.parameters.count) argument(s), not \(arguments.count)"
            )
        }
        let known = Set(function.parameters.map(\.name))
        if let unknown = named.keys.filter({ !known.contains($0) }).min() {
            throw EngineError(.invalidArgument, "\(function.name) has no argument named \(unknown)")
        }
    }

    private func missing(_ parameter: GraphiteFunction.Declaration) -> EngineError {
        EngineError(.invalidArgument, "\(function.name) lacks its argument \(parameter.name)")
    }

    private func check(_ value: GraphiteEvaluator.Value, _ parameter: GraphiteFunction.Declaration) throws {
        let fits =
            switch (value, parameter.kind) {
            case (.series, .seriesList), (.scalar(.number), .number), (.scalar(.string), .string),
                (.scalar(.boolean), .boolean), (.scalar(.number), .nodes), (.scalar(.string), .nodes):
                true
            case (.scalar(.none), _): !parameter.isRequired
            default: false
            }
        guard fits else {
            let expected =
                switch parameter.kind {
                case .seriesList: "series"
                case .number: "a number"
                case .string: "text in quotes"
                case .boolean: "true or false"
                case .nodes: "the number of a node"
                }
            throw EngineError(
                .invalidArgument,
                "\(function.name): the argument \(parameter.name) is wrong; expected \(expected)"
            )
        }
    }

    // MARK: Arguments by name

    /// The series given for `seriesList`, or for all of a repeated parameter together.
    var seriesList: [GraphiteSeries] {
        let lists = values["seriesList"].map { [$0] } ?? repeated
        return lists.flatMap { value in
            if case .series(let series) = value { series } else { [] as [GraphiteSeries] }
        }
    }

    func number(_ name: String) -> GraphiteNumber? {
        if case .scalar(.number(let number)) = values[name] { number } else { nil }
    }

    func string(_ name: String) -> String? {
        if case .scalar(.string(let text)) = values[name] { text } else { nil }
    }

    func boolean(_ name: String) -> Bool? {
        if case .scalar(.boolean(let flag)) = values[name] { flag } else { nil }
    }

    /// A required number; the declaration has seen to it that it is there.
    func requiredNumber(_ name: String) -> GraphiteNumber {
        number(name) ?? GraphiteNumber(0, isWhole: true)
    }

    /// A count of series: whole, not negative.
    func count(_ name: String) throws -> Int {
        let number = requiredNumber(name)
        guard number.isWhole, number.value >= 0, number.value < 1e9 else {
            throw EngineError(
                .invalidArgument,
                "\(function.name): \(name) is \(number.text); expected a whole number from 0"
            )
        }
        return Int(number.value)
    }

    /// The aggregation named by `name`, or `standard` when it was left out.
    func aggregation(_ name: String, standard: GraphiteAggregation) throws -> GraphiteAggregation {
        guard let text = string(name) else { return standard }
        guard let aggregation = GraphiteAggregation(name: text) else {
            let known = GraphiteAggregation.allCases.map(\.rawValue).joined(separator: ", ")
            throw EngineError(.invalidArgument, "\(function.name): unknown aggregation '\(text)'; expected \(known)")
        }
        return aggregation
    }
}

// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The parameters of one part of a model definition, each taken by its name, so that what is left over can be refused: a
/// misspelt parameter must not silently mean its default.
struct DefinitionFields {
    let path: String
    private var left: [String: JSONValue]

    init(_ json: JSONValue, path: String) throws {
        let fields = try JSONFields(json, path: path)
        self.path = path
        // null means "not given" in the original's dictionaries.
        left = fields.fields.filter { $0.value != .null }
    }

    mutating func take(_ name: String) -> JSONValue? { left.removeValue(forKey: name) }

    mutating func ignore(_ names: String...) {
        for name in names { left[name] = nil }
    }

    mutating func integer(_ name: String, _ set: (Int) -> Void) throws {
        guard let value = take(name) else { return }
        guard let number = value.integerValue else { throw wrong(name, value, "a whole number") }
        set(Int(number))
    }

    mutating func double(_ name: String, _ set: (Double) -> Void) throws {
        guard let value = take(name) else { return }
        guard let number = value.doubleValue, number.isFinite else { throw wrong(name, value, "a number") }
        set(number)
    }

    /// A number the original's C++ holds as a 32-bit float.
    mutating func float(_ name: String, _ set: (Float) -> Void) throws {
        try double(name) { set(Float($0)) }
    }

    mutating func seed(_ name: String, _ set: (UInt64) -> Void) throws {
        guard let value = take(name) else { return }
        guard let number = value.integerValue, number > 0 else { throw wrong(name, value, "a whole number above 0") }
        set(UInt64(number))
    }

    /// A truth value; the original also writes 0 and 1.
    mutating func flag(_ name: String, _ set: (Bool) -> Void) throws {
        guard let value = take(name) else { return }
        if let flag = value.boolValue { return set(flag) }
        guard let number = value.integerValue, number == 0 || number == 1 else {
            throw wrong(name, value, "true or false")
        }
        set(number == 1)
    }

    mutating func string(_ name: String) throws -> String? {
        guard let value = take(name) else { return nil }
        guard let text = value.stringValue else { throw wrong(name, value, "a string") }
        return text
    }

    /// Refuses whatever wasn't taken.
    func finish() throws {
        guard let name = left.keys.min() else { return }
        throw EngineError(.invalidArgument, "\(path).\(name) is not a parameter this model knows")
    }

    func wrong(_ name: String, _ value: JSONValue, _ expected: String) -> EngineError {
        EngineError(.invalidArgument, "\(path).\(name) is \(value.text.prefix(80)); expected \(expected)")
    }
}

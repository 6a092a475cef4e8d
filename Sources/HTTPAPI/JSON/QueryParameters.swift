// SPDX-License-Identifier: Apache-2.0

import EngineCore

/// The query of a request, read strictly: a value of the wrong kind is refused with 400 naming it, unknown names are ignored.
struct QueryParameters {
    let request: HTTPRequest

    init(_ request: HTTPRequest) { self.request = request }

    func text(_ name: String, longest: Int = 255, mayBeEmpty: Bool = false) throws -> String? {
        guard let value = request.queryValue(name) else { return nil }
        if value.isEmpty, !mayBeEmpty { throw HTTPError.problem(400, "\(name) is empty; leave it out or give a value") }
        guard value.unicodeScalars.count <= longest else {
            throw HTTPError.problem(400, "\(name) has more than \(longest) characters")
        }
        return value
    }

    func required(_ name: String, longest: Int = 255) throws -> String {
        guard let value = try text(name, longest: longest), !value.isEmpty else {
            throw HTTPError.problem(400, "the query parameter \(name) is missing or empty")
        }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = request.queryValue(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw wrong(name, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let text = request.queryValue(name) else { return nil }
        guard let value = Double(text), value.isFinite, range.contains(value) else {
            throw wrong(name, text, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func flag(_ name: String) throws -> Bool? {
        guard let text = request.queryValue(name) else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default: throw wrong(name, text, "true or false")
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _: Choice.Type) throws -> Choice?
    where Choice.RawValue == String {
        guard let text = request.queryValue(name) else { return nil }
        guard let value = Choice(rawValue: text) else {
            throw wrong(name, text, "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    /// Unix seconds.
    func time(_ name: String) throws -> Int64? {
        guard let text = request.queryValue(name) else { return nil }
        guard let time = Self.parseTime(text) else {
            throw wrong(name, text, "Unix seconds, YYYY-MM-DD HH:MM:SS or ISO 8601")
        }
        return time
    }

    /// `from` and `to`, both included; an end not given is open.
    ///
    /// - Returns: Nil when neither is given. A range turned round contains nothing, which `1...0` can't say: then `(1, 0)` comes back
    ///   as an empty range far in the past.
    func times() throws -> ClosedRange<Int64>? {
        let from = try time("from")
        let to = try time("to")
        guard from != nil || to != nil else { return nil }
        let low = from ?? Timestamps.representable.lowerBound
        let high = to ?? Timestamps.representable.upperBound
        return low <= high ? low...high : Timestamps.representable.lowerBound...Timestamps.representable.lowerBound
    }

    private func wrong(_ name: String, _ text: String, _ expected: String) -> HTTPError {
        .problem(400, "\(name) is '\(text.prefix(60))'; expected \(expected)")
    }

    /// Unix seconds, `YYYY-MM-DD`, with ` HH:MM[:SS]` or `THH:MM[:SS[.f]]` and `Z` or an offset.
    ///
    /// Naive times are UTC. A day the month doesn't have counts on into the next.
    static func parseTime(_ text: String) -> Int64? {
        if text.utf8.count <= 12, let seconds = Int64(text) { return seconds }
        var bytes = Array(text.utf8)[...]
        func digits(_ count: Int, upTo limit: Int) -> Int? {
            guard bytes.count >= count, bytes.prefix(count).allSatisfy({ (48...57).contains($0) }) else { return nil }
            let value = bytes.prefix(count).reduce(0) { $0 * 10 + Int($1) - 48 }
            bytes = bytes.dropFirst(count)
            return value <= limit ? value : nil
        }
        func skip(_ characters: String) -> Bool {
            guard let first = bytes.first, characters.utf8.contains(first) else { return false }
            bytes = bytes.dropFirst()
            return true
        }
        guard let year = digits(4, upTo: 9999), skip("-"), let month = digits(2, upTo: 12), month > 0, skip("-"),
            let day = digits(2, upTo: 31), day > 0
        else { return nil }
        var seconds = Timestamps.days(year: year, month: month, day: day) * 86_400
        guard !bytes.isEmpty else { return seconds }
        guard skip(" T"), let hour = digits(2, upTo: 23), skip(":"), let minute = digits(2, upTo: 59) else {
            return nil
        }
        seconds += Int64(hour * 3600 + minute * 60)
        if skip(":") {
            guard let second = digits(2, upTo: 59) else { return nil }
            seconds += Int64(second)
            if skip(".") { while let digit = bytes.first, (48...57).contains(digit) { bytes = bytes.dropFirst() } }
        }
        if bytes.isEmpty || (skip("Z") && bytes.isEmpty) { return seconds }
        // A plus sign in a query that wasn't encoded arrives as a blank.
        let sign: Int64 = bytes.first == UInt8(ascii: "-") ? -1 : 1
        guard skip("+- "), let hours = digits(2, upTo: 23) else { return nil }
        _ = skip(":")
        guard let minutes = digits(2, upTo: 59), bytes.isEmpty else { return nil }
        return seconds - sign * Int64(hours * 3600 + minutes * 60)
    }
}

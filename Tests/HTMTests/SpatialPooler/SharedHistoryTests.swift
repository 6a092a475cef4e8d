// SPDX-License-Identifier: Apache-2.0

import HTM
import Testing

/// Inputs that were never on when their column won share one history: nothing may tell that from a permanence for each.
@Suite struct SharedHistoryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var inputCount = 200
        var recordCount = 2500
        /// Whether weak columns are expected to be strengthened.
        var bumps = false
        /// Whether the pooler is expected to take less memory than a permanence for each input would.
        var isSmaller = true
        let parameters: SpatialPoolerParameters

        init(_ description: String, _ change: (inout SpatialPoolerParameters) -> Void) {
            testDescription = description
            var parameters = SpatialPoolerParameters()
            parameters.columnCount = 96
            parameters.numActiveColumnsPerInhArea = 4
            change(&parameters)
            self.parameters = parameters
        }

        static let all: [Case] = {
            var weak = Case("columns that hardly ever overlap") {
                $0.potentialPct = 0.1
                $0.dutyCyclePeriod = 10
                $0.minPctOverlapDutyCycle = 0.5
            }
            weak.bumps = true
            // Twenty inputs each, and every strengthened column has a permanence for all of them.
            weak.isSmaller = false
            var narrow = Case("128 inputs, all of them potential") {
                $0.potentialPct = 1
                $0.synPermInactiveDec = 0.01
            }
            narrow.inputCount = 128
            var steady = Case("permanences that never fade") { $0.synPermInactiveDec = 0 }
            steady.isSmaller = false
            var slow = Case("permanences that fade too slowly") { $0.synPermInactiveDec = 0.00002 }
            slow.isSmaller = false
            return [
                Case("the anomaly model's constants") { _ in },
                Case("permanences that soon fade away") { $0.synPermInactiveDec = 0.004 },
                Case("permanences that fade at once") { $0.synPermInactiveDec = 1 },
                Case("nothing to gain and nothing trimmed") { $0.synPermActiveInc = 0 },
                Case("a threshold for winners") { $0.stimulusThreshold = 3 },
                weak, narrow, steady, slow,
            ]
        }()
    }

    @Test(arguments: Case.all, KernelLevel.available)
    func permanencesEqualThoseThatEachInputHasOfItsOwn(_ example: Case, level: KernelLevel) throws {
        let fresh = try SpatialPooler(parameters: example.parameters, inputCount: example.inputCount, level: level)
        var pooler = fresh
        var (restored, second, older) = (fresh, fresh, fresh)
        var plain = PlainPooler(fresh, parameters: example.parameters)
        var source = PatternSource(inputCount: example.inputCount)
        for record in 0..<example.recordCount {
            if record == example.recordCount / 2 {
                // What was read back goes on as if nothing had happened, from version 1 whichever inputs it takes for the same.
                restored = try Self.readBack(Self.encoded(pooler), into: fresh)
                second = try Self.readBack(
                    Self.encoded(pooler, asVersion: 2, fresh, example.parameters),
                    into: fresh,
                    version: 2
                )
                older = try Self.readBack(
                    Self.encoded(pooler, asVersion: 1, fresh, example.parameters),
                    into: fresh,
                    version: 1
                )
            }
            let input = source.next(record)
            let winners = pooler.compute(input, learn: true)
            try #require(winners == plain.learn(input), "record \(record)")
            if record >= example.recordCount / 2 {
                try #require(restored.compute(input, learn: true) == winners, "record \(record)")
                try #require(second.compute(input, learn: true) == winners, "record \(record)")
                try #require(older.compute(input, learn: true) == winners, "record \(record)")
            }
        }
        let again = try Self.readBack(Self.encoded(older), into: fresh)
        for pooler in [pooler, restored, second, older, again] {
            Self.compare(pooler, plain)
        }
        // Compared outside the macro, which would print both in full.
        let isSame = Self.encoded(pooler) == Self.encoded(restored) && Self.encoded(pooler) == Self.encoded(second)
        #expect(isSame)
        let isStable = Self.encoded(older) == Self.encoded(again)
        #expect(isStable)
        #expect((plain.bumpCount > 0) == example.bumps)
        let separate = pooler.changedColumnCount * pooler.synapses(of: 0).count * MemoryLayout<Float>.stride
        #expect((pooler.byteCount < separate) == example.isSmaller)
    }

    @Test func aCopyKeepsItsPermanencesWhenTheOtherOneGetsMore() throws {
        let example = Case.all[0]
        let fresh = try SpatialPooler(parameters: example.parameters, inputCount: example.inputCount)
        var pooler = fresh
        var plain = PlainPooler(fresh, parameters: example.parameters)
        var source = PatternSource(inputCount: example.inputCount)
        for record in 0..<300 {
            let input = source.next(record)
            _ = pooler.compute(input, learn: true)
            _ = plain.learn(input)
        }
        var other = pooler
        for record in 300..<400 {
            _ = other.compute(source.next(record), learn: true)
        }
        Self.compare(pooler, plain)
        #expect(other.byteCount > pooler.byteCount)
    }

    @Test func damagedMembersAreRefused() throws {
        let example = Case.all[0]
        let (fresh, pooler) = try Self.beforeAndAfterLearning(example)
        let sound = try Self.parts(Self.encoded(pooler))
        let potential = Set(fresh.synapses(of: Int(sound.columns[0])).map(\.input))
        let outside = try #require((0..<example.inputCount).first { !potential.contains($0) })
        let occupied = try #require(sound.members.firstIndex { $0 != 0 })
        func expectRefusal(_ why: Comment, _ change: (inout Parts) -> Void) {
            var parts = sound
            change(&parts)
            #expect(throws: CheckpointError.self, why) { try Self.readBack(parts.joined(), into: fresh) }
        }
        #expect(Self.encoded(try Self.readBack(sound.joined(), into: fresh)) == Self.encoded(pooler))
        expectRefusal("an input that isn't potential") { $0.members[outside / 8] |= 1 << (outside % 8) }
        expectRefusal("a bit beyond the inputs") { $0.members[31] |= 0x80 }
        expectRefusal("one member less than there are permanences") {
            $0.members[occupied] &= $0.members[occupied] - 1
        }
        expectRefusal("a mask cut short") { $0.members.removeLast() }
        expectRefusal("a mask too many") { $0.members += [UInt8](repeating: 0, count: 32) }
        expectRefusal("a column without decrements") { $0.decrements.removeLast() }
        expectRefusal("decrements of no column") { $0.decrements.append(1) }
        // Two bytes are the first column's count then.
        expectRefusal("more decrements than leave anything") {
            $0.decrements.replaceSubrange(0...0, with: [0xFF, 0x7F])
        }
        expectRefusal("a number without an end") {
            $0.decrements.replaceSubrange(0...0, with: [UInt8](repeating: 0xFF, count: 12))
        }
        expectRefusal("no permanences") { $0.permanences.removeAll() }
        expectRefusal("half a permanence") { $0.permanences.removeLast(2) }
        expectRefusal("a permanence above 1") { $0.permanences.replaceSubrange(0..<4, with: [1, 0, 0x80, 0x3F]) }
        expectRefusal("a permanence below 0") { $0.permanences.replaceSubrange(0..<4, with: [0, 0, 0x80, 0xBF]) }
        expectRefusal("a permanence that isn't a number") {
            $0.permanences.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
        }
        expectRefusal("nothing but columns") { $0 = Parts(head: $0.head, columns: $0.columns) }
    }

    @Test func damagedPermanencesOfVersion2AreRefused() throws {
        let example = Case.all[0]
        let (fresh, pooler) = try Self.beforeAndAfterLearning(example)
        var sound = try Self.parts(Self.encoded(pooler))
        (sound.steps, sound.residues) = Self.stepsAndResidues(pooler, sound, 2, fresh, example.parameters)
        func expectRefusal(_ why: Comment, _ change: (inout Parts) -> Void) {
            var parts = sound
            change(&parts)
            #expect(throws: CheckpointError.self, why) {
                try Self.readBack(parts.joined(version: 2), into: fresh, version: 2)
            }
        }
        #expect(
            Self.encoded(try Self.readBack(sound.joined(version: 2), into: fresh, version: 2)) == Self.encoded(pooler)
        )
        expectRefusal("no permanences") { $0.steps.removeAll() }
        expectRefusal("no remainders") { $0.residues.removeAll() }
        expectRefusal("a permanence above 1") { $0.steps.replaceSubrange(0...0, with: [0xFE, 0xFF, 0x01]) }
        expectRefusal("a number without an end") {
            $0.steps.replaceSubrange(0...0, with: [UInt8](repeating: 0xFF, count: 12))
        }
    }

    /// A pooler that has learned nothing, and the same after 100 records.
    private static func beforeAndAfterLearning(_ example: Case) throws -> (SpatialPooler, SpatialPooler) {
        let fresh = try SpatialPooler(parameters: example.parameters, inputCount: example.inputCount)
        var pooler = fresh
        var source = PatternSource(inputCount: example.inputCount)
        for record in 0..<100 {
            _ = pooler.compute(source.next(record), learn: true)
        }
        return (fresh, pooler)
    }

    private static func encoded(_ pooler: SpatialPooler) -> [UInt8] {
        var encoder = StateEncoder()
        pooler.encode(into: &encoder)
        return encoder.bytes
    }

    private static func readBack(
        _ state: [UInt8],
        into fresh: SpatialPooler,
        version: UInt32 = AnomalyModel.stateVersion
    ) throws -> SpatialPooler {
        var restored = fresh
        var decoder = StateDecoder(state)
        try restored.restore(from: &decoder, version: version)
        try decoder.requireEnd()
        return restored
    }

    /// What a pooler's state consists of.
    private struct Parts {
        /// Up to the changed columns.
        var head: [UInt8] = []
        var columns: [UInt16] = []
        var decrements: [UInt8] = []
        var members: [UInt8] = []
        var permanences: [UInt8] = []
        /// Instead of permanences, before version 3.
        var steps: [UInt8] = []
        var residues: [UInt8] = []

        func joined(version: UInt32 = AnomalyModel.stateVersion) -> [UInt8] {
            var encoder = StateEncoder()
            encoder.append(contentsOf: head)
            encoder.encode(columns)
            for stream in (version == 1 ? [] : [decrements, members])
                + (version < 3 ? [steps, residues] : [permanences])
            {
                encoder.encode(stream)
            }
            return encoder.bytes
        }
    }

    private static func parts(_ state: [UInt8]) throws -> Parts {
        var decoder = StateDecoder(state)
        _ = try (decoder.decodeVarint(), decoder.decodeVarint(), decoder.decodeFloat())
        if try decoder.decodeBool() {
            _ = try decoder.decodeFloats("overlap duty cycles")
        }
        _ = try (decoder.decodeFloats("active duty cycles"), decoder.decodeFloats("boost factors"))
        var parts = Parts(head: Array(state.prefix(decoder.offset)))
        parts.columns = try decoder.decodeArray("columns")
        parts.decrements = try decoder.decodeArray("decrements")
        parts.members = try decoder.decodeArray("members")
        parts.permanences = try decoder.decodeArray("permanences")
        try decoder.requireEnd()
        return parts
    }

    /// The state as an earlier version had it. `fresh` has learned nothing.
    private static func encoded(
        _ pooler: SpatialPooler,
        asVersion version: UInt32,
        _ fresh: SpatialPooler,
        _ parameters: SpatialPoolerParameters
    ) throws -> [UInt8] {
        var parts = try parts(encoded(pooler))
        (parts.steps, parts.residues) = stepsAndResidues(pooler, parts, version, fresh, parameters)
        return parts.joined(version: version)
    }

    /// Learning steps away from the initial permanences, and rounding errors: of members, in version 1 of every potential input.
    private static func stepsAndResidues(
        _ pooler: SpatialPooler,
        _ parts: Parts,
        _ version: UInt32,
        _ fresh: SpatialPooler,
        _ parameters: SpatialPoolerParameters
    ) -> (steps: [UInt8], residues: [UInt8]) {
        let maskBytes = parts.members.count / max(1, parts.columns.count)
        let change = parameters.synPermInactiveDec > 0 ? parameters.synPermInactiveDec : parameters.synPermActiveInc
        let unit = (Double(change) * 1e6).rounded() / 1e6
        var (steps, residues) = (StateEncoder(), StateEncoder())
        for (slot, column) in parts.columns.enumerated() {
            let mask = parts.members[slot * maskBytes..<(slot + 1) * maskBytes].map { $0 }
            let pairs = zip(pooler.synapses(of: Int(column)), fresh.synapses(of: Int(column))).filter { synapse, _ in
                version == 1 || mask[synapse.input / 8] >> UInt8(synapse.input % 8) & 1 == 1
            }
            let coded = pairs.map { synapse, initial -> (permanence: Float, step: Int, residue: Int) in
                let step = ((Double(synapse.permanence) - Double(initial.permanence)) / unit).rounded()
                let expected = Float(Double(initial.permanence) + step * unit)
                let residue =
                    Int(Int32(bitPattern: synapse.permanence.bitPattern))
                    - Int(Int32(bitPattern: expected.bitPattern))
                return (synapse.permanence, Int(step), residue)
            }
            let between = coded.filter { $0.permanence > 0 && $0.permanence < 1 }
            let lowest = between.map(\.step).min() ?? 0
            steps.encodeSignedVarint(lowest)
            for (permanence, step, residue) in coded {
                if permanence == 0 || permanence == 1 {
                    steps.encodeVarint(Int(permanence))
                } else {
                    steps.encodeVarint(2 + step - lowest)
                    residues.encodeSignedVarint(residue)
                }
            }
        }
        return (steps.bytes, residues.bytes)
    }

    private static func compare(_ pooler: SpatialPooler, _ plain: PlainPooler) {
        for (column, expected) in plain.columns.enumerated() {
            let actual = pooler.synapses(of: column)
            #expect(actual.map(\.permanence.bitPattern) == expected.map(\.permanence.bitPattern), "column \(column)")
            #expect(actual.map(\.isConnected) == expected.map(\.isConnected), "column \(column)")
        }
    }
}

/// Patterns of which few come often and most seldom, some of them late for the first time.
private struct PatternSource {
    private let inputCount: Int
    private var random = RandomGenerator(seed: 42)
    private var patterns: [InputBits] = []

    init(inputCount: Int) {
        self.inputCount = inputCount
    }

    mutating func next(_ record: Int) -> InputBits {
        if record % 25 == 0 {
            var pattern = InputBits(count: inputCount)
            for _ in 0..<12 {
                pattern.set(Int(random.uint32(below: UInt32(inputCount))))
            }
            patterns.append(pattern)
        }
        // Every other time the first pattern, so that its columns win more than 1,000 times.
        return random.uint32(below: 2) == 0 ? patterns[0] : patterns[Int(random.uint32(below: UInt32(patterns.count)))]
    }
}

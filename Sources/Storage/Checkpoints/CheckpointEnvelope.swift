// SPDX-License-Identifier: Apache-2.0

internal import CDeflate
internal import CZstd
import EngineCore

/// The bytes of one checkpoint as they lie on disk, in the database or in an exported file.
///
/// A header that names the model, the model's state as it is or compressed with zstd, and a checksum over all of it:
/// `docs/formats/checkpoint-file.md` draws every byte.
package enum CheckpointEnvelope {
    /// `HTMCKPT` and a line feed: text tools show what it is, and a transfer that mangles line ends is noticed.
    static let magic: [UInt8] = Array("HTMCKPT\n".utf8)
    package static let version: UInt32 = 1
    /// How the state is stored.
    package enum Compression: UInt32, Sendable {
        /// As it is: for files that are read and written all the time. Compressing takes longer than a disk needs for what it saves.
        case none = 0
        /// A frame of zstd, a fifth to a third shorter: for what goes over a network.
        case zstandard = 1
    }
    /// Magic, version, compression, generation, rowid, lengths of state, payload and uid.
    static let fixedHeaderBytes = 8 + 4 + 4 + 8 + 8 + 8 + 8 + 4
    static let payloadLengthOffset = 40
    static let checksumBytes = 4
    /// No model comes near it; a damaged length must not make us allocate the machine's memory.
    static let largestState = 4 << 30
    static let longestUID = 255

    /// - Returns: The envelope's bytes.
    package static func encode(_ checkpoint: Checkpoint, _ compression: Compression) -> [UInt8] {
        let uid = Array(checkpoint.uid.utf8)
        precondition(uid.count <= longestUID, "a uid of \(uid.count) bytes can't name a checkpoint")
        precondition(checkpoint.model.count <= largestState, "a model state of \(checkpoint.model.count) bytes")
        var header: [UInt8] = []
        header.reserveCapacity(fixedHeaderBytes + uid.count)
        header.append(contentsOf: magic)
        append(version, to: &header)
        append(compression.rawValue, to: &header)
        append(UInt64(bitPattern: checkpoint.generation), to: &header)
        append(UInt64(bitPattern: checkpoint.rowid), to: &header)
        append(UInt64(checkpoint.model.count), to: &header)
        // The payload's length, known once it is compressed.
        append(UInt64(0), to: &header)
        append(UInt32(uid.count), to: &header)
        header.append(contentsOf: uid)
        let bound = compression == .none ? checkpoint.model.count : ZSTD_compressBound(checkpoint.model.count)
        return [UInt8](unsafeUninitializedCapacity: header.count + bound + checksumBytes) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            bytes.copyBytes(from: header)
            let payload = store(
                checkpoint.model,
                compression,
                into: UnsafeMutableRawBufferPointer(rebasing: bytes[header.count..<header.count + bound])
            )
            bytes.storeBytes(of: UInt64(payload).littleEndian, toByteOffset: payloadLengthOffset, as: UInt64.self)
            let end = header.count + payload
            let sum = checksum(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            bytes.storeBytes(of: sum.littleEndian, toByteOffset: end, as: UInt32.self)
            count = end + checksumBytes
        }
    }

    /// - Throws: `EngineError` with code `checkpointDamaged` saying which part failed its check.
    package static func decode(_ bytes: [UInt8]) throws(EngineError) -> Checkpoint {
        guard bytes.count >= fixedHeaderBytes + checksumBytes else {
            throw damaged("\(bytes.count) bytes are too few for a header of \(fixedHeaderBytes)")
        }
        guard bytes.starts(with: magic) else { throw damaged("it doesn't begin with the bytes of a checkpoint") }
        let found = readUInt32(bytes, at: 8)
        guard found == version else { throw damaged("its format is version \(found), this program reads \(version)") }
        let stored = readUInt32(bytes, at: bytes.count - checksumBytes)
        let computed = bytes.withUnsafeBytes {
            checksum(UnsafeRawBufferPointer(rebasing: $0[..<(bytes.count - checksumBytes)]))
        }
        guard stored == computed else {
            throw damaged("its checksum is \(hexadecimal(stored)), its bytes give \(hexadecimal(computed))")
        }
        let number = readUInt32(bytes, at: 12)
        guard let compression = Compression(rawValue: number) else {
            throw damaged("its compression is number \(number), expected 0 (none) or 1 (zstd)")
        }
        let stateBytes = readUInt64(bytes, at: 32)
        let payloadBytes = readUInt64(bytes, at: payloadLengthOffset)
        let uidBytes = UInt64(readUInt32(bytes, at: 48))
        guard uidBytes <= longestUID, payloadBytes <= UInt64(bytes.count),
            UInt64(fixedHeaderBytes) + uidBytes + payloadBytes + UInt64(checksumBytes) == UInt64(bytes.count)
        else {
            throw damaged("its lengths (uid \(uidBytes), payload \(payloadBytes)) don't add up to \(bytes.count) bytes")
        }
        guard stateBytes <= largestState else { throw damaged("a model state of \(stateBytes) bytes is announced") }
        let uidEnd = fixedHeaderBytes + Int(uidBytes)
        guard let uid = String(validating: bytes[fixedHeaderBytes..<uidEnd], as: UTF8.self) else {
            throw damaged("its uid is not UTF-8")
        }
        let payload = bytes[uidEnd..<(uidEnd + Int(payloadBytes))]
        guard compression == .zstandard || payloadBytes == stateBytes else {
            throw damaged("its payload has \(payloadBytes) bytes, its state \(stateBytes), without compression")
        }
        let model = compression == .none ? Array(payload) : try decompress(payload, count: Int(stateBytes))
        return Checkpoint(
            uid: uid,
            generation: Int64(bitPattern: readUInt64(bytes, at: 16)),
            rowid: Int64(bitPattern: readUInt64(bytes, at: 24)),
            model: model
        )
    }

    /// - Returns: The payload's length.
    private static func store(
        _ state: [UInt8],
        _ compression: Compression,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard compression == .zstandard else {
            buffer.copyBytes(from: state)
            return state.count
        }
        let written = state.withUnsafeBytes {
            czstd_compress_state(buffer.baseAddress, buffer.count, $0.baseAddress, state.count)
        }
        precondition(ZSTD_isError(written) == 0, "zstd refused to compress \(state.count) bytes")
        return written
    }

    private static func decompress(_ payload: ArraySlice<UInt8>, count: Int) throws(EngineError) -> [UInt8] {
        // The frame's own size is asked first, so that a damaged header can't make us allocate what was never compressed.
        let announced = payload.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        guard announced == UInt64(count) else {
            throw damaged("its payload unpacks to \(announced) bytes, the header says \(count)")
        }
        var written = 0
        let state = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            written = payload.withUnsafeBytes { ZSTD_decompress(buffer.baseAddress, count, $0.baseAddress, $0.count) }
            initialized = ZSTD_isError(written) == 0 ? written : 0
        }
        guard ZSTD_isError(written) == 0, written == count else { throw damaged("its payload can't be decompressed") }
        return state
    }

    /// CRC-32 as zlib computes it.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        libdeflate_crc32(0, bytes.baseAddress, bytes.count)
    }

    private static func damaged(_ what: String) -> EngineError {
        EngineError(.checkpointDamaged, "the checkpoint is damaged: \(what)")
    }

    private static func hexadecimal(_ number: UInt32) -> String { String(number, radix: 16) }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func readUInt32(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        bytes.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    }

    private static func readUInt64(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }
}

// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A file that one holder at a time has locked; the system frees it when the process dies.
package struct FileLock: Sendable {
    private let descriptor: Int32

    /// - Returns: nil when somebody else has it.
    /// - Throws: `EngineError` with code `storageUnavailable` when the file can't be made.
    package init?(path: String) throws(EngineError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EngineError(.storageUnavailable, "can't open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    /// Lets the next one have it. To be called once.
    package func release() { close(descriptor) }
}

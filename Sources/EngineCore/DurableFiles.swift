// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The system calls a store of files needs, each with an error that names the path and the system's reason.
package struct DurableFiles: Sendable {
    /// What the files are, for messages.
    private let subject: String

    package init(_ subject: String) { self.subject = subject }

    /// Writes a new file and waits until the disk has it.
    package func write(_ bytes: [UInt8], to path: String) throws(EngineError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("can't create", path) }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + offset, bytes.count - offset)
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure("can't write", path) }
            offset += written
        }
        guard fsync(descriptor) == 0 else { throw failure("can't sync", path) }
    }

    /// The bytes of a file; nil when there is none.
    package func read(_ path: String) throws(EngineError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("can't open", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("can't read", path) }
        var failed = false
        let size = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0 && errno == EINTR { continue }
                if got <= 0 {
                    failed = got < 0
                    break
                }
                count += got
            }
        }
        guard !failed else { throw failure("can't read", path) }
        return bytes
    }

    package func rename(_ old: String, to new: String) throws(EngineError) {
        guard Glibc.rename(old, new) == 0 else { throw failure("can't rename to", new) }
    }

    /// A file that is gone already is fine.
    package func removeFile(_ path: String) throws(EngineError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("can't remove", path) }
    }

    /// Waits until the disk has the names in a directory.
    package func syncDirectory(_ path: String) throws(EngineError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("can't open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("can't sync", path) }
    }

    /// Makes a directory and those above it, durably; what exists already costs one system call.
    package func makeDirectories(_ path: String) throws(EngineError) {
        if mkdir(path, 0o700) == 0 {
            try syncDirectory(parent(of: path))
            return
        }
        if errno == EEXIST { return }
        guard errno == ENOENT, path != "/" else { throw failure("can't make the directory", path) }
        try makeDirectories(parent(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("can't make the directory", path) }
        try syncDirectory(parent(of: path))
    }

    /// The names in a directory, without `.` and `..`; none when there is no such directory.
    package func names(in path: String) throws(EngineError) -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw failure("can't list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// In bytes; nil when there is no such file.
    package func size(of path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    private func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private func failure(_ what: String, _ path: String) -> EngineError {
        let reason = String(cString: strerror(errno))
        return EngineError(.storageUnavailable, "\(subject): \(what) \(path): \(reason)")
    }
}

// SPDX-License-Identifier: Apache-2.0

import EngineCore
import HTTPAPI
import Security

extension Configuration {
    /// Who may use HTTP, as `[security]` says.
    /// - Throws: ``ConfigurationError``.
    package func accessControl() throws -> AccessControl.Configuration {
        var access = AccessControl.Configuration()
        do {
            access.keys = try settings.list(.apiKeys).map { try APIKey(entry: $0) }
            _ = try Authenticator(keys: access.keys)
        } catch let error as EngineError {
            throw settings.wrong(.apiKeys, expected: "NAME:ROLE:HASH, one or more (\(error.message))")
        }
        access.allowsUnauthenticated = settings.flag(.allowUnauthenticated)
        access.allowedHosts = settings.list(.allowedHosts)
        return access
    }

    /// Whether HTTP is answered over TLS.
    package var servesTLS: Bool { !settings.text(.tlsCertificate).isEmpty }

    /// Certificate and key come together.
    /// - Throws: ``ConfigurationError``.
    func checkTLS() throws {
        let (certificate, key) = (settings.text(.tlsCertificate), settings.text(.tlsKey))
        if certificate.isEmpty, !key.isEmpty {
            throw settings.wrong(.tlsCertificate, expected: "a file, because tls_key is given")
        }
        if key.isEmpty, !certificate.isEmpty {
            throw settings.wrong(.tlsKey, expected: "a file, because tls_certificate is given")
        }
    }

    /// Certificate and key for HTTPS, read and checked; nil for plain HTTP.
    /// - Throws: `EngineError` with code `configuration` for files that can't be used.
    package func tlsFiles(now: Int64) throws -> TLSFiles? {
        let (certificate, key) = (settings.text(.tlsCertificate), settings.text(.tlsKey))
        // They come together: see checkTLS().
        if certificate.isEmpty { return nil }
        return try TLSFiles(certificateFile: certificate, keyFile: key, now: now)
    }
}

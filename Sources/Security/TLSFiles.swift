// SPDX-License-Identifier: Apache-2.0

import CGnuTLS
import EngineCore
import Foundation

/// A server's certificate chain and private key, read and checked before anything listens.
package struct TLSFiles: Sendable {
    /// PEM texts.
    package let certificate: String
    package let key: String
    /// What is worth a warning, e.g. a certificate that has run out.
    package let warnings: [String]

    /// Reads both files and checks that they are PEM and belong together.
    /// - Throws: `EngineError` with code `configuration` naming the file and the reason.
    package init(certificateFile: String, keyFile: String, now: Int64) throws {
        let certificateText = try Self.read(certificateFile, "certificate")
        let keyText = try Self.read(keyFile, "key")
        var credentials: gnutls_certificate_credentials_t?
        guard gnutls_certificate_allocate_credentials(&credentials) == 0, let credentials else {
            throw EngineError(.configuration, "GnuTLS gives no credentials")
        }
        defer { gnutls_certificate_free_credentials(credentials) }
        let code = Self.withDatum(certificateText) { certificate in
            Self.withDatum(keyText) { key in
                gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM)
            }
        }
        guard code == 0 else {
            throw EngineError(
                .configuration,
                "the certificate \(certificateFile) and the key \(keyFile) can't be used: "
                    + String(cString: gnutls_strerror(code))
            )
        }
        certificate = certificateText
        key = keyText
        warnings = Self.warnings(certificateText, file: certificateFile, now: now)
    }

    private static func read(_ path: String, _ what: String) throws -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            let reason = access(path, R_OK) == 0 ? "it is not a text" : String(cString: strerror(errno))
            throw EngineError(.configuration, "the TLS \(what) \(path) can't be read: \(reason)")
        }
        guard text.contains("-----BEGIN ") else {
            throw EngineError(
                .configuration,
                "the TLS \(what) \(path) can't be used: expected PEM (a line -----BEGIN …)"
            )
        }
        return text
    }

    private static func warnings(_ text: String, file: String, now: Int64) -> [String] {
        var parsed: gnutls_x509_crt_t?
        guard gnutls_x509_crt_init(&parsed) == 0, let parsed else { return [] }
        defer { gnutls_x509_crt_deinit(parsed) }
        guard withDatum(text, { gnutls_x509_crt_import(parsed, &$0, GNUTLS_X509_FMT_PEM) }) == 0 else { return [] }
        let end = Int64(gnutls_x509_crt_get_expiration_time(parsed))
        let start = Int64(gnutls_x509_crt_get_activation_time(parsed))
        if end < now { return ["the certificate \(file) ran out on \(Timestamps.sqlText(end)) UTC"] }
        if start > now { return ["the certificate \(file) is valid only from \(Timestamps.sqlText(start)) UTC"] }
        if end < now + 14 * 86_400 { return ["the certificate \(file) runs out on \(Timestamps.sqlText(end)) UTC"] }
        return []
    }

    private static func withDatum<Result>(_ text: String, _ body: (inout gnutls_datum_t) -> Result) -> Result {
        var bytes = Array(text.utf8)
        return bytes.withUnsafeMutableBufferPointer { buffer in
            var datum = gnutls_datum_t(data: buffer.baseAddress, size: UInt32(buffer.count))
            return body(&datum)
        }
    }
}

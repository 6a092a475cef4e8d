// SPDX-License-Identifier: Apache-2.0

import EngineCore
import Foundation
import Security
import TestSupport
import Testing

@Suite struct TLSFilesTests {
    private func makeCertificate(_ directory: TemporaryDirectory, _ name: String) throws -> (String, String) {
        let (certificate, key) = (directory.path("\(name).crt"), directory.path("\(name).key"))
        let finished = try run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "30",
            "-subj", "/CN=localhost", "-keyout", key, "-out", certificate,
        ])
        try #require(finished.status == 0, "\(finished.errorOutput)")
        return (certificate, key)
    }

    @Test func filesThatBelongTogetherAreTaken() throws {
        let directory = try TemporaryDirectory()
        let (certificate, key) = try makeCertificate(directory, "a")
        let now = Int64(Date().timeIntervalSince1970)
        let files = try TLSFiles(certificateFile: certificate, keyFile: key, now: now)
        #expect(files.certificate.contains("BEGIN CERTIFICATE") && files.warnings.isEmpty)
        let later = try TLSFiles(certificateFile: certificate, keyFile: key, now: now + 40 * 86_400)
        #expect(later.warnings.count == 1 && later.warnings[0].contains("ran out"))
    }

    @Test func everythingElseIsRefusedWithTheReason() throws {
        let directory = try TemporaryDirectory()
        let (certificate, key) = try makeCertificate(directory, "a")
        let (_, otherKey) = try makeCertificate(directory, "b")
        let garbage = try directory.write("not PEM", to: "garbage")
        let missing = directory.path("missing")
        for (certificateFile, keyFile, named) in [
            (missing, key, "\(missing) can't be read: No such file"), (certificate, missing, "missing can't be read"),
            (certificate, directory.path("."), "can't be read: it is not a text"),
            (garbage, key, "\(garbage) can't be used: expected PEM"), (certificate, garbage, "expected PEM"),
            (certificate, otherKey, "b.key"),
        ] {
            do {
                _ = try TLSFiles(certificateFile: certificateFile, keyFile: keyFile, now: 0)
                Issue.record("\(certificateFile) with \(keyFile) was taken")
            } catch let error as EngineError {
                #expect(error.code == .configuration && error.message.contains(named), "\(error.message)")
            }
        }
    }
}

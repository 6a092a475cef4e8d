// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import HTTPAPI
import Security
import TestSupport
import Testing

@Suite struct TLSTests {
    @Test func onlyNewProtocolsAreSpoken() throws {
        let directory = try TemporaryDirectory()
        let (certificate, key) = (directory.path("tls.crt"), directory.path("tls.key"))
        let made = try run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
            certificate,
        ])
        try #require(made.status == 0, "\(made.errorOutput)")
        let files = try TLSFiles(certificateFile: certificate, keyFile: key, now: SystemClock().wallSeconds())
        var configuration = HTTPServer.Configuration()
        configuration.tls = (files.certificate, files.key)
        let server = HTTPServer(configuration: configuration, logger: SilentLogger()) { _ in .text("ok\n") }
        let socket = try #require(try ListeningSocket.bind(ListenAddress(host: "127.0.0.1", port: 0)).first)
        try server.serve(socket)
        defer { server.stop() }

        for version in ["1.2", "1.3"] {
            let reply = try run([
                "curl", "-s", "--tlsv\(version)", "--tls-max", version, "--cacert", certificate, "--resolve",
                "localhost:\(socket.port):127.0.0.1", "https://localhost:\(socket.port)/",
            ])
            #expect(reply.output == "ok\n", "TLS \(version): \(reply.status)")
        }
        for version in ["-tls1", "-tls1_1"] {
            let reply = try run([
                "openssl", "s_client", "-connect", "127.0.0.1:\(socket.port)", version, "-cipher", "ALL:@SECLEVEL=0",
            ])
            #expect(reply.status != 0 && reply.output.contains("Cipher is (NONE)"), "\(version)")
        }
        #expect(try run(["curl", "-s", "http://127.0.0.1:\(socket.port)/"]).status != 0)
    }
}

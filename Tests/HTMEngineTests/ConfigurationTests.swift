// SPDX-License-Identifier: Apache-2.0

import Engine
import Foundation
import HTMEngine
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    private func read(
        _ files: [String: String],
        environment: [String: String] = [:],
        overrides: [Configuration.Override] = []
    ) throws -> Configuration {
        let directory = try TemporaryDirectory()
        for (name, text) in files { try directory.write(text, to: name) }
        return try Configuration(
            configurationDirectory: directory.path,
            dataDirectory: "/data",
            environment: environment,
            overrides: overrides
        )
    }

    private func message(_ files: [String: String], environment: [String: String] = [:]) throws -> String {
        try #require(throws: ConfigurationError.self) { try read(files, environment: environment) }.message
    }

    private func text(_ configuration: Configuration, _ section: String, _ name: String) throws -> String {
        try #require(configuration.settings.values.first { $0.key.section == section && $0.key.name == name }).text
    }

    @Test func withoutFilesTheEngineIsEmbedded() throws {
        let configuration = try Configuration(dataDirectory: "/data", environment: [:])
        #expect(configuration.repository == .sqlite)
        #expect(configuration.bus == .memory)
        #expect(configuration.checkpointRoot == "/data/checkpoints")
        #expect(configuration.httpAddress.description == "localhost:8080")
        #expect(configuration.warnings.isEmpty)
    }

    @Test func anOriginalsFileMeansServers() throws {
        let configuration = try read([
            "application.conf": """
            [repository]
            db = skeleton
            HOST: 127.0.0.1
            user = root
            passwd =
            port = 3306
            [metric_listener]
            queue_name = skeleton.metric.custom.data
            """
        ])
        #expect(configuration.repository == .mysql)
        #expect(configuration.bus == .rabbitmq)
        #expect(configuration.reason.contains("db or host"))
        #expect(try text(configuration, "metric_listener", "queue_name") == "skeleton.metric.custom.data")
    }

    @Test func theEngineKeyDecides() throws {
        let configuration = try read(["application.conf": "[repository]\nengine = sqlite\ndb = x\n"])
        #expect(configuration.repository == .sqlite)
        #expect(configuration.bus == .memory)
    }

    @Test func overridesBeatFilesAndVariablesBeatOverridesAndOptionsBeatAll() throws {
        let files = [
            "application.conf": "[http]\nport = 1\n[metric_streamer]\nchunk_size = 1\n[retention]\ndays = 1\n",
            "overrides/application.conf": "[metric_streamer]\nchunk_size = 2\n[retention]\ndays = 2\n",
        ]
        let environment = [
            "_NTA_UTILS_CONFIG__APPLICATION__RETENTION__DAYS": "3",
            "_NTA_UTILS_CONFIG__MODEL_SWAPPER__INTERFACE_BUS__RESULTS_QUEUE": "q",
        ]
        let first = try read(files, environment: environment)
        #expect(try text(first, "http", "port") == "1")
        #expect(try text(first, "metric_streamer", "chunk_size") == "2")
        #expect(try text(first, "retention", "days") == "3")
        #expect(try text(first, "interface_bus", "results_queue") == "q")
        let key = try #require(ConfigurationKey.all.first { $0.section == "retention" })
        let second = try read(files, environment: environment, overrides: [.init(key, "4", option: "--days")])
        #expect(try text(second, "retention", "days") == "4")
    }

    @Test func percentSignsInterpolate() throws {
        let configuration = try read([
            "application.conf": """
            [DEFAULT]
            app = demo
            [repository]
            db = %(app)s
            passwd = 100%% a%b
            [metric_streamer]
            results_exchange_name = %(app)s.model.results
            """
        ])
        #expect(try text(configuration, "repository", "db") == "demo")
        #expect(try text(configuration, "repository", "passwd") == "100% a%b")
        #expect(try text(configuration, "metric_streamer", "results_exchange_name") == "demo.model.results")
    }

    @Test func longValuesContinueOnIndentedLines() throws {
        let configuration = try read([
            "application.conf":
                "[metric_listener]\nallow = 10.0.0.0/8\n    192.168.0.1\n    fd00::/8\n# comment\n"
        ])
        #expect(try text(configuration, "metric_listener", "allow") == "10.0.0.0/8\n192.168.0.1\nfd00::/8")
    }

    @Test func anUnknownKeyIsAWarning() throws {
        let configuration = try read([
            "application.conf": "[metric_listener]\nplaintext_prot = 1\n[Repository]\ndb = x\n",
            "rabbitmq.conf": "[management]\nport = 15672\n",
        ])
        #expect(configuration.warnings.count == 2)
        #expect(
            configuration.warnings[0].hasSuffix(
                "application.conf, [metric_listener] plaintext_prot: no such key, it has no effect"
            )
        )
        #expect(configuration.repository == .sqlite, "section names are case-sensitive")
    }

    @Test(arguments: [
        (
            "[metric_listener]\nplaintext_port = 65536\n",
            "[metric_listener] plaintext_port: '65536', expected a whole number from 0 to 65535"
        ),
        ("[debugging]\nprofiling = maybe\n", "[debugging] profiling: 'maybe', expected true or false"),
        ("[repository]\nengine = oracle\n", "[repository] engine: 'oracle', expected one of sqlite, mysql"),
        ("[metric_listener]\nallow = 10.0.0.0/33\n", "[metric_listener] allow: '10.0.0.0/33', expected addresses"),
        ("[bus]\nengine = rabbitmq\n", "[bus] engine: 'rabbitmq', expected memory, because"),
        ("[http\n", "application.conf, line 1 "),
        ("[a]\nx = %(y)s\n", "[a] x refers to %(y)s"),
        ("[a]\nx = %(x)s\n", "[a] x refers to itself"),
    ])
    func aWrongValueNamesFileSectionKeyValueAndWhatIsExpected(_ file: String, _ expected: String) throws {
        let message = try message(["application.conf": file])
        #expect(message.contains(expected), "\(message)")
        #expect(message.contains("application.conf"))
    }

    @Test func aWrongVariableIsNamedAndASecretIsNot() throws {
        let message = try message(
            [:],
            environment: ["_NTA_UTILS_CONFIG__RABBITMQ__CONNECTION__PORT": "x"]
        )
        #expect(message.contains("_NTA_UTILS_CONFIG__RABBITMQ__CONNECTION__PORT"))
        let configuration = try read(["application.conf": "[repository]\npasswd = hunter2\n"])
        #expect(!configuration.settings.rendered().contains("hunter2"))
        #expect(configuration.settings.rendered().contains("; passwd is set and not shown"))
    }

    @Test func theCheckpointRootMustBeAbsolute() throws {
        let configuration = try read(
            ["model-checkpoint.conf": "[storage]\nroot = $BASE/${NAME}/models\n"],
            environment: ["BASE": "/srv", "NAME": "demo"]
        )
        #expect(configuration.checkpointRoot == "/srv/demo/models")
        let home = try read(["model-checkpoint.conf": "[storage]\nroot = ~/models\n"], environment: ["HOME": "/home/u"])
        #expect(home.checkpointRoot == "/home/u/models")
        let message = try message(["model-checkpoint.conf": "[storage]\nroot = models\n"])
        #expect(message.contains("model-checkpoint.conf, [storage] root: 'models', expected an absolute path"))
    }

    @Test func everythingThatIsWrongIsNamedAtOnce() throws {
        let files = [
            "application.conf":
                "[metric_listener]\nplaintext_port = many\nallow = 10.0.0.0/8 nowhere\n[http]\nport = 99999999\n",
            "model-checkpoint.conf": "[storage]\nroot = models\n",
            "model-swapper.conf": "[model_runner]\nmemory_budget = %(missing)s\n",
        ]
        let error = try #require(throws: ConfigurationError.self) { try read(files) }
        let expected = [
            "[metric_listener] plaintext_port: 'many'", "[metric_listener] allow: '10.0.0.0/8 nowhere'",
            "[http] port: '99999999'", "[storage] root: 'models'", "[model_runner] memory_budget refers to %(missing)s",
        ]
        #expect(error.problems.count == expected.count)
        for part in expected { #expect(error.problems.contains { $0.contains(part) }, "\(part) in \(error)") }
    }

    @Test func whatDoesNotGoTogetherIsNamedAtOnce() throws {
        func problems(_ application: String) throws -> [String] {
            let files = [
                "application.conf": application + "[security]\ntls_key = /etc/key.pem\n",
                "model-checkpoint.conf": "[storage]\nroot = sql:\n",
            ]
            return try #require(throws: ConfigurationError.self) { try read(files) }.problems
        }
        let embedded = try problems("")
        #expect(embedded.count == 2)
        #expect(embedded[0].contains("[storage] root: 'sql:', expected a directory, because the repository is sqlite"))
        #expect(embedded[1].contains("[security] tls_certificate: '', expected a file, because tls_key is given"))
        #expect(try problems("[repository]\ndb = shop\n").count == 1)
    }

    @Test func whatIsPrintedIsAConfigurationThatReadsTheSame() throws {
        let files = [
            "application.conf": """
            [repository]
            db = shop
            passwd = 100%%hush
            [metric_listener]
            queue_name = 50%%.data
            [prometheus]
            url = http://127.0.0.1:9090
            queries = cpu = rate(x[5m])
                load = node_load1
            """
        ]
        let configuration = try read(files)
        let printed = configuration.settings.rendered()
        #expect(!printed.contains("hush"))
        #expect(printed.contains("; passwd is set and not shown"))
        var again: [String: String] = [:]
        for part in printed.split(separator: "# ---- ").dropFirst(0) {
            let name = String(part.prefix { $0 != " " })
            again[name] = part.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().joined(
                separator: "\n"
            )
        }
        let reread = try read(again)
        for (before, after) in zip(configuration.settings.values, reread.settings.values) where !before.key.isSecret {
            #expect(before.text == after.text, "\(before.key.section) \(before.key.name)")
        }
    }

    @Test func aMissingDirectoryIsAnError() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try Configuration(configurationDirectory: "/nowhere/at/all", environment: [:])
        }
        #expect(error.message.contains("/nowhere/at/all doesn't exist"))
    }

    @Test func aLineThatIsTooLongIsNamedInsteadOfCut() throws {
        let message = try message(["application.conf": "[a]\nx = \(String(repeating: "y", count: 300))\n"])
        #expect(message.contains("line 2 is longer than"))
    }

    @Test func everyDefaultIsAValueOfItsKey() throws {
        // Settings checks every key, the defaults included.
        _ = try Settings(directory: nil, environment: [:])
        for key in ConfigurationKey.all {
            #expect(!key.summary.isEmpty)
            #expect(key.name == key.name.lowercased())
        }
    }
}

@Suite struct ConfigurationReferenceTests {
    @Test func thePageInDocsIsWhatTheCodeSays() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        #expect(page == Settings.reference(), "write it again with: htmengine config reference > docs/configuration.md")
    }
}

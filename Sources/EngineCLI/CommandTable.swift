// SPDX-License-Identifier: Apache-2.0

/// Every subcommand of `htmengine`, in the order of its help.
package enum CommandTable {
    package static let root = Command(
        "htmengine",
        summary: "Says how anomalous each new value of a metric is.",
        subcommands: [
            ServeCommand.command,
            MonitorCommand.command,
            UnmonitorCommand.command,
            MetricsCommand.command,
            ResultsCommand.command,
            AnomaliesCommand.command,
            SendCommand.command,
            ExportCommand.command,
            ImportCommand.command,
            StatusCommand.command,
            CheckpointCommand.command,
            MigrateCommand.command,
            VerifyCommand.command,
            GCCommand.command,
            BackupCommand.command,
            KeyCommand.command,
            DetectCommand.command,
            SampleCommand.command,
            ConfigCommand.command,
            EvaluateCommand.command,
            VersionCommand.command,
        ]
    )
}

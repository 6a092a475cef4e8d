// SPDX-License-Identifier: Apache-2.0

import Engine
import EngineCore
import Foundation
import HTM
import HTTPAPI
import Security

// From the keys of the configuration to what each service takes.
extension Engine {
    func storerConfiguration(_ settings: Settings) -> Storer.Configuration {
        var result = Storer.Configuration()
        result.longestLead = Int64(settings.integer(.futureLimit))
        result.maximumMetrics = settings.integer(.maximumMetrics)
        result.autoMonitor = settings.list(.autoMonitor)
        result.logsTimings = settings.flag(.profiling)
        let promoteAfter = settings.integer(.promoteAfter)
        result.promoteAfter = promoteAfter > 0 ? Int64(promoteAfter) : nil
        result.firstRows = Int64(settings.integer(.firstRows))
        result.defaultMode = settings.defaultMode
        return result
    }

    func runnerConfiguration(_ settings: Settings) -> ModelRunner.Configuration {
        var result = ModelRunner.Configuration()
        let threads = settings.integer(.runnerThreads)
        result.workers = threads > 0 ? threads : max(1, ProcessInfo.processInfo.activeProcessorCount)
        result.memoryBudget = settings.bytes(.memoryBudget)
        result.processMemory = .system
        ProcessMemory.limitHeaps(threads: result.workers)
        result.rowsPerCheckpoint = settings.integer(.requestsPerCheckpoint)
        result.chunkSize = settings.integer(.chunkSize)
        result.logsTimings = settings.flag(.swapperProfiling)
        result.firstRows = Int64(settings.integer(.firstRows))
        // On servers other programs may set a status in SQL, which counts within 5 s.
        if configuration.repository == .mysql { result.repairInterval = 3 }
        return result
    }

    func maintenanceConfiguration(_ settings: Settings) -> Maintenance.Configuration {
        var result = Maintenance.Configuration()
        let days = settings.integer(.retentionDays)
        result.retentionDays = days > 0 ? days : nil
        result.firstRows = Int64(settings.integer(.firstRows))
        return result
    }

    func listenerConfiguration(_ settings: Settings) -> GraphiteListener.Configuration {
        var result = GraphiteListener.Configuration(addresses: [configuration.graphiteAddress])
        result.udp = settings.flag(.plaintextUDP)
        result.allow = settings.list(.allowedSenders).compactMap(AddressRange.init(parsing:))
        let idle = settings.integer(.listenerIdle)
        result.idleSeconds = idle > 0 ? idle : nil
        result.connectionLimit = settings.integer(.listenerConnections)
        return result
    }

    func httpConfiguration(_ settings: Settings) throws -> HTTPServer.Configuration {
        var result = HTTPServer.Configuration()
        result.connectionLimit = settings.integer(.httpConnections)
        result.idleSeconds = settings.integer(.httpIdle)
        result.maximumBodyBytes = settings.bytes(.httpBody)
        if let files = try configuration.tlsFiles(now: SystemClock().wallSeconds()) {
            result.tls = (files.certificate, files.key)
        }
        return result
    }
}

extension Settings {
    /// Makes the models of this installation.
    var modelFactory: HTMScoringModelFactory { HTMScoringModelFactory(likelihood: likelihoodParameters) }

    /// How models detect whose spec doesn't say.
    var defaultMode: DetectionMode { DetectionMode(rawValue: text(.detectionMode)) ?? .parity }

    /// How raw scores become anomaly scores here.
    var likelihoodParameters: LikelihoodParameters {
        let schedule = AnomalyLikelihood.Schedule.engine(
            minimumSamples: integer(.statisticsMinimum),
            refreshRate: integer(.statisticsRefresh),
            historySize: integer(.statisticsSample)
        )
        let tail: LikelihoodTail = text(.likelihoodTail) == "table" ? .table : .erfc
        return LikelihoodParameters(schedule: schedule, tail: tail)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import CMariaDB

/// What the numbers of server and client library mean to us.
enum MySQLError {
    /// Connection gone or not to be had (spec engine.md 4.5, and what newer servers add: 1040 too many connections, 1053
    /// shutdown, 1152 aborted, 1159/1161 time-outs, 1927 killed, 2026 TLS, 4031 idle too long).
    private static let connection: Set<UInt32> = [
        1040, 1053, 1152, 1153, 1158, 1159, 1160, 1161, 1203, 1226, 1927, 2002, 2003, 2005, 2006, 2011, 2012, 2013,
        2026, 2055, 4031,
    ]

    static func kind(_ code: UInt32) -> SQLError.Kind {
        switch code {
        case 1205, 1213, 1412: .retry
        case 1020: .retry  // row changed since last read: MariaDB's word for a conflict of snapshots
        case 1021, 1114: .full
        case 1290, 1792, 1836: .readOnly
        case 1022, 1048, 1062, 1216, 1217, 1451, 1452, 1557, 1586: .constraint
        case 1034, 1035, 1194, 1195, 1877: .corrupt
        case 1044, 1045, 1049, 1142, 1143, 1251, 1698, 2059: .refused
        case let code where connection.contains(code): .connection
        default: .other
        }
    }

    /// The connection's last error.
    static func last(_ connection: UnsafeMutablePointer<MYSQL>, _ sql: String? = nil) -> SQLError {
        make(mysql_errno(connection), String(cString: mysql_error(connection)), sql)
    }

    /// The statement's last error.
    static func last(_ statement: UnsafeMutablePointer<MYSQL_STMT>, _ sql: String? = nil) -> SQLError {
        make(mysql_stmt_errno(statement), String(cString: mysql_stmt_error(statement)), sql)
    }

    private static func make(_ code: UInt32, _ message: String, _ sql: String?) -> SQLError {
        SQLError(kind: kind(code), code: Int32(bitPattern: code), message: message, sql: sql)
    }
}

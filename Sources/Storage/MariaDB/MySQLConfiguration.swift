// SPDX-License-Identifier: Apache-2.0

/// Where a MySQL or MariaDB database is and how to get in.
package struct MySQLConfiguration: Sendable {
    /// Transport encryption: asked for when present, and then never silently left out.
    package struct TLS: Sendable {
        /// Certificates of the authorities to trust; nil for the system's own.
        package var authorityFile: String?
        package var certificateFile: String?
        package var keyFile: String?
        /// Whether the server's certificate must name the host we asked for.
        package var verifiesServer = true

        package init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package var host = "127.0.0.1"
    package var port: UInt16 = 3306
    /// Path of the server's socket, used instead of host and port.
    package var unixSocket: String?
    package var user = "root"
    package var password = ""
    package var database: String
    package var tls: TLS?
    /// Most connections open at once; further callers wait.
    ///
    /// 1…1000.
    package var largestPool = 16
    /// Unit: seconds.
    package var connectTimeout: UInt32 = 5
    /// Longest wait for an answer.
    ///
    /// Unit: seconds.
    package var answerTimeout: UInt32 = 120
    /// How long a transaction is tried again after a deadlock, a lock time-out or a lost connection.
    ///
    /// Unit: seconds (spec engine.md 4.5: 10).
    package var retrySeconds = 10.0

    package init(database: String) { self.database = database }

    /// Where the server is, for people.
    package var place: String { unixSocket.map { "socket \($0)" } ?? "host \(host), port \(port)" }

    /// What to do about a server that doesn't let us in, with everything but the password.
    func advice(code: UInt32, message: String) -> String {
        let intro = "MySQL/MariaDB at \(place), user \(user), database \(database): \(message)."
        let quoted = "`\(database.split(separator: "`", omittingEmptySubsequences: false).joined(separator: "``"))`"
        let account = "'\(user)'@'\(unixSocket != nil || host == "localhost" ? "localhost" : "%")'"
        switch code {
        case 1049:
            return "\(intro) The database is missing; as an administrator run: CREATE DATABASE \(quoted);"
        case 1044, 1142:
            return "\(intro) The user lacks rights; as an administrator run: "
                + "GRANT ALL ON \(quoted).* TO \(account);"
        case 1045, 1698:
            return "\(intro) The login was refused; as an administrator (`sudo mariadb`) run: "
                + "CREATE DATABASE IF NOT EXISTS \(quoted); CREATE USER \(account) IDENTIFIED BY '<password>'; "
                + "GRANT ALL ON \(quoted).* TO \(account); and set user and passwd in [repository], "
                + "or unix_socket where root logs in without a password"
        case 2002, 2003, 2005:
            return "\(intro) Is the server running, and are host, port or unix_socket in [repository] right?"
        default:
            return intro
        }
    }
}

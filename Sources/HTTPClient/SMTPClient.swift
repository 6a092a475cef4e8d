// SPDX-License-Identifier: Apache-2.0

internal import CCurl
import EngineCore

/// Hands mails to a server, through libcurl.
package struct SMTPClient: Sendable {
    /// `smtp://host:port` (with STARTTLS where the server offers it) or `smtps://host:port`.
    package var url: String
    /// Empty for servers that ask for no login.
    package var user: String
    package var password: String
    /// Unit: seconds.
    package var timeoutSeconds = 30

    package init(url: String, user: String = "", password: String = "") {
        self.url = url
        self.user = user
        self.password = password
    }

    /// Sends one mail and waits until the server has taken it.
    /// - Parameters:
    ///   - message: Headers and body, lines ended by CRLF.
    ///   - allowsAddress: As for ``HTTPClient``.
    /// - Throws: `EngineError` with code `busUnavailable`.
    package func send(
        _ message: String,
        from: String,
        to recipients: [String],
        allowsAddress: @escaping ([UInt8]) -> Bool
    ) throws(EngineError) {
        guard let handle = curl_easy_init() else { throw EngineError(.failed, "libcurl gives no handle") }
        defer { curl_easy_cleanup(handle) }
        let filter = AddressFilter(allows: allowsAddress)
        filter.install(on: handle)
        _ = ccurl_set_string(handle, CURLOPT_URL, url)
        _ = ccurl_set_string(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        _ = ccurl_set_string(handle, CURLOPT_NOPROXY, "*")
        _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, 10)
        _ = ccurl_set_long(handle, CURLOPT_TIMEOUT, timeoutSeconds)
        // A password never goes out unencrypted.
        let level = user.isEmpty ? CURLUSESSL_TRY : CURLUSESSL_ALL
        _ = ccurl_set_long(handle, CURLOPT_USE_SSL, Int(level.rawValue))
        if !user.isEmpty {
            _ = ccurl_set_string(handle, CURLOPT_USERNAME, user)
            _ = ccurl_set_string(handle, CURLOPT_PASSWORD, password)
        }
        _ = ccurl_set_string(handle, CURLOPT_MAIL_FROM, "<\(from)>")
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for recipient in recipients { list = curl_slist_append(list, "<\(recipient)>") }
        _ = ccurl_set_list(handle, CURLOPT_MAIL_RCPT, list)
        let upload = Upload(Array(message.utf8))
        _ = ccurl_set_long(handle, CURLOPT_UPLOAD, 1)
        _ = ccurl_set_read_callback(handle, Upload.read)
        _ = ccurl_set_pointer(handle, CURLOPT_READDATA, Unmanaged.passUnretained(upload).toOpaque())
        let code = curl_easy_perform(handle)
        withExtendedLifetime((upload, filter)) {}
        guard code != CURLE_OK else { return }
        let reason = filter.takeRefusal() ?? String(cString: curl_easy_strerror(code))
        var status = 0
        _ = ccurl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        throw EngineError(.busUnavailable, "mail to \(url): \(reason)" + (status > 0 ? " (answer \(status))" : ""))
    }

    /// The message on its way out.
    private final class Upload {
        private var rest: ArraySlice<UInt8>

        init(_ bytes: [UInt8]) { rest = bytes[...] }

        static let read: ccurl_data_callback = { buffer, size, count, context in
            guard let context, let buffer else { return 0 }
            let upload = Unmanaged<Upload>.fromOpaque(context).takeUnretainedValue()
            let part = upload.rest.prefix(size * count)
            UnsafeMutableRawBufferPointer(start: buffer, count: size * count).copyBytes(from: part)
            upload.rest = upload.rest.dropFirst(part.count)
            return part.count
        }
    }
}

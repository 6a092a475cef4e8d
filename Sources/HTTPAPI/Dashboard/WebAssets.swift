// SPDX-License-Identifier: Apache-2.0

internal import CWebAssets

/// A file of the dashboard, or the OpenAPI document, as it was when the binary was built.
package struct WebAsset: Sendable {
    /// File name, unique among the assets.
    package let name: String
    /// Value of the Content-Type header.
    package let contentType: String
    /// The file's bytes.
    package let bytes: [UInt8]
}

package enum WebAssets {
    /// All embedded files by name.
    package static let all: [String: WebAsset] = {
        var assets: [String: WebAsset] = [:]
        for index in 0..<htmengine_asset_count() {
            let file = htmengine_asset_at(index)
            let name = String(cString: file.name)
            assets[name] = WebAsset(
                name: name,
                contentType: String(cString: file.content_type),
                bytes: [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.count))
            )
        }
        return assets
    }()

    /// The OpenAPI 3.1 document that describes every path under `/_…`, as JSON text.
    package static var openAPI: [UInt8] {
        guard let asset = all["openapi.json"] else { preconditionFailure("openapi.json isn't embedded") }
        return asset.bytes
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The version of the package, as `htmengine version` prints it.
public enum HTMEngineVersion {
    /// Semantic versioning; CHANGELOG.md says what changed.
    public static let current = "0.1.0"
}

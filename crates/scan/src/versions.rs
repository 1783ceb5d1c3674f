//! Which of two versions comes first, as the package manager that installs them says.

mod alpine;
mod composer;
mod debian;
mod digits;
mod gem;
mod maven;
mod nuget;
mod python;
mod rpm;
mod semantic;

use std::cmp::Ordering;

/// Bytes of a version at most; no package manager has longer ones.
pub const VERSION_BYTES_MAX: usize = 256;

/// How versions are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionScheme {
    /// Alpine, Wolfi, Chainguard (apk-package(5)).
    Alpine,
    /// Packagist (composer/semver).
    Composer,
    /// Debian and Ubuntu (deb-version(7)).
    Debian,
    /// RubyGems (`Gem::Version`).
    Gem,
    /// Go modules and the standard library (go.dev/ref/mod, section Versions).
    Go,
    /// Maven (its POM reference, section Version Order Specification).
    Maven,
    /// NuGet (SemVer 2 with a fourth number, in any case).
    NuGet,
    /// PyPI (PEP 440).
    Python,
    /// Red Hat, Fedora, SUSE, Amazon (rpm-version(7)): `[epoch:]version[-release]`.
    Rpm,
    /// npm, crates.io (SemVer 2.0.0, section 11).
    Semantic,
}

impl VersionScheme {
    /// All of them.
    pub const ALL: &'static [VersionScheme] = &[
        VersionScheme::Alpine,
        VersionScheme::Composer,
        VersionScheme::Debian,
        VersionScheme::Gem,
        VersionScheme::Go,
        VersionScheme::Maven,
        VersionScheme::NuGet,
        VersionScheme::Python,
        VersionScheme::Rpm,
        VersionScheme::Semantic,
    ];

    /// Returns which of two versions comes first; `None` where one of them is no version here, or longer than
    /// [`VERSION_BYTES_MAX`].
    pub fn order(self, left: &str, right: &str) -> Option<Ordering> {
        if left.len().max(right.len()) > VERSION_BYTES_MAX {
            return None;
        }
        match self {
            VersionScheme::Alpine => alpine::order(left, right),
            VersionScheme::Composer => composer::order(left, right),
            VersionScheme::Debian => debian::order(left, right),
            VersionScheme::Gem => gem::order(left, right),
            VersionScheme::Go => semantic::order_go(left, right),
            VersionScheme::Maven => maven::order(left, right),
            VersionScheme::NuGet => nuget::order(left, right),
            VersionScheme::Python => python::order(left, right),
            VersionScheme::Rpm => rpm::order(left, right),
            VersionScheme::Semantic => semantic::order(left, right),
        }
    }

    /// Returns bytes that order as [`VersionScheme::order`] orders versions; `None` where it is no version here, longer
    /// than [`VERSION_BYTES_MAX`], or has a number of more than 255 digits.
    pub fn key(self, version: &str) -> Option<Vec<u8>> {
        if version.len() > VERSION_BYTES_MAX {
            return None;
        }
        match self {
            VersionScheme::Alpine => alpine::key(version),
            VersionScheme::Composer => composer::key(version),
            VersionScheme::Debian => debian::key(version),
            VersionScheme::Gem => gem::key(version),
            VersionScheme::Go => semantic::key_go(version),
            VersionScheme::Maven => maven::key(version),
            VersionScheme::NuGet => nuget::key(version),
            VersionScheme::Python => python::key(version),
            VersionScheme::Rpm => rpm::key(version),
            VersionScheme::Semantic => semantic::key(version),
        }
    }
}

#[cfg(test)]
mod tests;

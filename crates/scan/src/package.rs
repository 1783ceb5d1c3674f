//! What a layer holds: packages.

use crate::VersionScheme;

/// The kind of a package, by purl's word for it (package-url, Types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageType {
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Bitnami's components.
    Bitnami,
    /// crates.io.
    Cargo,
    /// Packagist.
    Composer,
    /// Debian and Ubuntu.
    Deb,
    /// RubyGems.
    Gem,
    /// Go modules and the standard library (`stdlib`).
    Golang,
    /// Maven; names are `group:artifact`.
    Maven,
    /// npm; names with their scope.
    Npm,
    /// NuGet.
    Nuget,
    /// PyPI; names as PEP 503 normalises them.
    Pypi,
    /// Red Hat, Fedora, SUSE, Amazon and their kin.
    Rpm,
}

impl PackageType {
    /// All of them.
    pub const ALL: &'static [PackageType] = &[
        PackageType::Apk,
        PackageType::Bitnami,
        PackageType::Cargo,
        PackageType::Composer,
        PackageType::Deb,
        PackageType::Gem,
        PackageType::Golang,
        PackageType::Maven,
        PackageType::Npm,
        PackageType::Nuget,
        PackageType::Pypi,
        PackageType::Rpm,
    ];

    /// Returns purl's word for it.
    pub fn name(self) -> &'static str {
        match self {
            PackageType::Apk => "apk",
            PackageType::Bitnami => "bitnami",
            PackageType::Cargo => "cargo",
            PackageType::Composer => "composer",
            PackageType::Deb => "deb",
            PackageType::Gem => "gem",
            PackageType::Golang => "golang",
            PackageType::Maven => "maven",
            PackageType::Npm => "npm",
            PackageType::Nuget => "nuget",
            PackageType::Pypi => "pypi",
            PackageType::Rpm => "rpm",
        }
    }

    /// Returns the order of its versions.
    pub fn versions(self) -> VersionScheme {
        match self {
            PackageType::Apk => VersionScheme::Alpine,
            PackageType::Composer => VersionScheme::Composer,
            PackageType::Deb => VersionScheme::Debian,
            PackageType::Gem => VersionScheme::Gem,
            PackageType::Golang => VersionScheme::Go,
            PackageType::Maven => VersionScheme::Maven,
            PackageType::Nuget => VersionScheme::NuGet,
            PackageType::Pypi => VersionScheme::Python,
            PackageType::Rpm => VersionScheme::Rpm,
            PackageType::Bitnami | PackageType::Cargo | PackageType::Npm => VersionScheme::Semantic,
        }
    }

    /// Tells whether a distribution installs it, so that its advisories are those of a release.
    pub fn is_distribution(self) -> bool {
        matches!(self, PackageType::Apk | PackageType::Deb | PackageType::Rpm)
    }
}

/// A package as one file of a layer names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Package {
    /// The kind.
    pub kind: PackageType,
    /// The installed (binary) name: `group:artifact` for Maven, the module path for Go.
    pub name: String,
    /// The version as installed; `epoch:version-release` where there is an epoch.
    pub version: String,
    /// What it was built from, where that has another name or version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// The architecture, in the package manager's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Who packaged it, in the package manager's words: tells packages of third parties from the distribution's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The module stream of a modular rpm package: `nodejs:18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_stream: Option<String>,
    /// SPDX licence expressions or the packager's own words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
    /// The file's SHA-1 (hexadecimal), for archives that can be known by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
}

/// The source package that a binary package was built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What tells the packages of one image apart: kind, name and version.
pub type PackageKey<'a> = (&'static str, &'a str, &'a str);

impl Package {
    /// What tells it apart from others of one image.
    pub fn key(&self) -> PackageKey<'_> {
        (self.kind.name(), &self.name, &self.version)
    }

    /// Makes a package of which only the name and the version are known.
    pub fn new(kind: PackageType, name: impl Into<String>, version: impl Into<String>) -> Package {
        Package {
            kind,
            name: name.into(),
            version: version.into(),
            source: None,
            architecture: None,
            vendor: None,
            module_stream: None,
            licences: Vec::new(),
            sha1: None,
        }
    }
}

/// The distribution of an image, from os-release(5) and its older kin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Distribution {
    /// `ID`: `debian`, `alpine`, `rhel`.
    pub id: String,
    /// `ID_LIKE`, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<String>,
    /// `VERSION_ID`, or what the older files say: `12`, `3.17.2`, `22.04`.
    pub version: String,
    /// `VERSION_CODENAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<String>,
    /// `PRETTY_NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<String>,
}

//! An advisory: what somebody says about a flaw in some versions of some packages.

use crate::{PackageType, Severity};
use std::fmt;

/// A record of any feed, as it was read. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advisory {
    /// Its own id: `DEBIAN-CVE-2023-0464`, `GHSA-…`, `ALSA-2023:0946`.
    pub id: String,
    /// Other ids of the same flaw.
    pub aliases: Vec<String>,
    /// The flaws that a distribution tracks by this record; each is a flaw of its own.
    pub upstream: Vec<String>,
    /// Ids that have to do with it, which say nothing about what it is; for an errata its CVEs belong in `upstream`.
    pub related: Vec<String>,
    /// When it was published.
    pub published: Option<String>,
    /// When it last changed.
    pub modified: Option<String>,
    /// When it was taken back: such a record matches nothing.
    pub withdrawn: Option<String>,
    /// One line.
    pub title: String,
    /// The whole text.
    pub description: String,
    /// What is said about how bad it is, in the feed's order.
    pub ratings: Vec<Rating>,
    /// Pages that tell more.
    pub references: Vec<String>,
    /// The packages in which it is.
    pub affected: Vec<Affected>,
}

/// What one party says about how bad a flaw is; at least one of `vector`, `score` and `severity` is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rating {
    /// Who says so: `debian`, `ghsa`, `nvd`, `redhat`.
    pub source: String,
    /// A CVSS vector of version 2, 3.0, 3.1 or 4.0.
    pub vector: Option<String>,
    /// The base score that comes without a vector, 0.0 to 10.0.
    pub score: Option<f32>,
    /// The party's own word.
    pub severity: Option<Severity>,
}

/// One package in which a flaw is, or is said not to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Affected {
    /// For whom it is said.
    pub source: KnowledgeSource,
    /// The package by the name that the feed uses: the source package for Debian, Ubuntu, Alpine and Wolfi; the binary one
    /// for the rpm family; `group:artifact` for Maven; as PEP 503 normalises it for PyPI.
    pub package: String,
    /// Ranges of versions; a version is affected if it lies in any of them.
    pub ranges: Vec<Range>,
    /// Versions that are affected besides.
    pub versions: Vec<String>,
    /// What the distribution says about it.
    pub standing: Standing,
    /// The distribution's own word for this package: Debian's urgency, Ubuntu's priority.
    pub severity: Option<Severity>,
    /// The module streams of a modular rpm package, any of which it may be of: `nodejs:18`; none where it is not modular.
    pub module_streams: Vec<String>,
    /// The architectures it is said for, in the package manager's words; none means all.
    pub architectures: Vec<String>,
}

impl Affected {
    /// Makes one of which nothing is said yet but where it is.
    pub fn new(source: KnowledgeSource, package: impl Into<String>) -> Affected {
        Affected {
            source,
            package: package.into(),
            ranges: Vec::new(),
            versions: Vec::new(),
            standing: Standing::Affected,
            severity: None,
            module_streams: Vec::new(),
            architectures: Vec::new(),
        }
    }
}

/// A row of versions that are affected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first version in it; `None` means from the very first.
    pub from: Option<String>,
    /// Where it ends.
    pub until: Until,
}

/// Where a range ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// Nowhere: no version without the flaw is known.
    #[default]
    Open,
    /// Before this version, which is without the flaw.
    Fixed(String),
    /// With this version; which one is without the flaw is not said.
    Last(String),
}

/// What a distribution says about a package that has the flaw, where no fixed version says it better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It is affected within the ranges.
    #[default]
    Affected,
    /// It is affected, and there will be no fix.
    WontFix,
    /// It is affected, and the fix is put off as minor.
    Deferred,
    /// It is affected, and looked after no more.
    EndOfLife,
    /// It is not affected; without ranges and versions, in no version. Overrules other records of the same source.
    NotAffected,
}

/// Whose versions an advisory speaks of: an ecosystem and, for distributions, its release, in OSV's words (`Debian:12`,
/// `Alpine:v3.17`, `AlmaLinux:9`, `Ubuntu:22.04`, `Red Hat:9`, `PyPI`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KnowledgeSource {
    ecosystem: String,
    release: String,
}

/// OSV's ecosystems that packages can be of.
const ECOSYSTEMS: &[(&str, PackageType)] = &[
    ("Alma Linux", PackageType::Rpm),
    ("AlmaLinux", PackageType::Rpm),
    ("Alpaquita", PackageType::Apk),
    ("Alpine", PackageType::Apk),
    ("Amazon Linux", PackageType::Rpm),
    ("Azure Linux", PackageType::Rpm),
    ("Bitnami", PackageType::Bitnami),
    ("Chainguard", PackageType::Apk),
    ("Debian", PackageType::Deb),
    ("Fedora", PackageType::Rpm),
    ("Go", PackageType::Golang),
    ("Maven", PackageType::Maven),
    ("MinimOS", PackageType::Apk),
    ("NuGet", PackageType::Nuget),
    ("Oracle Linux", PackageType::Rpm),
    ("Packagist", PackageType::Composer),
    ("Photon OS", PackageType::Rpm),
    ("PyPI", PackageType::Pypi),
    ("Red Hat", PackageType::Rpm),
    ("Rocky Linux", PackageType::Rpm),
    ("RubyGems", PackageType::Gem),
    ("SUSE", PackageType::Rpm),
    ("Ubuntu", PackageType::Deb),
    ("Wolfi", PackageType::Apk),
    ("crates.io", PackageType::Cargo),
    ("npm", PackageType::Npm),
    ("openEuler", PackageType::Rpm),
    ("openSUSE", PackageType::Rpm),
];

/// What a release of Ubuntu begins with that is Pro's.
const PRO: &str = "Pro:";

impl KnowledgeSource {
    /// Makes one of an ecosystem and its release; an empty release is none.
    pub fn new(ecosystem: impl Into<String>, release: impl Into<String>) -> KnowledgeSource {
        KnowledgeSource { ecosystem: ecosystem.into(), release: release.into() }
    }

    /// Reads OSV's word. Ubuntu's `:LTS` and Red Hat's `enterprise_linux:9::appstream` are brought to `22.04` and `9`;
    /// Ubuntu's `Pro:22.04:LTS` to `Pro:22.04`. Never fails: an ecosystem that is not known has no
    /// [`KnowledgeSource::kind`].
    pub fn parse(text: &str) -> KnowledgeSource {
        let (ecosystem, release) = text.split_once(':').unwrap_or((text, ""));
        let release = match ecosystem {
            "Ubuntu" => release.strip_suffix(":LTS").unwrap_or(release),
            "Red Hat" => match release.strip_prefix("enterprise_linux:") {
                Some(major_and_stream) => major_and_stream.split(':').next().unwrap_or_default(),
                None => release,
            },
            _ => release,
        };
        KnowledgeSource::new(ecosystem, release)
    }

    /// Returns the ecosystem: `Debian`.
    pub fn ecosystem(&self) -> &str {
        &self.ecosystem
    }

    /// Returns the release, empty where there are none: `12`.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// Returns the stream of packages that Ubuntu Pro mended of a release of Ubuntu: `Ubuntu:Pro:20.04`. `None` where there is none.
    pub(crate) fn with_pro(&self) -> Option<KnowledgeSource> {
        let is_plain = self.ecosystem == "Ubuntu" && !self.release.starts_with(PRO);
        is_plain.then(|| KnowledgeSource::new("Ubuntu", format!("{PRO}{}", self.release)))
    }

    /// Returns the release of Ubuntu of which this is Pro's stream; `None` where it is none.
    pub(crate) fn without_pro(&self) -> Option<KnowledgeSource> {
        let release = self.release.strip_prefix(PRO).filter(|_| self.ecosystem == "Ubuntu");
        release.map(|release| KnowledgeSource::new("Ubuntu", release))
    }

    /// Returns the kind of the packages it speaks of; `None` where none of them is known here.
    pub fn kind(&self) -> Option<PackageType> {
        ECOSYSTEMS.iter().find(|(name, _)| *name == self.ecosystem).map(|(_, kind)| *kind)
    }
}

impl fmt::Display for KnowledgeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.release.as_str() {
            "" => f.write_str(&self.ecosystem),
            release => write!(f, "{}:{release}", self.ecosystem),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.until) {
            (None, Until::Open) => f.write_str("all versions"),
            (Some(from), Until::Open) => write!(f, ">={from}"),
            (None, Until::Fixed(fixed)) => write!(f, "<{fixed}"),
            (Some(from), Until::Fixed(fixed)) => write!(f, ">={from}, <{fixed}"),
            (None, Until::Last(last)) => write!(f, "<={last}"),
            (Some(from), Until::Last(last)) => write!(f, ">={from}, <={last}"),
        }
    }
}

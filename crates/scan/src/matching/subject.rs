//! What to look up for a package: whose advisories, by which name, with which version.

use super::rules::Versioned;
use super::{KernelHeaders, Options, releases};
use crate::{ChangedName, Distribution, Knowledge, KnowledgeSource, Package, PackageType};

/// What is looked up.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) source: KnowledgeSource,
    pub(super) name: String,
    pub(super) version: Versioned,
}

pub(super) enum Choice {
    LookUp(Subject),
    Undecided(String),
    LeftOut(String),
}

/// Returns a name as advisories are found by it: PyPI's as PEP 503 normalises it, those that know no case in lower case.
pub(crate) fn lookup_name(kind: PackageType, name: &str) -> String {
    match kind {
        PackageType::Pypi => {
            let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
            parts.join("-").to_ascii_lowercase()
        }
        PackageType::Composer | PackageType::Nuget | PackageType::Bitnami => name.to_ascii_lowercase(),
        PackageType::Apk
        | PackageType::Cargo
        | PackageType::Deb
        | PackageType::Gem
        | PackageType::Golang
        | PackageType::Maven
        | PackageType::Npm
        | PackageType::Rpm => name.to_owned(),
    }
}

/// Returns whose advisories speak of a package of an image of this distribution, and by which name: what [`crate::find`] looks up, and
/// [`crate::Knowledge::changed_since`] tells. They are two where another's advisories count while the first's are not here; none where
/// nothing can be said about it, whatever advisories there are.
pub fn looked_up(package: &Package, distribution: Option<&Distribution>, options: &Options) -> Vec<ChangedName> {
    match choose(package, distribution, options) {
        Choice::LookUp(Subject { source, name, .. }) => {
            let plain = source.without_pro().map(|plain| (plain, name.clone()));
            std::iter::once((source, name)).chain(plain).collect()
        }
        Choice::Undecided(_) | Choice::LeftOut(_) => Vec::new(),
    }
}

/// Returns whose advisories count for what is to be looked up in those of `source`: those of Ubuntu's release itself where there are none
/// of its Pro. A version that Pro mended is above all fixes that the release has; what Pro alone mended is told then, which is more than
/// to tell nothing.
pub(super) fn that_counts(source: &KnowledgeSource, knowledge: &Knowledge) -> KnowledgeSource {
    let plain = source.without_pro().filter(|_| !knowledge.sources().contains_key(source));
    plain.unwrap_or_else(|| source.clone())
}

/// Tells whether somebody judges a package of a distribution: not where a third party packaged it, nor where nobody's advisories are
/// the distribution's.
pub(crate) fn is_judged(package: &Package, distribution: Option<&Distribution>) -> bool {
    match choose(package, distribution, &Options::default()) {
        Choice::LookUp(_) | Choice::LeftOut(_) => true,
        Choice::Undecided(_) => false,
    }
}

pub(super) fn choose(package: &Package, distribution: Option<&Distribution>, options: &Options) -> Choice {
    if package.kind.is_distribution() {
        return of_distribution(package, distribution, options);
    }
    let ecosystem = match package.kind {
        PackageType::Bitnami => "Bitnami",
        PackageType::Cargo => "crates.io",
        PackageType::Composer => "Packagist",
        PackageType::Gem => "RubyGems",
        PackageType::Golang => "Go",
        PackageType::Maven => "Maven",
        PackageType::Npm => "npm",
        PackageType::Nuget => "NuGet",
        PackageType::Pypi => "PyPI",
        PackageType::Apk | PackageType::Deb | PackageType::Rpm => {
            return of_distribution(package, distribution, options);
        }
    };
    Choice::LookUp(subject(KnowledgeSource::new(ecosystem, ""), package, &package.name, &package.version))
}

/// What a reason begins with that holds for all packages of a distribution.
pub(super) const UNSUPPORTED: &str = "unsupported";

pub(super) fn unknown_distribution(Distribution { id, version, .. }: &Distribution) -> String {
    format!("{UNSUPPORTED}: advisories of {id} {version} are not known here")
}

fn of_distribution(package: &Package, distribution: Option<&Distribution>, options: &Options) -> Choice {
    let Some(distribution) = distribution else {
        return Choice::Undecided(format!("{UNSUPPORTED}: no file of the image names its distribution"));
    };
    let Some(source) = releases::source(distribution) else {
        return Choice::Undecided(unknown_distribution(distribution));
    };
    if package.name == "gpg-pubkey" && package.kind == PackageType::Rpm {
        return Choice::LeftOut("it is a key, and no package".into());
    }
    if source.kind() != Some(package.kind) {
        return Choice::Undecided(format!("the advisories of {source} are not about {} packages", package.kind.name()));
    }
    if is_foreign(package, &source) {
        let vendor = package.vendor.as_deref().unwrap_or("a third party");
        return Choice::Undecided(format!("it was packaged by {vendor}, of whom {source} says nothing"));
    }
    // The rpm family speaks of binary packages, the others of source packages.
    let (name, version) = match &package.source {
        Some(built_from) if package.kind != PackageType::Rpm => (&built_from.name, &built_from.version),
        _ => (&package.name, &package.version),
    };
    let is_headers = package.kind == PackageType::Deb && package.name == "linux-libc-dev";
    if is_headers && options.kernel_headers == KernelHeaders::LeftOut {
        return Choice::LeftOut("kernel headers are built from the kernel's source, and hold no kernel".into());
    }
    let pro = source.with_pro().filter(|_| is_mended_by_pro(version));
    let source = pro.unwrap_or(source);
    Choice::LookUp(subject(source, package, name, version))
}

/// Packages that Ubuntu Pro mended go on in a stream of their own (`1.1.1f-1ubuntu2.24+esm1`, `2:3.49.1-1ubuntu1~esm1`): the
/// plain stream has no fixes for them.
fn is_mended_by_pro(version: &str) -> bool {
    ["+esm", "~esm"].iter().any(|mark| version.contains(mark))
}

fn subject(source: KnowledgeSource, package: &Package, name: &str, version: &str) -> Subject {
    Subject { source, name: lookup_name(package.kind, name), version: Versioned::new(package, version) }
}

/// Words in the vendors of the rpm family's own packages.
const RPM_VENDORS: &[(&str, &[&str])] = &[
    ("AlmaLinux", &["almalinux"]),
    ("Amazon Linux", &["amazon"]),
    ("Azure Linux", &["microsoft"]),
    ("Fedora", &["fedora"]),
    ("Oracle Linux", &["oracle"]),
    ("Photon OS", &["vmware", "broadcom"]),
    ("Red Hat", &["red hat", "centos"]),
    ("Rocky Linux", &["rocky"]),
    ("SUSE", &["suse"]),
    ("openEuler", &["openeuler"]),
    ("openSUSE", &["suse"]),
];

/// Words in the maintainers of packages that are not Debian's or Ubuntu's: theirs are people with addresses anywhere.
const DEB_VENDORS: &[&str] = &[
    "@docker.com",
    "@elastic.co",
    "@f5.com",
    "@gitlab.com",
    "@grafana.com",
    "@hashicorp.com",
    "@microsoft.com",
    "@mongodb.com",
    "@nginx.com",
    "@nodesource.com",
    "@oss.oracle.com",
];
/// Marks in their versions.
const DEB_VERSIONS: &[&str] = &["nodesource", "pgdg", "sury.org", "~debian.", "~ubuntu."];

fn is_foreign(package: &Package, source: &KnowledgeSource) -> bool {
    let vendor = package.vendor.as_deref().unwrap_or_default().to_lowercase();
    match package.kind {
        PackageType::Rpm => {
            let own = RPM_VENDORS.iter().find(|(ecosystem, _)| *ecosystem == source.ecosystem());
            own.is_some_and(|(_, words)| !vendor.is_empty() && !words.iter().any(|word| vendor.contains(word)))
        }
        PackageType::Deb => {
            DEB_VENDORS.iter().any(|word| vendor.contains(word))
                || DEB_VERSIONS.iter().any(|mark| package.version.contains(mark))
        }
        _ => false,
    }
}

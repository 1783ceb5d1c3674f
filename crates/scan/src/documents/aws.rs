//! What the documents of AWS's services have in common: names of images and packages in their words.

use serde_json::{Map, Value, json};

use super::fingerprint;
use crate::{Distribution, Finding, Package, PackageType};

/// An image as AWS names it.
#[derive(Clone, Copy, Debug)]
pub struct EcrImage<'a> {
    /// The account (12 digits).
    pub account: &'a str,
    /// The region: `eu-central-1`.
    pub region: &'a str,
    /// The repository: `team/app`.
    pub repository: &'a str,
    /// The manifest's digest: `sha256:…`.
    pub digest: &'a str,
    /// The tags, in the order in which they are to be told.
    pub tags: &'a [String],
    /// `amd64` and its like, where it is known.
    pub architecture: Option<&'a str>,
    /// `DEBIAN_12` and its like, where it is known.
    pub platform: Option<&'a str>,
    /// When it was pushed, RFC 3339 in UTC.
    pub pushed_at: &'a str,
}

impl EcrImage<'_> {
    /// Returns the partition of AWS that the region is of.
    pub(super) fn partition(&self) -> &'static str {
        match self.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Returns the repository's ARN.
    pub fn repository_arn(&self) -> String {
        format!("arn:{}:ecr:{}:{}:repository/{}", self.partition(), self.region, self.account, self.repository)
    }

    /// Returns the image's ARN, which only Inspector and Security Hub know.
    pub fn arn(&self) -> String {
        format!("{}/{}", self.repository_arn(), self.digest)
    }

    /// Returns the ARN of a finding: the same flaw of the same package in the same image has the same for ever.
    pub fn finding_arn(&self, finding: &Finding) -> String {
        let package = &finding.package;
        let parts = [&self.arn(), &finding.id, package.kind.name(), &package.name, &package.version];
        let architecture = package.architecture.as_deref().unwrap_or_default();
        let name = fingerprint(&[parts[0], parts[1], parts[2], parts[3], parts[4], architecture]);
        format!("arn:{}:inspector2:{}:{}:finding/{name:032x}", self.partition(), self.region, self.account)
    }
}

/// Returns Inspector's word for what installs a package that was found in a file (`PackageManager` of its API, 2020-06-08);
/// `None` where it has none.
pub fn package_manager(kind: PackageType, path: Option<&str>) -> Option<&'static str> {
    let file = path.and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let word = match kind {
        PackageType::Apk | PackageType::Deb | PackageType::Rpm => "OS",
        PackageType::Bitnami => return None,
        PackageType::Cargo => "CARGO",
        PackageType::Composer => "COMPOSER",
        PackageType::Gem => match file {
            "Gemfile.lock" | "gems.locked" => "BUNDLER",
            _ => "GEMSPEC",
        },
        PackageType::Golang => "GOBINARY",
        PackageType::Maven => "JAR",
        PackageType::Npm => match file {
            "package-lock.json" | "npm-shrinkwrap.json" => "NPM",
            "yarn.lock" => "YARN",
            _ => "NODEPKG",
        },
        PackageType::Nuget if file.ends_with(".deps.json") => "DOTNET_CORE",
        PackageType::Nuget => "NUGET",
        PackageType::Pypi => match file {
            "Pipfile.lock" => "PIPENV",
            "poetry.lock" => "POETRY",
            "requirements.txt" => "PIP",
            _ => "PYTHONPKG",
        },
    };
    Some(word)
}

/// Returns Inspector's word for a distribution's release: `DEBIAN_12`, `ALPINE_LINUX_3_19`, `AMAZON_LINUX_2`.
pub fn platform_of(distribution: &Distribution) -> String {
    let Distribution { id, version, .. } = distribution;
    let (name, parts_max) = match id.as_str() {
        "alpine" => ("ALPINE_LINUX", 2),
        "amzn" => ("AMAZON_LINUX", 1),
        "ol" => ("ORACLE_LINUX", 1),
        "rocky" => ("ROCKY_LINUX", 1),
        other => (other, usize::MAX),
    };
    let words = [name].into_iter().chain(version.split('.').take(parts_max)).filter(|word| !word.is_empty());
    let plain = |one: char| if one.is_ascii_alphanumeric() { one.to_ascii_uppercase() } else { '_' };
    words.collect::<Vec<_>>().join("_").chars().map(plain).collect()
}

/// The parts of a package's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionParts<'a> {
    /// What comes before `:`, where the package manager knows epochs.
    pub epoch: Option<&'a str>,
    /// The version itself.
    pub version: &'a str,
    /// What comes after the last `-`, where a distribution installs it.
    pub release: Option<&'a str>,
}

/// Takes a package's version apart; that of a package which no distribution installs is whole.
pub fn split_version(package: &Package) -> VersionParts<'_> {
    let whole = package.version.as_str();
    if !package.kind.is_distribution() {
        return VersionParts { epoch: None, version: whole, release: None };
    }
    let (epoch, rest) = match whole.split_once(':') {
        Some((epoch, rest)) if package.kind != PackageType::Apk => (Some(epoch), rest),
        _ => (None, whole),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => VersionParts { epoch, version, release: Some(release) },
        None => VersionParts { epoch, version: rest, release: None },
    }
}

/// Returns the vulnerable package once for each path; `Case` tells how the service writes its keys.
pub(super) fn vulnerable_packages(finding: &Finding, case: Case) -> Value {
    let parts = split_version(&finding.package);
    let epoch = parts.epoch.and_then(|epoch| epoch.parse::<u32>().ok());
    let one = |path: Option<&String>| {
        let manager = package_manager(finding.package.kind, path.map(String::as_str));
        let values = [
            ("name", Some(json!(finding.package.name))),
            ("version", Some(json!(parts.version))),
            ("release", parts.release.map(|release| json!(release))),
            // Security Hub has the epoch as text, Inspector as a number.
            ("epoch", epoch.map(|epoch| if case == Case::Upper { json!(epoch.to_string()) } else { json!(epoch) })),
            (
                if case == Case::Upper { "architecture" } else { "arch" },
                finding.package.architecture.as_ref().map(|architecture| json!(architecture)),
            ),
            ("packageManager", manager.map(|manager| json!(manager))),
            ("filePath", path.map(|path| json!(path))),
            ("fixedInVersion", finding.fixed_version.as_ref().map(|version| json!(version))),
        ];
        let named = values.into_iter().filter_map(|(key, value)| Some((case.key(key), value?)));
        Value::Object(named.collect::<Map<_, _>>())
    };
    if finding.paths.is_empty() {
        return json!([one(None)]);
    }
    finding.paths.iter().map(|path| one(Some(path))).collect()
}

/// How a service writes its keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// `packageManager`: ECR, Inspector.
    Lower,
    /// `PackageManager`: Security Hub.
    Upper,
}

impl Case {
    fn key(self, name: &str) -> String {
        match self {
            Case::Lower => name.to_owned(),
            Case::Upper => name.chars().enumerate().map(upper_first).collect(),
        }
    }
}

fn upper_first((place, one): (usize, char)) -> char {
    if place == 0 { one.to_ascii_uppercase() } else { one }
}

/// Tells whether there is a version without the flaw, in the word of Inspector and Security Hub.
pub(super) fn fix_available(finding: &Finding) -> &'static str {
    if finding.fixed_version.is_some() { "YES" } else { "NO" }
}

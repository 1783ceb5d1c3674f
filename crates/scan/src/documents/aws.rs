//! What the documents of AWS's services have in common: names of images and packages in their words.

use serde_json::{Map, Value, json};

use super::fingerprint;
use crate::{Finding, Package, PackageType};

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
    pub(super) fn repository_arn(&self) -> String {
        format!("arn:{}:ecr:{}:{}:repository/{}", self.partition(), self.region, self.account, self.repository)
    }

    /// Returns the image's ARN, which only Inspector and Security Hub know.
    pub(super) fn arn(&self) -> String {
        format!("{}/{}", self.repository_arn(), self.digest)
    }

    /// Returns the ARN of a finding: the same flaw of the same package in the same image has the same for ever.
    pub(super) fn finding_arn(&self, finding: &Finding) -> String {
        let package = &finding.package;
        let parts = [&self.arn(), &finding.id, package.kind.name(), &package.name, &package.version];
        let architecture = package.architecture.as_deref().unwrap_or_default();
        let name = fingerprint(&[parts[0], parts[1], parts[2], parts[3], parts[4], architecture]);
        format!("arn:{}:inspector2:{}:{}:finding/{name:032x}", self.partition(), self.region, self.account)
    }
}

/// Returns Inspector's word for what installs a package.
fn package_manager(kind: PackageType) -> &'static str {
    match kind {
        PackageType::Apk | PackageType::Deb | PackageType::Rpm => "OS",
        PackageType::Cargo => "CARGO",
        PackageType::Composer => "COMPOSER",
        PackageType::Gem => "GEMSPEC",
        PackageType::Golang => "GOBINARY",
        PackageType::Maven => "JAR",
        PackageType::Npm => "NODEPKG",
        PackageType::Nuget => "DOTNET",
        PackageType::Pypi => "PYTHONPKG",
        PackageType::Bitnami => "GENERIC",
    }
}

/// Epoch, version and release, where the package manager has them.
struct Parts<'a> {
    epoch: Option<&'a str>,
    version: &'a str,
    release: Option<&'a str>,
}

fn parts(package: &Package) -> Parts<'_> {
    let whole = package.version.as_str();
    if !package.kind.is_distribution() {
        return Parts { epoch: None, version: whole, release: None };
    }
    let (epoch, rest) = match whole.split_once(':') {
        Some((epoch, rest)) if package.kind != PackageType::Apk => (Some(epoch), rest),
        _ => (None, whole),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => Parts { epoch, version, release: Some(release) },
        None => Parts { epoch, version: rest, release: None },
    }
}

/// Returns the vulnerable package once for each path; `Case` tells how the service writes its keys.
pub(super) fn vulnerable_packages(finding: &Finding, case: Case) -> Value {
    let parts = parts(&finding.package);
    let manager = package_manager(finding.package.kind);
    let epoch = parts.epoch.and_then(|epoch| epoch.parse::<u32>().ok());
    let one = |path: Option<&String>| {
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
            ("packageManager", Some(json!(manager))),
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

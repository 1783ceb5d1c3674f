//! What is written for others to read: pure functions from an [`Inventory`] and its [`Finding`]s to documents.
//!
//! | file | what |
//! |---|---|
//! | `cyclonedx.rs` | CycloneDX 1.6 JSON, with vulnerabilities where findings are given |
//! | `spdx.rs` | SPDX 2.3 JSON |
//! | `sarif.rs` | SARIF 2.1.0, as GitHub's code scanning reads it |
//! | `asff.rs` | Security Hub's finding format |
//! | `events.rs` | the events of ECR and Inspector, as EventBridge carries them |
//! | `aws.rs` | names of images and packages as AWS writes them |
//!
//! All are deterministic: the same image, time and findings give the same bytes. Times are RFC 3339 and given.

pub mod asff;
mod aws;
pub mod cyclonedx;
pub mod events;
mod licences;
pub mod sarif;
pub mod spdx;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use aws::{EcrImage, VersionParts, package_manager, platform_of, split_version};

use crate::{Finding, Inventory, Package, Severity, purl};

/// The program's name in documents.
const TOOL: &str = "gantry";
/// The program's version in documents.
const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which image a document is about, and when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// How people call it: `registry.example.com/team/app:v1`.
    pub reference: &'a str,
    /// Its manifest's digest: `sha256:…`.
    pub digest: &'a str,
    /// When the document was made, RFC 3339 in UTC, whole seconds: `2026-11-26T10:00:00Z`.
    pub created: &'a str,
}

impl Image<'_> {
    /// Returns the purl of an image (package-url, type `oci`).
    fn purl(&self) -> String {
        let (path, tag) = match self.reference.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (self.reference, None),
        };
        let path = path.split('@').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let mut text = format!("pkg:oci/{}@{}", percent(&name), percent(self.digest));
        text.push_str(&format!("?repository_url={}", percent(path)));
        if let Some(tag) = tag.filter(|_| !self.reference.contains('@')) {
            text.push_str(&format!("&tag={}", percent(tag)));
        }
        text
    }

    /// Returns a name for a document of this image, as a UUID (RFC 9562, version 8): the same for the same image and time.
    fn uuid(&self, kind: &str) -> String {
        let hash = fingerprint(&[kind, self.reference, self.digest, self.created]);
        let hash = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
        let hex = format!("{hash:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// Cuts a time (RFC 3339 in UTC) to whole seconds, as [`Image::created`] has it: SPDX 2.3 allows no more (section 6.9).
pub fn whole_seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}

/// Escapes what is not unreserved (RFC 3986, section 2.3).
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' | b':' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A short name for texts that stays the same for ever (FNV-1a, 128 bits); it protects nothing.
fn fingerprint(parts: &[&str]) -> u128 {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
    hash
}

/// A package of an image, at all its paths.
struct Component<'a> {
    package: &'a Package,
    purl: String,
    /// Its name within the document: the purl, numbered where several packages have the same.
    id: String,
    paths: BTreeSet<&'a str>,
    layers: BTreeSet<u32>,
    /// The build steps of those layers of which they are known.
    build_steps: Vec<&'a str>,
}

/// The paths of a package, and the layers that brought it.
type Places<'a> = (BTreeSet<&'a str>, BTreeSet<u32>);

/// Returns each package once, sorted, with all paths that hold it.
fn components(inventory: &Inventory) -> Vec<Component<'_>> {
    let mut places = BTreeMap::<&Package, Places<'_>>::new();
    for installed in &inventory.packages {
        let (paths, layers) = places.entry(&installed.package).or_default();
        paths.insert(&installed.path);
        layers.extend(installed.brought_by());
    }
    let mut seen = HashMap::<String, u32>::new();
    let mut components = Vec::with_capacity(places.len());
    for (package, (paths, layers)) in places {
        let purl = purl::of(package, inventory.distribution.as_ref());
        let count = seen.entry(purl.clone()).and_modify(|count| *count += 1).or_insert(1);
        let id = if *count == 1 { purl.clone() } else { format!("{purl}#{count}") };
        let build_steps = layers.iter().filter_map(|layer| inventory.build_step(*layer)).collect();
        components.push(Component { package, purl, id, paths, layers, build_steps });
    }
    components
}

/// Returns a page that tells about a vulnerability: a known site's for its ids, or the first reference.
fn page_of(finding: &Finding) -> String {
    let id = &finding.id;
    match id.split_once('-').map(|(family, _)| family) {
        Some("CVE") => format!("https://nvd.nist.gov/vuln/detail/{id}"),
        Some("GHSA") => format!("https://github.com/advisories/{id}"),
        _ => match finding.references.first() {
            Some(first) => first.clone(),
            None => format!("https://osv.dev/vulnerability/{}", percent(id)),
        },
    }
}

/// Returns the CVSS score, or where there is none a score from the middle of the severity's range.
fn score_of(finding: &Finding) -> f32 {
    finding.cvss_score.filter(|score| (0.0..=10.0).contains(score)).unwrap_or(match finding.severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Informational | Severity::Undefined => 0.0,
    })
}

/// Returns the score as a number of JSON with one decimal: an `f32` printed as an `f64` would show digits that nobody gave.
fn number(score: f32) -> f64 {
    (f64::from(score) * 10.0).round() / 10.0
}

/// Returns a probability as a number of JSON, with the digits that were given.
fn probability(share: f32) -> f64 {
    share.to_string().parse().unwrap_or_else(|_| f64::from(share))
}

/// Returns the version of a CVSS vector: `3.1` of `CVSS:3.1/AV:N/…`, `2.0` where it does not say.
fn cvss_version(vector: &str) -> &str {
    vector.strip_prefix("CVSS:").and_then(|rest| rest.split('/').next()).unwrap_or("2.0")
}

/// Cuts a text to so many characters, with `…` where something is left out.
fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Returns the title, or the id where there is none.
fn title_of(finding: &Finding) -> &str {
    if finding.title.is_empty() { &finding.id } else { &finding.title }
}

/// Tells what to do about a finding.
fn advice(finding: &Finding) -> String {
    use crate::FixState::{Deferred, EndOfLife, Fixed, NotFixed, WontFix};
    let name = &finding.package.name;
    match (&finding.fixed_version, finding.fix_state) {
        (Some(version), _) => format!("Update {name} to {version} or later."),
        (None, Fixed) => format!("Update {name}; a version without the flaw is published."),
        (None, NotFixed) => format!("No version of {name} without the flaw is known yet."),
        (None, WontFix) => format!("The distribution will not fix {name}; replace it, or accept the risk."),
        (None, Deferred) => format!("The distribution put the fix of {name} off as minor."),
        (None, EndOfLife) => format!("The release of {name} is looked after no more; move to a newer one."),
    }
}

#[cfg(test)]
mod tests;

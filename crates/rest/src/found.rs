//! What is found in all images, as the management API shows it.

use crate::{protection::ImageUseDocument, scan::by_name};
use gantry_access::{Access, Action, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::Paging;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{
    FoundFile, FoundFlaw, FoundImage, FoundImages, FoundPackage, FoundSecret, GoneFlaw, Scans, TrendDay, Visible,
};
use gantry_registry::{Repositories, Repository};
use gantry_scan::{Confidence, Distribution, FixState, Severity};
use gantry_words::{Cx, Page, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Of those who run an image so many are shown; all are counted.
const RUNNING_IN_MAX: usize = 20;
/// Repositories looked at in one go.
const BATCH: usize = 1_000;

/// A flaw in one version of one package, and the images that hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundFlaw")]
pub struct FoundFlawDocument {
    /// The CVE where there is one, the advisory's own id otherwise.
    pub id: String,
    /// All other ids of the same flaw.
    pub aliases: Vec<String>,
    /// How bad it is: `CRITICAL`, `HIGH`, `MEDIUM`, `LOW`, `INFORMATIONAL` or `UNDEFINED`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// When it was published, RFC 3339; null where that is not known.
    pub published: Option<String>,
    /// The lowest version above the installed one that is without the flaw; null where none is known.
    pub fixed_version: Option<String>,
    /// What the distribution says: `fixed`, `not-fixed`, `wont-fix`, `deferred` or `end-of-life`.
    #[schemars(with = "String")]
    pub fix_state: FixState,
    /// The probability that it is exploited within 30 days (EPSS), 0.0 to 1.0; null where none is known.
    #[serde(default)]
    pub epss: Option<f32>,
    /// Whether CISA's catalogue of known exploited vulnerabilities names it.
    #[serde(default)]
    pub known_exploited: bool,
    /// From 0 to 100, by severity, exploitation, and whether it can be mended; 0 of what is suppressed.
    #[serde(default)]
    pub priority: u8,
    /// Why it does not count: what a VEX document says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub suppressed: Option<String>,
    /// When it was first seen in one of the repositories of the images, in any version of the package, RFC 3339; missing for some
    /// seconds after it is found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub first_seen_at: Option<String>,
    /// For how many whole days it is known there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "u64")]
    pub age_days: Option<u64>,
    /// Until when it is to be mended there (`scanning.deadlines`), RFC 3339; missing where nobody says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub due_at: Option<String>,
    /// Whether that is past.
    #[serde(default)]
    pub overdue: bool,
    /// The package.
    #[serde(flatten)]
    pub package: FoundPackageDocument,
}

/// One version of one package, and the images that hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundPackage")]
pub struct FoundPackageDocument {
    /// The package's name.
    pub package: String,
    /// The version that is installed.
    pub version: String,
    /// The package's kind, in purl's word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The package in one line (package-url).
    pub purl: String,
    /// The release that it is of, such as `debian 12`; null for packages that no distribution installs.
    pub distribution: Option<String>,
    /// When the first of the images was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub first_pushed_at: String,
    /// How many images hold it, of those that the caller may ask about.
    pub image_count: usize,
    /// The youngest of them, at most a hundred.
    pub images: Vec<FoundImageDocument>,
}

/// A file that belongs to no package, and the images that hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundFile")]
pub struct FoundFileDocument {
    /// Its path, as its layer names it.
    pub path: String,
    /// When the first of the images was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub first_pushed_at: String,
    /// How many images hold it, of those that the caller may ask about.
    pub image_count: usize,
    /// The youngest of them, at most a hundred, each with the layer that brought the file.
    pub images: Vec<FoundImageDocument>,
}

impl From<FoundFile> for FoundFileDocument {
    fn from(FoundFile { path, images }: FoundFile) -> Self {
        FoundFileDocument {
            path,
            first_pushed_at: images.first_pushed_at.to_string(),
            image_count: images.count,
            images: images.shown.into_iter().map(FoundImageDocument::from).collect(),
        }
    }
}

/// An image that holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundImage")]
pub struct FoundImageDocument {
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// Its tags, at most twenty.
    pub tags: Vec<String>,
    /// The files in it that name the package, or are it, at most twenty; `outer.jar!inner.jar` within archives.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The digest of the layer that brought a file that belongs to no package.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub layer: Option<String>,
    /// Since when the flaw is known of it, RFC 3339: since its push, or since it is known of the repository.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub known_since: Option<String>,
    /// Who runs it, or an index that names it, by the reports that count now; at most twenty, in the order of their names.
    #[serde(default)]
    pub running_in: Vec<ImageUseDocument>,
    /// How many run it.
    #[serde(default)]
    pub running_in_count: usize,
    /// When it was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub pushed_at: String,
    /// Who pushed it.
    pub pushed_by: String,
}

impl From<FoundImage> for FoundImageDocument {
    fn from(image: FoundImage) -> Self {
        FoundImageDocument {
            repository: image.repository,
            digest: image.digest,
            tags: image.tags,
            paths: image.paths,
            layer: image.layer,
            known_since: image.known_since.map(|at| at.to_string()),
            running_in_count: image.running_in.len(),
            running_in: image.running_in.into_iter().take(RUNNING_IN_MAX).map(ImageUseDocument::from).collect(),
            pushed_at: image.pushed_at.to_string(),
            pushed_by: image.pushed_by,
        }
    }
}

impl FoundFlawDocument {
    /// Shows a flaw as it is at a time.
    pub(crate) fn of(found: FoundFlaw, now: Timestamp) -> Self {
        const DAY_SECONDS: u64 = 24 * 60 * 60;
        let purl = found.purl();
        FoundFlawDocument {
            overdue: found.is_overdue(now),
            epss: found.epss,
            known_exploited: found.known_exploited,
            priority: found.priority,
            suppressed: found.suppressed,
            first_seen_at: found.first_seen_at.map(|at| at.to_string()),
            age_days: found.first_seen_at.map(|at| now.since(at).as_secs() / DAY_SECONDS),
            due_at: found.due_at.map(|at| at.to_string()),
            id: found.id,
            aliases: found.aliases,
            severity: found.severity,
            title: found.title,
            published: found.published,
            fixed_version: found.fixed_version,
            fix_state: found.fix_state,
            package: package(found.package, purl, found.distribution, found.images),
        }
    }
}

impl From<FoundPackage> for FoundPackageDocument {
    fn from(found: FoundPackage) -> Self {
        let purl = found.purl();
        package(found.package, purl, found.distribution, found.images)
    }
}

fn package(
    package: gantry_scan::Package,
    purl: String,
    distribution: Option<Distribution>,
    images: FoundImages,
) -> FoundPackageDocument {
    let release =
        |distribution: Distribution| format!("{} {}", distribution.id, distribution.version).trim().to_owned();
    FoundPackageDocument {
        kind: package.kind.name().into(),
        package: package.name,
        version: package.version,
        purl,
        distribution: distribution.map(release),
        first_pushed_at: images.first_pushed_at.to_string(),
        image_count: images.count,
        images: images.shown.into_iter().map(FoundImageDocument::from).collect(),
    }
}

/// A secret, and the images in whose layers it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundSecret")]
pub struct FoundSecretDocument {
    /// Its kind, by the rule that found it: `github-token`.
    pub rule: String,
    /// What it is.
    pub title: String,
    /// How bad it is that it is known: `CRITICAL`, `HIGH`, `MEDIUM`, `LOW`, `INFORMATIONAL` or `UNDEFINED`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// How likely it is a live secret: `high`, or `low` where it lies among tests, examples and documentation only.
    #[schemars(with = "String")]
    pub confidence: Confidence,
    /// Its first four characters, and `…`.
    pub preview: String,
    /// The first 16 hexadecimal digits of its SHA-256, by which exceptions and files of what is ignored name it.
    pub fingerprint: String,
    /// When the first of the images was pushed, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub first_pushed_at: String,
    /// How many images hold it, of those that the caller may ask about.
    pub image_count: usize,
    /// The youngest of them, at most a hundred; `paths` are the files with the line on which it begins, as in `app/.env:3`.
    pub images: Vec<FoundImageDocument>,
}

impl From<FoundSecret> for FoundSecretDocument {
    fn from(found: FoundSecret) -> Self {
        FoundSecretDocument {
            rule: found.rule,
            title: found.title,
            severity: found.severity,
            confidence: found.confidence,
            preview: found.preview,
            fingerprint: found.fingerprint,
            first_pushed_at: found.images.first_pushed_at.to_string(),
            image_count: found.images.count,
            images: found.images.shown.into_iter().map(FoundImageDocument::from).collect(),
        }
    }
}

/// A flaw that is gone from a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "GoneFlaw")]
pub struct GoneFlawDocument {
    /// The repository.
    pub repository: String,
    /// The flaw: the CVE where there is one, the advisory's own id otherwise.
    pub id: String,
    /// How bad it was.
    pub severity: String,
    /// The package's name; in whichever version it was there.
    pub package: String,
    /// The package's kind, in purl's word.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was first seen there, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub first_seen_at: String,
    /// From when on no image there had it, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub gone_at: String,
}

impl From<GoneFlaw> for GoneFlawDocument {
    fn from(gone: GoneFlaw) -> Self {
        GoneFlawDocument {
            repository: gone.repository,
            id: gone.id,
            severity: gone.severity,
            package: gone.package,
            kind: gone.kind,
            first_seen_at: gone.first_seen_at.to_string(),
            gone_at: gone.gone_at.to_string(),
        }
    }
}

/// How many findings there were on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TrendDay")]
pub struct TrendDayDocument {
    /// The day, of UTC.
    #[schemars(extend("format" = "date"))]
    pub day: String,
    /// In how many repositories it was counted.
    pub repositories: u64,
    /// How many findings their newest images had, of each severity.
    pub severity_counts: BTreeMap<String, u64>,
}

impl From<TrendDay> for TrendDayDocument {
    fn from(TrendDay { day, repositories, counts }: TrendDay) -> Self {
        TrendDayDocument { day, repositories, severity_counts: by_name(counts) }
    }
}

/// What the lists of what is found in all images need.
pub(crate) type Rooms = (Repositories, Scans, (Accounts, Paging));

/// The repositories whose name begins so and of whose findings the caller may ask.
pub(crate) async fn visible(
    (repositories, _, (accounts, _)): &Rooms,
    cx: &Cx,
    principal: &Principal,
    prefix: &str,
) -> Result<Visible, Fault> {
    let action = action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS;
    let seen = visible_repositories((repositories, accounts), cx, principal, action, prefix, "").await?;
    Ok(seen.into_iter().map(|repository| (repository.id, repository.name.to_string())).collect())
}

/// The repositories whose name begins with `prefix` and does not come before `first`, and on which the caller may do this; in the
/// order of their names.
pub(crate) async fn visible_repositories(
    (repositories, accounts): (&Repositories, &Accounts),
    cx: &Cx,
    principal: &Principal,
    action: Action,
    prefix: &str,
    first: &str,
) -> Result<Vec<Repository>, Fault> {
    let (mut visible, mut after) = (Vec::new(), just_before(prefix.max(first)));
    loop {
        let page = repositories.list(cx, &after, BATCH).await?;
        let has_more = page.has_more;
        for repository in page.items {
            let name = repository.name.as_str();
            after = name.to_string();
            let is_named_so = name.starts_with(prefix);
            if !is_named_so && name > prefix {
                return Ok(visible);
            }
            if is_named_so && name >= first && accounts.may(principal, &Access::on(action, &repository.name)) {
                visible.push(repository);
            }
        }
        if !has_more {
            return Ok(visible);
        }
    }
}

/// A text after which no repository's name comes that comes before `text`.
fn just_before(text: &str) -> String {
    let (Some(last), true) = (text.bytes().last(), text.is_ascii()) else { return String::new() };
    let mut before = text[..text.len() - 1].to_string();
    // No name has a character that comes after the second.
    before.extend([char::from(last.saturating_sub(1)), '~']);
    before
}

/// Reads where a list goes on. `list` tells apart lists of the same operation whose order is another.
pub(crate) fn place<P: DeserializeOwned>(
    (_, _, (_, paging)): &Rooms,
    cx: &Cx,
    list: &str,
    token: Option<String>,
) -> Result<Option<P>, Fault> {
    let unknown = || Fault::new(FaultKind::InvalidParameter, "after is not what an answer gave as next");
    token.map(|token| paging.place(cx, list, &token).ok_or_else(unknown)).transpose()
}

/// What to give as `after` for the page that comes after this one; `None` at the end.
pub(crate) fn next<T, P: Serialize>(
    (_, _, (_, paging)): &Rooms,
    cx: &Cx,
    list: &str,
    page: &Page<T>,
    place: impl Fn(&T) -> &P,
) -> Option<String> {
    page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, list, place(last)))
}

/// Reads severities: `HIGH,CRITICAL`.
pub(crate) fn severities(text: &str) -> Result<Vec<Severity>, Fault> {
    let severity = |word: &str| {
        let known = Severity::ALL.iter().find(|severity| severity.name().eq_ignore_ascii_case(word.trim()));
        known.copied().ok_or_else(|| {
            let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
            let message = format!("severity={word:?} is none; there are {}", names.join(", "));
            Fault::new(FaultKind::InvalidParameter, message)
        })
    };
    text.split(',').filter(|word| !word.trim().is_empty()).map(severity).collect()
}

/// Reads a probability: `0.1`.
pub(crate) fn probability(name: &str, text: &str) -> Result<f32, Fault> {
    let read = text.parse::<f32>().ok().filter(|share| (0.0..=1.0).contains(share));
    read.ok_or_else(|| {
        Fault::new(FaultKind::InvalidParameter, format!("{name}={text:?} is no probability from 0 to 1, such as 0.1"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_repositories_begins_just_before_a_name() {
        for (text, passed, kept) in [
            ("team/app", "team/ap", "team/app"),
            ("team/app", "team/aoz", "team/app-a"),
            ("team/", "team.z", "team/a"),
            ("a", "9zz", "a"),
        ] {
            let before = just_before(text);

            assert!(passed < before.as_str() && before.as_str() < kept, "{before}");
        }
        assert_eq!((just_before("").as_str(), just_before("ä").as_str()), ("", ""));
    }

    #[test]
    fn a_probability_is_between_none_and_all() {
        assert_eq!(probability("epss", "0.1").ok(), Some(0.1));
        for text in ["", "10", "-0.1", "NaN", "high"] {
            let refused = probability("epss", text).unwrap_err();

            assert_eq!(refused.kind, FaultKind::InvalidParameter, "{text}");
        }
    }
}

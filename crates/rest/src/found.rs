//! What is found in all images, as the management API shows it.

use gantry_access::{Access, Action, Principal};
use gantry_accounts::Accounts;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{FoundFlaw, FoundImage, FoundImages, FoundPackage, Visible};
use gantry_registry::Repositories;
use gantry_scan::{Distribution, FixState, Severity};
use gantry_words::Cx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
            pushed_at: image.pushed_at.to_string(),
            pushed_by: image.pushed_by,
        }
    }
}

impl From<FoundFlaw> for FoundFlawDocument {
    fn from(found: FoundFlaw) -> Self {
        let purl = found.purl();
        FoundFlawDocument {
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

/// The repositories whose name begins so and of whose images the caller may ask this.
pub(crate) async fn visible(
    (repositories, accounts): (&Repositories, &Accounts),
    cx: &Cx,
    principal: &Principal,
    action: Action,
    prefix: &str,
) -> Result<Visible, Fault> {
    let (mut visible, mut after) = (Visible::new(), String::new());
    loop {
        let page = repositories.list(cx, &after, BATCH).await?;
        if let Some(last) = page.items.last() {
            after = last.name.to_string();
        }
        let asked = page.items.into_iter().filter(|repository| repository.name.as_str().starts_with(prefix));
        let seen = asked.filter(|repository| accounts.may(principal, &Access::on(action, &repository.name)));
        visible.extend(seen.map(|repository| (repository.id, repository.name.to_string())));
        if !page.has_more {
            return Ok(visible);
        }
    }
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

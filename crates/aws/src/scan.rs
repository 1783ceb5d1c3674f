//! Scans of images, in ECR's words.
//!
//! | file | what |
//! |---|---|
//! | `scan/basic.rs` | findings of `BASIC` scanning |
//! | `scan/enhanced.rs` | findings of `ENHANCED` scanning, in Amazon Inspector's shape |

mod basic;
mod enhanced;

use crate::{
    image,
    model::{
        EnhancedImageScanFinding, Epoch, FindingSeverity, ImageDetail, ImageIdentifier, ImageScanFindings,
        ImageScanFindingsSummary, ImageScanStatus, ScanStatus,
    },
};
use gantry_accounts::Site;
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{FirstSeen, ImageFindings, Scan, ScanStatus as Status, Scans};
use gantry_registry::{ImageStatus, ImageSummary, ImageUse, Repository, ScanFrequency, ScanKind};
use gantry_scan::{
    Finding, Inventory, Severity, count_by_severity,
    documents::{EcrImage, platform_of},
    unsupported,
};
use gantry_words::{Cx, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Where a page of findings begins: after this one, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct FindingPlace(u8, String, String, String);

impl FindingPlace {
    pub(crate) fn of(finding: &Finding) -> FindingPlace {
        let rank = Severity::ALL.iter().position(|severity| *severity == finding.severity).unwrap_or_default();
        let (id, package) = (finding.id.clone(), &finding.package);
        FindingPlace(rank as u8, id, package.name.clone(), package.version.clone())
    }
}

/// What is asked about an image.
pub(crate) struct Asked<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) site: &'a Site,
    pub(crate) repository: &'a Repository,
    pub(crate) image: &'a ImageSummary,
    pub(crate) kind: ScanKind,
}

/// How a scan stands, and what it found.
pub(crate) struct Answered {
    pub(crate) scan: Scan,
    pub(crate) found: Option<Arc<ImageFindings>>,
}

impl Answered {
    /// Looks up what is known of an image; `None` where no scan was ever asked for, or is about to be.
    pub(crate) async fn look(
        scans: &Scans,
        cx: &Cx,
        repository: &Repository,
        digest: &str,
    ) -> Result<Option<Answered>, Fault> {
        match scans.find_or_foresee(cx, repository, digest).await? {
            Some(scan) => Answered::of(scans, repository, digest, scan).await.map(Some),
            None => Ok(None),
        }
    }

    /// Looks up what a scan found.
    pub(crate) async fn of(
        scans: &Scans,
        repository: &Repository,
        digest: &str,
        scan: Scan,
    ) -> Result<Answered, Fault> {
        let found = match scan.status {
            Status::Complete => scans.findings(repository, digest, &scan).await?,
            _ => None,
        };
        Ok(Answered { scan, found })
    }

    /// How it stands, in ECR's words.
    pub(crate) fn status(
        &self,
        image: &ImageSummary,
        (kind, frequency): (ScanKind, ScanFrequency),
        now: Timestamp,
    ) -> ImageScanStatus {
        let is_known = self.found.as_ref().is_some_and(|found| found.advisories_at.is_some());
        let (status, description) = match self.scan.status {
            _ if image.status != ImageStatus::Active => (ScanStatus::ImageArchived, "The image is archived.".into()),
            Status::Pending => (ScanStatus::InProgress, "The scan is in progress.".into()),
            Status::Failed => (ScanStatus::Failed, format!("FailedError: {}", self.scan.reason)),
            Status::Unsupported => {
                (ScanStatus::UnsupportedImage, format!("UnsupportedImageError: {}", self.scan.reason))
            }
            Status::Complete if !is_known => {
                let next = "no advisories are here yet; bring them in with: gantry advisories import DIR";
                (ScanStatus::FindingsUnavailable, format!("The image was read, but {next}"))
            }
            Status::Complete if (kind, frequency) == (ScanKind::Enhanced, ScanFrequency::ContinuousScan) => {
                (ScanStatus::Active, self.told("Continuous scan is selected for image.", now))
            }
            Status::Complete => (ScanStatus::Complete, self.told("The scan was completed successfully.", now)),
        };
        ImageScanStatus { status: Some(status), description: Some(description) }
    }

    /// A sentence, and after it about how much nothing can be said: never silently.
    fn told(&self, sentence: &str, now: Timestamp) -> String {
        let Some(found) = &self.found else { return sentence.into() };
        let mut told = sentence.to_owned();
        let end_of_life = found.matched.end_of_life.as_ref().and_then(|end| end.warning(&now.to_string()));
        end_of_life.iter().for_each(|warning| told.push_str(&format!(" {warning}.")));
        let undecided = &*found.matched.undecided;
        match (undecided, unsupported(&found.inventory, undecided)) {
            ([first, ..], _) => {
                let count = undecided.len();
                told.push_str(&format!(" {count} packages could not be judged, the first since {}", first.reason));
            }
            ([], Some(reason)) => told.push_str(&format!(" Its packages could not be judged: {reason}")),
            ([], None) => {}
        }
        told
    }

    /// Whether there are findings to speak of.
    fn is_told(&self, image: &ImageSummary) -> bool {
        image.status == ImageStatus::Active && self.scan.status == Status::Complete
    }

    /// Findings from a place on, in the order in which they are shown, and whether there are more.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub(crate) async fn page(
        &self,
        scans: &Scans,
        asked: &Asked<'_>,
        after: Option<&FindingPlace>,
        count: usize,
    ) -> Result<(Option<ImageScanFindings>, Option<FindingPlace>), Fault> {
        let Some(found) = self.found.as_deref().filter(|_| self.is_told(asked.image)) else { return Ok((None, None)) };
        // Inspector's shape has a word for what is suppressed, BASIC's has none.
        let is_shown = |finding: &&Finding| asked.kind == ScanKind::Enhanced || finding.suppressed.is_none();
        let mut shown: Vec<(FindingPlace, &Finding)> =
            found.shown(asked.kind).filter(is_shown).map(|finding| (FindingPlace::of(finding), finding)).collect();
        shown.sort_by(|a, b| a.0.cmp(&b.0));
        shown.retain(|(place, _)| after.is_none_or(|after| place > after));
        let next = (shown.len() > count).then(|| shown[count - 1].0.clone());
        let page: Vec<&Finding> = shown.into_iter().take(count).map(|(_, finding)| finding).collect();
        let mut findings = ImageScanFindings {
            finding_severity_counts: Some(counts(found, asked.kind)),
            image_scan_completed_at: self.scan.finished_at.map(Epoch),
            vulnerability_source_updated_at: source_at(found),
            ..ImageScanFindings::default()
        };
        match asked.kind {
            ScanKind::Basic => findings.findings = Some(page.into_iter().map(basic::show).collect()),
            ScanKind::Enhanced => {
                let first_seen = scans.first_seen(asked.repository, asked.image.pushed_at, &page).await?;
                let uses = scans.uses(asked.cx, asked.repository, &asked.image.digest).await?;
                let shown = self.show_enhanced(asked, &found.inventory, (&first_seen, &uses), &page);
                findings.enhanced_findings = Some(shown);
            }
        }
        Ok((Some(findings), next))
    }

    /// Shows findings in Inspector's shape, by since when they are known, and who runs the image.
    fn show_enhanced(
        &self,
        asked: &Asked<'_>,
        inventory: &Inventory,
        (first_seen, uses): (&FirstSeen, &[ImageUse]),
        page: &[&Finding],
    ) -> Vec<EnhancedImageScanFinding> {
        let (account, pushed_at) = (asked.cx.account.to_string(), asked.image.pushed_at.to_string());
        let platform = inventory.distribution.as_ref().map(platform_of);
        let ecr = EcrImage {
            account: &account,
            region: asked.site.region.as_str(),
            repository: asked.repository.name.as_str(),
            digest: &asked.image.digest,
            tags: &asked.image.tags,
            architecture: inventory.architecture(),
            platform: platform.as_deref(),
            pushed_at: &pushed_at,
        };
        let image = enhanced::Image { asked, scan: &self.scan, ecr, uses };
        let layers = inventory.package_layers();
        let source_layer = |finding: &Finding| {
            let lowest = layers.get(&finding.package.key())?.first()?;
            inventory.layer_digests.get(*lowest as usize).cloned()
        };
        let show = |finding: &&Finding| enhanced::show(&image, finding, first_seen.of(finding), source_layer(finding));
        page.iter().map(show).collect()
    }

    /// Adds to what is shown of an image how it was scanned.
    pub(crate) fn summarise(
        &self,
        image: &ImageSummary,
        scanning: (ScanKind, ScanFrequency),
        now: Timestamp,
        detail: &mut ImageDetail,
    ) {
        detail.image_scan_status = Some(self.status(image, scanning, now));
        let Some(found) = self.found.as_deref().filter(|_| self.is_told(image)) else { return };
        detail.image_scan_findings_summary = Some(ImageScanFindingsSummary {
            finding_severity_counts: Some(counts(found, scanning.0)),
            image_scan_completed_at: self.scan.finished_at.map(Epoch),
            vulnerability_source_updated_at: source_at(found),
        });
    }
}

fn source_at(found: &ImageFindings) -> Option<Epoch> {
    found.advisories_at.as_deref()?.parse().ok().map(Epoch)
}

fn counts(found: &ImageFindings, kind: ScanKind) -> BTreeMap<FindingSeverity, i32> {
    let counts = count_by_severity(found.shown(kind)).into_iter();
    counts.map(|(word, count)| (severity(word), i32::try_from(count).unwrap_or(i32::MAX))).collect()
}

fn severity(severity: Severity) -> FindingSeverity {
    match severity {
        Severity::Undefined => FindingSeverity::Undefined,
        Severity::Informational => FindingSeverity::Informational,
        Severity::Low => FindingSeverity::Low,
        Severity::Medium => FindingSeverity::Medium,
        Severity::High => FindingSeverity::High,
        Severity::Critical => FindingSeverity::Critical,
    }
}

/// A page that tells more: the source's first, else the CVE list's own.
fn page_of(finding: &Finding) -> Option<String> {
    let cve = || finding.id.starts_with("CVE-").then(|| format!("https://www.cve.org/CVERecord?id={}", finding.id));
    finding.references.first().cloned().or_else(cve)
}

/// How a scan that was just asked for stands.
pub(crate) fn begun() -> ImageScanStatus {
    ImageScanStatus { status: Some(ScanStatus::InProgress), description: None }
}

/// The image was never scanned.
pub(crate) fn not_found(cx: &Cx, repository: &Repository, id: &ImageIdentifier) -> Fault {
    let message = format!(
        "Image scan does not exist for the image with '{}' in the repository with name '{}' in the registry with id '{}'",
        image::print_id(id),
        repository.name,
        cx.account
    );
    Fault::new(FaultKind::ScanNotFound, message)
}

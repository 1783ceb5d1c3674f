//! What consumers of the outbox are told: that a scan ended, and which flaws came to repositories and went from them. Beside Gantry's own
//! words stands, where all is known that it says, the event as EventBridge delivers it for ECR and Inspector.

use crate::scans::{ImageFindings, Scans};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Event, Reader,
    finding_history::FlawPlaceRow,
    manifests,
    scans::{self, ScanState},
    tags,
};
use gantry_registry::ScanKind;
use gantry_scan::{
    Finding, Inventory, Package, Severity, count_by_severity,
    documents::{
        EcrImage,
        events::{self, FindingStatus, Occasion, ScanOutcome},
    },
};
use gantry_words::{Cx, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
};

/// Tags of an image that are told.
const TAGS_MAX: usize = 100;

/// An image of which something is told.
struct Told {
    repository: String,
    digest: String,
    tags: Vec<String>,
    pushed_at: Timestamp,
}

/// A repository that has news: its name, and the image that was pushed last of those that were read, with when that was scanned.
pub(crate) struct Newest {
    pub(crate) name: String,
    pub(crate) image: Option<(Arc<str>, Timestamp)>,
}

/// A flaw that came to a repository, or is otherwise bad than before.
pub(crate) struct Seen<'a> {
    pub(crate) place: &'a FlawPlaceRow,
    pub(crate) severity: &'a str,
    pub(crate) is_known: bool,
}

/// What is told of a flaw, where its coming or going is written down for the first time: several servers may see the same.
#[derive(Clone)]
pub(crate) struct Telling {
    /// The flaw; `None` where it is told of several together.
    pub(crate) of: Option<FlawPlaceRow>,
    /// What has to be kept for the event that closes it, as JSON.
    pub(crate) inspected: Option<String>,
    pub(crate) event: Event,
}

/// What Inspector's event of a flaw was of: enough to close it, when neither the image nor the advisory may be there any more.
#[derive(Serialize, Deserialize)]
struct Inspected {
    digest: String,
    tags: Vec<String>,
    pushed_at: Timestamp,
    first_seen_at: Timestamp,
    severity: Severity,
    title: String,
    package: Package,
}

impl Scans {
    /// Returns what is told of a scan that has ended; nothing of what cannot be scanned. The counts are of what the account's kind of
    /// scanning shows, and there are none while there are no advisories: that is not said to be free of flaws. Inspector tells of the
    /// first scan of an image only.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub(crate) async fn scan_event(
        &self,
        cx: &Cx,
        place: (i64, &str, &str),
        end: (ScanState, &str),
        inventory: Option<Inventory>,
    ) -> Result<Option<Event>, Fault> {
        let ((repository, name, digest), (state, reason)) = (place, end);
        let outcome = match state {
            ScanState::Complete => ScanOutcome::Complete,
            ScanState::Failed => ScanOutcome::Failed,
            ScanState::Pending | ScanState::Unsupported => return Ok(None),
        };
        let Some(told) = self.told(repository, name, digest).await? else { return Ok(None) };
        let kind = self.kind(cx).await?;
        let found = match inventory {
            Some(inventory) => self.match_inventory(repository, digest, inventory).await?,
            None => ImageFindings::default(),
        };
        let shown: Vec<Finding> = found.shown(kind).cloned().collect();
        let is_known = outcome == ScanOutcome::Failed || found.advisories_at.is_some();
        let is_told = match (kind, outcome) {
            (ScanKind::Enhanced, ScanOutcome::Complete) => is_known && self.is_first(repository, digest).await?,
            _ => is_known,
        };
        let event = is_told.then(|| {
            told.with(cx, &self.region.to_string(), |image| {
                let (id, time) = (fresh_id(&self.env), whole_seconds(self.env.now()));
                let occasion = Occasion { id: &id, time: &time };
                match (kind, outcome) {
                    (ScanKind::Enhanced, ScanOutcome::Complete) => events::initial_scan(image, &shown, &occasion),
                    _ => events::image_scan(image, &shown, outcome, &occasion),
                }
            })
        });
        let counts = found.advisories_at.is_some().then(|| counts(&shown));
        let body = json!({
            "repository": name, "digest": digest, "tags": told.tags, "reason": reason, "counts": counts,
            "status": match outcome { ScanOutcome::Complete => "COMPLETE", ScanOutcome::Failed => "FAILED" },
            "eventBridge": event,
        });
        Ok(Some(Event { kind: "image.scanned", repository: Some(repository), body }))
    }

    /// Whether no scan of an image has ended before.
    async fn is_first(&self, repository: i64, digest: &str) -> Result<bool, Fault> {
        let wanted = digest.to_string();
        let known = self.metadata.read(move |rows| scans::find(rows, repository, &wanted)).await?;
        Ok(known.is_none_or(|scan| scan.finished_at.is_none()))
    }

    /// Returns what is told of flaws that came to repositories of an account.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub(crate) async fn seen_events(
        &self,
        cx: &Cx,
        seen: &[Seen<'_>],
        repositories: &BTreeMap<i64, Newest>,
    ) -> Result<Vec<Telling>, Fault> {
        let mut images: HashMap<i64, Option<(Told, Arc<ImageFindings>)>> = HashMap::new();
        let mut told = Vec::new();
        for one in seen {
            let id = one.place.repository;
            let Some(newest) = repositories.get(&id) else { continue };
            let image = match images.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.newest_findings(id, newest).await?),
            };
            let inspected = image.as_ref().and_then(|(image, found)| {
                let finding = found.matched.findings.iter().find(|finding| is_of(finding, one.place))?;
                Some((image, finding))
            });
            let mut body = flaw(&newest.name, one.place);
            body["severity"] = json!(one.severity);
            body["eventBridge"] = json!(inspected.map(|(image, finding)| {
                // Since when is not known yet where it is new: now.
                self.inspector(cx, image, finding, FindingStatus::Active, self.env.now())
            }));
            let kept = inspected.map(|(image, finding)| Inspected::of(image, finding, self.env.now()));
            let inspected = kept.map(|kept| serde_json::to_string(&kept).map_err(Fault::internal)).transpose()?;
            let kind = if one.is_known { "finding.changed" } else { "finding.appeared" };
            let event = Event { kind, repository: Some(id), body };
            told.push(Telling { of: Some(one.place.clone()), inspected, event });
        }
        Ok(told)
    }

    /// Returns what is told of flaws that went from repositories with these names. `told` is what was kept when they came.
    pub(crate) fn gone_events(
        &self,
        cx: &Cx,
        gone: &[FlawPlaceRow],
        told: &BTreeMap<FlawPlaceRow, String>,
        repositories: &BTreeMap<i64, Newest>,
    ) -> Vec<Telling> {
        let telling = |place: &FlawPlaceRow| {
            let name = &repositories.get(&place.repository)?.name;
            let mut body = flaw(name, place);
            let kept = told.get(place).and_then(|text| serde_json::from_str::<Inspected>(text).ok());
            body["eventBridge"] = json!(kept.map(|kept| {
                let (image, finding, first_seen_at) = kept.take_apart(name, &place.flaw);
                self.inspector(cx, &image, &finding, FindingStatus::Closed, first_seen_at)
            }));
            let event = Event { kind: "finding.gone", repository: Some(place.repository), body };
            Some(Telling { of: Some(place.clone()), inspected: None, event })
        };
        gone.iter().filter_map(telling).collect()
    }

    /// Writes Inspector's event of a finding.
    fn inspector(
        &self,
        cx: &Cx,
        image: &Told,
        finding: &Finding,
        status: FindingStatus,
        first_seen_at: Timestamp,
    ) -> Value {
        let (id, time) = (fresh_id(&self.env), whole_seconds(self.env.now()));
        let (occasion, first_seen) = (Occasion { id: &id, time: &time }, whole_seconds(first_seen_at));
        let written = |ecr: &EcrImage<'_>| events::finding(ecr, finding, status, &first_seen, &occasion);
        image.with(cx, &self.region.to_string(), written)
    }

    async fn newest_findings(
        &self,
        repository: i64,
        newest: &Newest,
    ) -> Result<Option<(Told, Arc<ImageFindings>)>, Fault> {
        let Some((digest, scanned_at)) = &newest.image else { return Ok(None) };
        let Some(told) = self.told(repository, &newest.name, digest).await? else { return Ok(None) };
        Ok(self.findings_of(repository, digest, *scanned_at).await?.map(|found| (told, found)))
    }

    /// What there is to say of an image itself; `None` where it is gone.
    async fn told(&self, repository: i64, name: &str, digest: &str) -> Result<Option<Told>, Fault> {
        let wanted = digest.to_string();
        let look = move |rows: &mut Reader| {
            let row = manifests::find(rows, repository, &wanted)?;
            Ok(row.map(|row| row.pushed_at).zip(Some(tags::of_image(rows, repository, &wanted, TAGS_MAX)?)))
        };
        let found = self.metadata.read(look).await?;
        let told = |(pushed_at, tags)| Told { repository: name.into(), digest: digest.into(), tags, pushed_at };
        Ok(found.map(told))
    }
}

/// Returns what is told where more happened at once than is told one by one.
pub(crate) fn more_event(appeared: usize, gone: usize) -> Telling {
    let body = json!({"appeared": appeared, "gone": gone});
    Telling { of: None, inspected: None, event: Event { kind: "finding.more", repository: None, body } }
}

fn flaw(repository: &str, place: &FlawPlaceRow) -> Value {
    json!({"repository": repository, "id": place.flaw, "type": place.kind, "package": place.package})
}

fn is_of(finding: &Finding, place: &FlawPlaceRow) -> bool {
    let package = &finding.package;
    finding.id == place.flaw && package.name == place.package && package.kind.name() == place.kind
}

fn counts(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    count_by_severity(findings).into_iter().map(|(severity, count)| (severity.name(), count)).collect()
}

impl Inspected {
    fn of(image: &Told, finding: &Finding, first_seen_at: Timestamp) -> Self {
        let Told { repository: _, digest, tags, pushed_at } = image;
        let package = Package { licences: Vec::new(), sha1: None, ..finding.package.clone() };
        Inspected {
            digest: digest.clone(),
            tags: tags.clone(),
            pushed_at: *pushed_at,
            first_seen_at,
            severity: finding.severity,
            title: finding.title.clone(),
            package,
        }
    }

    /// The image in the repository `name` and the finding that it had, with when that was told.
    fn take_apart(self, name: &str, flaw: &str) -> (Told, Finding, Timestamp) {
        let Inspected { digest, tags, pushed_at, first_seen_at, severity, title, package } = self;
        let finding = Finding { severity, title, ..Finding::new(flaw, package) };
        (Told { repository: name.into(), digest, tags, pushed_at }, finding, first_seen_at)
    }
}

impl Told {
    fn with(&self, cx: &Cx, region: &str, write: impl FnOnce(&EcrImage<'_>) -> Value) -> Value {
        let (account, pushed_at) = (cx.account.to_string(), whole_seconds(self.pushed_at));
        write(&EcrImage {
            account: &account,
            region,
            repository: &self.repository,
            digest: &self.digest,
            tags: &self.tags,
            architecture: None,
            platform: None,
            pushed_at: &pushed_at,
        })
    }
}

/// A time as EventBridge writes it: RFC 3339 in UTC, whole seconds.
fn whole_seconds(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// A UUID that nobody has (RFC 9562, version 4).
fn fresh_id(env: &Env) -> String {
    let number = u128::from_be_bytes(env.random());
    let number = number & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests;

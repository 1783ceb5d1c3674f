use crate::{
    acts::{CURSOR, SeePushes},
    attached,
    scans::{Scan, Scans},
};
use gantry_fault::Fault;
use gantry_metadata::{Reader, accounts, manifests, repositories, scans, site_settings, trail, trail::ImageEventRow};
use gantry_oci::media_type;
use gantry_registry::{DocumentKind, Repository, RepositoryRules, ScanFrequency, ScanningConfiguration};
use gantry_scan::ATTACHED_TYPES;
use gantry_words::{AccountId, Cx};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap, hash_map::Entry};

/// Events looked at in one go.
const BATCH: usize = 200;
/// Events that were not looked at yet, among which that of one push is looked for. There are so many only where hundreds are pushed
/// at once; then it is not known for a moment that the scan will come.
const FORESEEN_MAX: usize = 1_000;

/// What a push tells.
#[derive(Deserialize)]
struct Pushed {
    repository: String,
    digest: String,
}

/// What any event of images tells.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Happened {
    digest: Option<String>,
    /// Others that went the same way.
    #[serde(default)]
    digests: Vec<String>,
    with: Option<Vec<String>>,
    #[serde(default)]
    tags: Vec<String>,
    /// The one that was moved or removed by itself.
    tag: Option<String>,
    subject: Option<String>,
    /// What an index named that is gone.
    #[serde(default)]
    children: Vec<String>,
    media_type: Option<String>,
    artifact_type: Option<String>,
}

impl Scans {
    /// Asks for scans of what was pushed since it was looked last, where that is wished, and of images on which other documents hang
    /// than when they were read; says how much happened.
    pub(crate) async fn see_pushes(&self, cx: &Cx) -> Result<usize, Fault> {
        let mut count = 0;
        loop {
            let seen = self.metadata.read(look).await?;
            let Some(last) = seen.events.last().map(|event| event.id) else { return Ok(count) };
            count += seen.events.len();
            let is_all = seen.events.len() < BATCH;
            let again = self.outdated(&seen.events).await?;
            let pushes = seen.events.into_iter().filter(|event| event.kind == "image.pushed").collect();
            let images = self.wished(cx, pushes).await?;
            let until = trail::settled(&self.metadata, last, cx.now);
            if images.is_empty() && again.is_empty() && until <= seen.cursor {
                return Ok(count);
            }
            let until = until.max(seen.cursor);
            self.metadata.perform(cx, SeePushes { images, again, until }).await?;
            if is_all || until < last {
                return Ok(count);
            }
        }
    }

    /// The images on which other documents hang than when they were read, of those of which these events may tell so.
    async fn outdated(&self, events: &[ImageEventRow]) -> Result<Vec<(i64, String)>, Fault> {
        let read =
            |event: &ImageEventRow| Some((event.repository, serde_json::from_str::<Happened>(&event.body).ok()?));
        let happened: Vec<(i64, Happened)> =
            events.iter().filter_map(read).filter(|(_, told)| told.may_matter()).collect();
        if happened.is_empty() {
            return Ok(Vec::new());
        }
        let look = move |rows: &mut Reader| {
            let mut bearers = BTreeSet::new();
            for (repository, told) in &happened {
                bearers.extend(told.bearers(rows, *repository)?.into_iter().map(|digest| (*repository, digest)));
            }
            let mut outdated = Vec::new();
            for (repository, digest) in bearers {
                if attached::is_outdated(rows, repository, &digest)? {
                    outdated.push((repository, digest));
                }
            }
            Ok(outdated)
        };
        self.metadata.read_long(look).await
    }

    /// Of these pushes, those that are to be scanned at once.
    async fn wished(&self, cx: &Cx, pushes: Vec<ImageEventRow>) -> Result<Vec<(i64, String)>, Fault> {
        let mut configurations: HashMap<AccountId, ScanningConfiguration> = HashMap::new();
        // Most of a batch goes to a few repositories.
        let ids: BTreeSet<i64> = pushes.iter().map(|pushed| pushed.repository).collect();
        let look = move |rows: &mut Reader| {
            let look = |id: i64| Ok((id, (accounts::of_repository(rows, id)?, repositories::by_id(rows, id)?)));
            ids.into_iter().map(look).collect::<Result<HashMap<_, _>, Fault>>()
        };
        let known = self.metadata.read_long(look).await?;
        let mut images = Vec::new();
        for pushed in pushes {
            let Ok(Pushed { repository, digest }) = serde_json::from_str(&pushed.body) else { continue };
            let id = pushed.repository;
            let Some((Some(account), Some(row))) = known.get(&id) else { continue };
            let account = *account;
            let configuration = match configurations.entry(account) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(self.configuration(&Cx { account, ..cx.clone() }).await?),
            };
            let on_push = RepositoryRules::read(&row.settings)?.scans_on_push;
            let applied = configuration.applied(&repository, on_push);
            let is_gated = self.rules.now().governing(account, &repository).is_some();
            if is_scanned_on_push(applied.frequency, is_gated) {
                images.push((id, digest));
            }
        }
        Ok(images)
    }

    /// Returns how the scan of an image stands, also where it was pushed a moment ago, to be scanned, and nobody has looked at that push
    /// yet; `None` where no scan was asked for, or will be because of a push.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn find_or_foresee(&self, cx: &Cx, repository: &Repository, digest: &str) -> Result<Option<Scan>, Fault> {
        let known = self.find(repository, digest).await?;
        if known.is_some() || !self.scans_pushes_to(cx, repository).await? {
            return Ok(known);
        }
        let (id, wanted) = (repository.id, digest.to_string());
        let look = move |rows: &mut Reader| {
            let from = cursor(rows)?;
            let events = trail::of_images(rows, from, FORESEEN_MAX)?;
            // After those: whose push was looked at meanwhile is found then.
            Ok((events, scans::find(rows, id, &wanted)?))
        };
        let (events, row) = self.metadata.read(look).await?;
        Ok(match row {
            Some(row) => Some(row.into()),
            None => is_pushed(&events, repository.id, digest).then(|| Scan::asked(cx.now)),
        })
    }

    /// Whether images are scanned that are pushed to a repository of this account.
    pub(crate) async fn scans_pushes_to(&self, cx: &Cx, repository: &Repository) -> Result<bool, Fault> {
        let name = repository.name.as_str();
        let applied = self.configuration(cx).await?.applied(name, repository.rules.scans_on_push);
        let is_gated = self.rules.now().governing(cx.account, name).is_some();
        Ok(is_scanned_on_push(applied.frequency, is_gated))
    }

    /// What an account wants scanned.
    pub(crate) async fn configuration(&self, cx: &Cx) -> Result<ScanningConfiguration, Fault> {
        let found = self.registry.documents.find(cx, None, DocumentKind::ScanningConfiguration, "").await?;
        match found {
            Some(document) => serde_json::from_str(&document.body).map_err(Fault::internal),
            None => Ok(ScanningConfiguration::default()),
        }
    }
}

/// Whether an image is scanned when it is pushed: where that is wished, and where there is a gate, which without a scan knows nothing.
pub(crate) fn is_scanned_on_push(frequency: ScanFrequency, is_gated: bool) -> bool {
    is_gated || frequency != ScanFrequency::Manual
}

/// Whether these events tell that an image was pushed.
fn is_pushed(events: &[ImageEventRow], repository: i64, digest: &str) -> bool {
    let of_repository = events.iter().filter(|event| event.kind == "image.pushed" && event.repository == repository);
    let mut pushes = of_repository.filter_map(|event| serde_json::from_str::<Pushed>(&event.body).ok());
    pushes.any(|pushed| pushed.digest == digest)
}

impl Happened {
    /// Whether it may tell of a document that came or went. Most are pushes of images, and tell of none.
    fn may_matter(&self) -> bool {
        let is_index = |kind: &str| [media_type::OCI_INDEX, media_type::DOCKER_MANIFEST_LIST].contains(&kind);
        match &self.media_type {
            // A push.
            Some(kind) => is_index(kind) || self.subject().is_some() || self.attested().next().is_some(),
            None => self.tag.is_none() || self.attested().next().is_some(),
        }
    }

    /// What it refers to, where it may say something of that.
    fn subject(&self) -> Option<&str> {
        let is_other = self.artifact_type.as_deref().is_some_and(|kind| !ATTACHED_TYPES.contains(&kind));
        self.subject.as_deref().filter(|_| !is_other)
    }

    /// Of which manifests it is an attestation, by tags that cosign makes of their digests.
    fn attested(&self) -> impl Iterator<Item = String> {
        let digest = |tag: &String| Some(tag.strip_suffix(".att")?.replacen('-', ":", 1));
        self.tags.iter().chain(&self.tag).filter_map(digest)
    }

    /// The images of which something may be said anew.
    fn bearers(&self, rows: &mut Reader, repository: i64) -> Result<Vec<String>, Fault> {
        let mut subjects: BTreeSet<String> = self.attested().chain(self.subject().map(str::to_string)).collect();
        let mut bearers = self.children.clone();
        for digest in self.digest.iter().chain(&self.digests).chain(self.with.iter().flatten()) {
            let Some(row) = manifests::find(rows, repository, digest)? else { continue };
            match row.kind.as_str() {
                "index" => bearers.extend(attached::told_of_by(rows, repository, digest)?),
                _ => subjects.extend(row.subject.filter(|_| self.media_type.is_none())),
            }
        }
        for subject in &subjects {
            bearers.extend(attached::bearers(rows, repository, subject)?);
        }
        Ok(bearers)
    }
}

struct Seen {
    cursor: i64,
    events: Vec<ImageEventRow>,
}

fn look(rows: &mut Reader) -> Result<Seen, Fault> {
    let cursor = cursor(rows)?;
    Ok(Seen { cursor, events: trail::of_images(rows, cursor, BATCH)? })
}

/// Up to which event pushes were looked at.
fn cursor(rows: &mut Reader) -> Result<i64, Fault> {
    Ok(site_settings::find(rows, CURSOR)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, repository: i64, digest: &str) -> ImageEventRow {
        let body = serde_json::json!({"repository": "team/app", "digest": digest}).to_string();
        ImageEventRow { id: 1, repository, kind: kind.into(), body }
    }

    #[test]
    fn only_the_push_of_the_image_itself_means_that_its_scan_will_be_asked_for() {
        let is_pushed = |event| is_pushed(&[event], 7, "sha256:aa");

        assert!(is_pushed(event("image.pushed", 7, "sha256:aa")));
        assert!(!is_pushed(event("image.pushed", 7, "sha256:bb")));
        assert!(!is_pushed(event("image.pushed", 8, "sha256:aa")));
        assert!(!is_pushed(event("image.restored", 7, "sha256:aa")));
    }

    #[test]
    fn without_a_wish_only_a_gate_has_a_push_scanned() {
        let scanned = |frequency| [false, true].map(|is_gated| is_scanned_on_push(frequency, is_gated));

        assert_eq!(scanned(ScanFrequency::Manual), [false, true]);
        assert_eq!(scanned(ScanFrequency::ScanOnPush), [true, true]);
        assert_eq!(scanned(ScanFrequency::ContinuousScan), [true, true]);
    }
}

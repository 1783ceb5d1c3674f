use crate::{Blobs, collection::TakeLease, ports::Ports, repositories, repositories::Repository};
use gantry_env::Ids;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Trail, Tx, Write, manifests,
    manifests::BodyRow,
    search_index::{self, ImageKey, Property},
    site_settings, trail,
    trail::ImageEventRow,
};
use gantry_oci::{Descriptor, Digest, Kind, Manifest, ManifestLimits, Platform, media_type};
use gantry_words::{Cx, Timestamp};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

/// Bytes of a configuration; a larger one says nothing.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Labels of an image: more than any has that was not made to harm.
const LABELS_MAX: usize = 128;
/// Bytes of a label's name. One with a longer name is left out.
const LABEL_NAME_BYTES_MAX: usize = 256;
/// Bytes of a label's value that are kept: PostgreSQL's indexes take no more than 2,704 in a row.
const LABEL_VALUE_BYTES_MAX: usize = 1_024;
/// Platforms of an index.
const PLATFORMS_MAX: usize = 128;
/// Bytes of a platform. A longer one is left out.
const PLATFORM_BYTES_MAX: usize = 256;

/// How often it is looked whether something was pushed.
const EVERY: Duration = Duration::from_secs(1);
/// Images that are read in one go.
const BATCH: usize = 100;
/// Within how long after the last event pushes are taken to go on: they come first, and only so many images are read as one batch holds
/// each time that it is looked.
const BUSY: Duration = Duration::from_secs(2);
/// When an image is tried again whose configuration cannot be read now: it is in the archive, its key is off, its bytes are damaged.
const LATER: Duration = Duration::from_secs(24 * 3600);
/// For how long no other server does it.
const LEASE: Duration = Duration::from_secs(120);
/// Under which name it is remembered up to which event pushes were looked at.
const CURSOR: &str = "search.events_seen";
/// Under which name it is remembered up to which image those were read that there were before: a repository and a digest, or [`DONE`].
const READ_UNTIL: &str = "search.read_until";
const DONE: &str = "done";

/// The room for what searches look in: labels and platforms of images, and the orders of all. It is filled after the push, not by it.
#[derive(Clone)]
pub struct SearchIndex {
    ports: Arc<Ports>,
    blobs: Blobs,
}

/// Where images come from that are not in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// Nowhere.
    Nothing,
    /// From pushes, up to an event.
    Pushed { images: Vec<ImageKey>, last: i64 },
    /// From before there was an index, up to an image, or all of them.
    Before { images: Vec<ImageKey>, until: Option<ImageKey> },
    /// They could not be read before.
    Again { images: Vec<ImageKey> },
}

impl SearchIndex {
    pub(crate) fn new(ports: Arc<Ports>, blobs: Blobs) -> Self {
        SearchIndex { ports, blobs }
    }

    /// How long it rests between two rounds.
    pub fn every(&self) -> Duration {
        EVERY
    }

    /// Reads the configurations of the images that were pushed since the last round, of those from before there was an index, and of
    /// those that could not be read; returns of how many. `holder` names this server among those that share the database: one of them
    /// does it.
    ///
    /// # Errors
    /// The metadata cannot be read or written; the next round goes on. A configuration that cannot be read is tried again a day later.
    pub async fn round(&self, cx: &Cx, holder: &str) -> Result<usize, Fault> {
        let env = &self.ports.env;
        let mut remembered = self.begin(cx).await?;
        let (mut after, mut count) = (remembered, 0);
        loop {
            let (began, now) = (env.elapsed(), env.now());
            let cx = Cx { now, ..cx.clone() };
            let found = self.ports.metadata.read_long(move |rows| next(rows, after, now)).await?;
            if found == Next::Nothing || !self.lease(&cx, holder).await? {
                return Ok(count);
            }
            match found {
                Next::Nothing => return Ok(count),
                Next::Pushed { images, last } => {
                    count += self.read_missing(&cx, images).await?;
                    after = last;
                    let settled = trail::settled(&self.ports.metadata, last, self.ports.env.now());
                    if settled > remembered {
                        remembered = settled;
                        let value = settled.to_string();
                        self.ports.metadata.perform(&cx, Remember { name: CURSOR, value }).await?;
                    }
                }
                Next::Before { images, until } => {
                    count += self.read_missing(&cx, images).await?;
                    let value = until.map_or(DONE.into(), |(repository, digest)| format!("{repository} {digest}"));
                    self.ports.metadata.perform(&cx, Remember { name: READ_UNTIL, value }).await?;
                }
                Next::Again { images } => count += self.read(&cx, images).await?,
            }
            let last = self.ports.metadata.read(trail::last_event).await?;
            let is_busy = last >= Ids::first_at(env.now().minus(BUSY));
            if is_busy && count >= BATCH {
                return Ok(count);
            }
            // As long again for everybody else.
            env.sleep(env.elapsed().saturating_sub(began)).await;
        }
    }

    async fn lease(&self, cx: &Cx, holder: &str) -> Result<bool, Fault> {
        // Alone with the database, a lease is one of a process that has died.
        if self.ports.metadata.owns_alone() {
            return Ok(true);
        }
        let until = self.ports.env.now().plus(LEASE);
        self.ports.metadata.perform(cx, TakeLease { name: "search-index", holder: holder.into(), until }).await
    }

    /// Returns from which event on pushes are looked at. The first time that is the last one: all that was pushed before is read from
    /// the manifests.
    async fn begin(&self, cx: &Cx) -> Result<i64, Fault> {
        let look = |rows: &mut Reader| Ok((site_settings::find(rows, CURSOR)?, trail::last_event(rows)?));
        let (cursor, last) = self.ports.metadata.read(look).await?;
        if let Some(cursor) = cursor.and_then(|text| text.parse().ok()) {
            return Ok(cursor);
        }
        let from = trail::settled(&self.ports.metadata, last, self.ports.env.now());
        self.ports.metadata.perform(cx, Remember { name: CURSOR, value: from.to_string() }).await?;
        Ok(from)
    }

    /// Reads those of these images that are not in the index, and puts them there; returns how many.
    async fn read_missing(&self, cx: &Cx, images: Vec<ImageKey>) -> Result<usize, Fault> {
        let missing = self.ports.metadata.read_long(move |rows| search_index::missing(rows, &images)).await?;
        self.read(cx, missing).await
    }

    /// Reads images, and puts them into the index; returns how many.
    async fn read(&self, cx: &Cx, images: Vec<ImageKey>) -> Result<usize, Fault> {
        let mut by_repository: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for (repository, digest) in images {
            by_repository.entry(repository).or_default().insert(digest);
        }
        let mut count = 0;
        for (repository, digests) in by_repository {
            count += digests.len();
            self.read_some(cx, repository, digests).await?;
        }
        Ok(count)
    }

    /// Reads images of one repository, and notes what they say.
    async fn read_some(&self, cx: &Cx, repository: i64, digests: BTreeSet<String>) -> Result<(), Fault> {
        let bytes_max = self.ports.settings.limits.manifest_bytes_max.get() as usize;
        let limits = ManifestLimits { bytes_max, ..ManifestLimits::default() };
        let look = move |rows: &mut Reader| {
            let mut found = Vec::with_capacity(digests.len());
            for digest in digests {
                let body = manifests::stored_body(rows, repository, &digest)?;
                found.push((digest, body.map_or(Said::Properties(Vec::new()), |body| said(&body, &limits))));
            }
            Ok(found)
        };
        let found = self.ports.metadata.read_long(look).await?;
        let cx = self.ports.cx_of(cx, repository).await?;
        // Gone where all of its images are in the trash: then they are read when they come back.
        let place = repositories::by_id(&self.ports, repository).await?;
        let (mut read, mut configs) = (Vec::with_capacity(found.len()), HashMap::new());
        for (digest, said) in found {
            let properties = match (said, &place) {
                (Said::Properties(properties), _) => Some(properties),
                (Said::Config(config), Some(place)) => self.read_config(&cx, place, config, &mut configs).await?,
                (Said::Config(_), None) => None,
            };
            read.push((digest, properties));
        }
        let later = cx.now.plus(LATER);
        self.ports.metadata.perform(&cx, IndexImages { repository, read, later }).await
    }

    /// Returns what a configuration says; `None` where it cannot be read now. `configs` are those of this repository that were read.
    async fn read_config(
        &self,
        cx: &Cx,
        repository: &Repository,
        config: Digest,
        configs: &mut HashMap<Digest, Vec<Property>>,
    ) -> Result<Option<Vec<Property>>, Fault> {
        if let Some(known) = configs.get(&config) {
            return Ok(Some(known.clone()));
        }
        match self.blobs.read_small(cx, repository, &config, CONFIG_BYTES_MAX).await {
            Ok(bytes) => {
                let properties = of_config(&bytes.unwrap_or_default());
                configs.insert(config, properties.clone());
                Ok(Some(properties))
            }
            Err(fault) => {
                tracing::debug!(blob.digest = %config, "the configuration {config} is read later: {fault}");
                Ok(None)
            }
        }
    }
}

/// Whether all images are in the index but those of the last moments.
pub(crate) fn is_complete(rows: &mut Reader) -> Result<bool, Fault> {
    Ok(site_settings::find(rows, READ_UNTIL)?.is_some_and(|until| until == DONE))
}

/// Notes that all images are in the index.
#[cfg(test)]
pub(crate) fn complete(tx: &mut Tx) -> Result<(), Fault> {
    let now = tx.now();
    site_settings::put(tx, READ_UNTIL, DONE, now)
}

/// Says which images are read next; `after` is the last event that was looked at. What was pushed since comes first.
fn next(rows: &mut Reader, after: i64, now: Timestamp) -> Result<Next, Fault> {
    let events = trail::of_images(rows, after, BATCH)?;
    if let Some(last) = events.last().map(|event| event.id) {
        let images = events.into_iter().filter(|event| event.kind == "image.pushed").filter_map(pushed).collect();
        return Ok(Next::Pushed { images, last });
    }
    let until = site_settings::find(rows, READ_UNTIL)?.unwrap_or_default();
    if until != DONE {
        let (repository, digest) = until.split_once(' ').unwrap_or_default();
        let images = search_index::each(rows, (repository.parse().unwrap_or(i64::MIN), digest), BATCH)?;
        let until = images.last().filter(|_| images.len() == BATCH).cloned();
        return Ok(Next::Before { images, until });
    }
    let images = search_index::unread(rows, now, BATCH)?;
    Ok(if images.is_empty() { Next::Nothing } else { Next::Again { images } })
}

/// What a push tells.
#[derive(Deserialize)]
struct Pushed {
    digest: String,
}

fn pushed(event: ImageEventRow) -> Option<ImageKey> {
    let Pushed { digest } = serde_json::from_str(&event.body).ok()?;
    Some((event.repository, digest))
}

/// What the manifest of an image says of it.
enum Said {
    /// All that there is.
    Properties(Vec<Property>),
    /// That its configuration says more.
    Config(Digest),
}

fn said(body: &BodyRow, limits: &ManifestLimits) -> Said {
    match Manifest::parse(&body.body, Some(&body.media_type), limits) {
        Ok(manifest) => match image_config(&manifest) {
            Some(config) => Said::Config(config.digest.clone()),
            None => Said::Properties(of_index(&manifest)),
        },
        Err(_) => Said::Properties(Vec::new()),
    }
}

/// The configuration of an image; none of what is no image of a container.
fn image_config(manifest: &Manifest) -> Option<&Descriptor> {
    let is_image = |config: &&Descriptor| {
        [media_type::OCI_CONFIG, media_type::DOCKER_CONFIG].contains(&config.media_type.as_str())
    };
    manifest.config.as_ref().filter(is_image)
}

/// Returns the platforms that an index names, each once.
fn of_index(manifest: &Manifest) -> Vec<Property> {
    if manifest.kind != Kind::Index {
        return Vec::new();
    }
    let named = manifest.manifests.iter().filter_map(|child| child.platform.as_ref());
    let platforms: BTreeSet<String> = named
        .filter_map(|Platform { os, architecture, variant, .. }| platform(os, architecture, variant.as_deref()))
        .collect();
    platforms.into_iter().take(PLATFORMS_MAX).map(Property::Platform).collect()
}

/// What is read of a configuration (OCI Image 1.1.1, "Image Configuration"; Docker's is the same here).
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    config: Option<RunConfig>,
}

#[derive(Deserialize)]
struct RunConfig {
    #[serde(rename = "Labels", default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Returns labels and platform of a configuration; nothing where it is none.
fn of_config(bytes: &[u8]) -> Vec<Property> {
    let Ok(Config { os, architecture, variant, config }) = serde_json::from_slice(bytes) else { return Vec::new() };
    let platform = platform(&os.unwrap_or_default(), &architecture.unwrap_or_default(), variant.as_deref());
    let labels = config.and_then(|config| config.labels).unwrap_or_default();
    let labels = labels.into_iter().filter(|(name, value)| {
        !name.is_empty() && name.len() <= LABEL_NAME_BYTES_MAX && is_storable(name) && is_storable(value)
    });
    let labels = labels.take(LABELS_MAX).map(|(name, mut value)| {
        value.truncate(value.floor_char_boundary(LABEL_VALUE_BYTES_MAX));
        Property::Label { name, value }
    });
    labels.chain(platform.map(Property::Platform)).collect()
}

/// Returns how a platform is written; none where it says nothing, as that of a builder's attestations.
fn platform(os: &str, architecture: &str, variant: Option<&str>) -> Option<String> {
    let is_said = |part: &str| !part.is_empty() && part != "unknown" && is_storable(part);
    if !is_said(os) || !is_said(architecture) {
        return None;
    }
    let variant = variant.filter(|variant| is_said(variant));
    let parts: Vec<_> = [os, architecture].into_iter().chain(variant).collect();
    Some(parts.join("/")).filter(|platform| platform.len() <= PLATFORM_BYTES_MAX)
}

/// Whether both databases take a text.
fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// The act that puts images of a repository into the index. One that is gone meanwhile is forgotten.
struct IndexImages {
    repository: i64,
    /// Digests, with what they say; nothing of those that could not be read.
    read: Vec<(String, Option<Vec<Property>>)>,
    /// When those are tried again.
    later: Timestamp,
}

impl Act for IndexImages {
    /// Those that are there.
    type Seen = BTreeSet<String>;
    type Plan = BTreeSet<String>;
    type Answer = ();
    const NAME: &'static str = "registry.index_images";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<BTreeSet<String>, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let digests = self.read.iter().map(|(digest, _)| digest.as_str());
        Ok(search_index::there(rows, self.repository, digests)?.into_iter().collect())
    }

    fn decide(&self, there: BTreeSet<String>, _: Timestamp) -> Result<BTreeSet<String>, Fault> {
        Ok(there)
    }

    fn apply(&self, tx: &mut Tx, there: BTreeSet<String>) -> Result<(), Fault> {
        search_index::put_order(tx, self.repository, there.iter().map(String::as_str))?;
        for (digest, properties) in &self.read {
            match properties {
                _ if !there.contains(digest) => search_index::forget(tx, self.repository, digest)?,
                Some(properties) => search_index::put(tx, self.repository, digest, properties)?,
                None => search_index::postpone(tx, self.repository, digest, self.later)?,
            }
        }
        Ok(())
    }
}

/// Remembers how far it has come.
struct Remember {
    name: &'static str,
    value: String,
}

impl Write for Remember {
    type Answer = ();
    const NAME: &'static str = "registry.note_indexed";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = "what is read twice is the same";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        site_settings::put(tx, self.name, &self.value, now)
    }
}

#[cfg(test)]
mod tests;

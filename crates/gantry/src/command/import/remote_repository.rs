use super::source::{Damage, Found, Source};
use crate::moving::{DEPTH_MAX, FilesError, MANIFEST_BYTES_MAX, RegistryClient, RegistryError, digest_of, in_parallel};
use gantry_oci::{Algorithm, Digest, Manifest, ManifestLimits, Reference, Tag};
use gantry_words::RepositoryName;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    io::{Cursor, Read},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Bytes of manifests that are kept, so that they are not loaded twice.
const KEPT_BYTES_MAX: usize = 64 << 20;
/// Manifests of a repository at most.
const MANIFESTS_MAX: usize = 2_000_000;

/// One repository of a registry, read over its API.
pub(super) struct RemoteRepository {
    client: Arc<RegistryClient>,
    name: RepositoryName,
    /// Which image of it; all where none is named.
    wanted: Option<Reference>,
    jobs: usize,
    known: Mutex<Known>,
    /// Whether the registry was seen to know nothing of referrers.
    lists_no_referrers: AtomicBool,
}

/// What was seen of a repository.
#[derive(Default)]
struct Known {
    manifests: HashMap<Digest, Arc<[u8]>>,
    /// The manifests that are kept, oldest first, and their bytes.
    order: VecDeque<Digest>,
    kept_bytes: usize,
    /// How many bytes the blobs have that manifests name.
    lengths: HashMap<Digest, u64>,
}

/// What hangs on a manifest.
#[derive(Default)]
struct Neighbours {
    /// What the manifest is, where it does not say so itself.
    media_type: Option<String>,
    children: Vec<Digest>,
    /// With what each is said to be.
    referrers: Vec<(Digest, String)>,
    damage: Option<Damage>,
}

/// A manifest that was loaded.
struct Loaded {
    bytes: Arc<[u8]>,
    manifest: Option<Manifest>,
    /// What the registry says that it is, where that is needed to understand it.
    media_type: Option<String>,
}

impl RemoteRepository {
    pub(super) fn new(
        client: Arc<RegistryClient>,
        name: RepositoryName,
        wanted: Option<Reference>,
        jobs: usize,
    ) -> RemoteRepository {
        let (known, lists_no_referrers) = (Mutex::default(), AtomicBool::new(false));
        RemoteRepository { client, name, wanted, jobs, known, lists_no_referrers }
    }

    /// Looks through it: tags and `others`, what they list, what refers to that, and the tags that are named after it. `None` where
    /// there is no such repository.
    pub(super) fn look_through(&self, others: Vec<Digest>) -> Result<Option<Found>, RegistryError> {
        let Some(listed) = self.client.list_tags(self.name.as_str())? else { return Ok(None) };
        let mut found = Found::default();
        let mut all: Vec<Tag> = Vec::with_capacity(listed.len());
        for tag in listed {
            match tag {
                Ok(tag) => all.push(tag),
                Err((name, error)) => found.damages.push(Damage::new(format!("tag {name}"), error.to_string())),
            }
        }
        let mut frontier = others;
        let tags = match &self.wanted {
            None => std::mem::take(&mut all),
            Some(Reference::Tag(tag)) => vec![tag.clone()],
            Some(Reference::Digest(digest)) => {
                frontier = vec![digest.clone()];
                vec![]
            }
        };
        frontier.iter().for_each(|digest| found.add(digest.clone(), None, None));
        frontier.extend(self.point(&mut found, &tags)?);
        let mut seen: HashSet<Digest> = frontier.iter().cloned().collect();
        frontier = seen.iter().cloned().collect();
        while !frontier.is_empty() {
            self.follow(&mut found, frontier, &mut seen)?;
            // Of one image the tags are wanted too that are named after something of it; of all images they are there already.
            let (attached, rest): (Vec<Tag>, Vec<Tag>) =
                all.into_iter().partition(|tag| subject_of(tag).is_some_and(|digest| seen.contains(&digest)));
            all = rest;
            let new = self.point(&mut found, &attached)?;
            frontier = new.into_iter().filter(|digest| seen.insert(digest.clone())).collect();
        }
        Ok(Some(found))
    }

    /// Finds out where tags point, and notes that; returns where.
    fn point(&self, found: &mut Found, tags: &[Tag]) -> Result<Vec<Digest>, RegistryError> {
        let mut targets = Vec::new();
        for (tag, target) in tags.iter().zip(self.each(tags, |tag| self.target(tag))?) {
            match target {
                Ok(Some(digest)) => {
                    found.add(digest.clone(), None, Some(tag.clone()));
                    targets.push(digest);
                }
                Ok(None) => found.damages.push(Damage::new(format!("tag {tag}"), "it points to nothing")),
                Err(error) => found.damages.push(Damage::new(format!("tag {tag}"), error.to_string())),
            }
        }
        Ok(targets)
    }

    /// Follows manifests to what they list and what refers to them, level by level.
    fn follow(
        &self,
        found: &mut Found,
        mut frontier: Vec<Digest>,
        seen: &mut HashSet<Digest>,
    ) -> Result<(), RegistryError> {
        for _ in 0..2 * DEPTH_MAX {
            let level = self.each(&frontier, |digest| self.neighbours(digest))?;
            let mut next = Vec::new();
            for (digest, neighbours) in frontier.iter().zip(level) {
                if let Some(root) = found.roots.get_mut(digest)
                    && neighbours.media_type.is_some()
                {
                    *root = neighbours.media_type;
                }
                found.damages.extend(neighbours.damage);
                for (referrer, media_type) in neighbours.referrers {
                    found.roots.entry(referrer.clone()).or_insert(Some(media_type));
                    next.push(referrer);
                }
                next.extend(neighbours.children);
            }
            next.retain(|digest| seen.insert(digest.clone()));
            if seen.len() > MANIFESTS_MAX {
                let (host, what) = (self.client.host().to_owned(), "manifests of one repository");
                return Err(RegistryError::TooMany { host, what, most: MANIFESTS_MAX });
            }
            if next.is_empty() {
                break;
            }
            frontier = next;
        }
        // What lies deeper is named by who plans: it is deeper than he goes.
        Ok(())
    }

    /// Does the same with each, several at once.
    ///
    /// # Errors
    /// The registry is gone: what came of each since says nothing of it.
    fn each<T: Sync, R: Send>(&self, items: &[T], act: impl Fn(&T) -> R + Sync) -> Result<Vec<R>, RegistryError> {
        let all = in_parallel(self.jobs, items, |item| Ok(act(item))).unwrap_or_default();
        self.client.check().map(|()| all)
    }

    /// Finds out where a tag points now.
    fn target(&self, tag: &Tag) -> Result<Option<Digest>, RegistryError> {
        match self.client.resolve(self.name.as_str(), tag.as_str())? {
            None => Ok(None),
            Some(Some(digest)) => Ok(Some(digest)),
            Some(None) => {
                let loaded = self.client.manifest(self.name.as_str(), tag.as_str(), MANIFEST_BYTES_MAX)?;
                Ok(loaded.map(|loaded| digest_of(Algorithm::Sha256, &loaded.bytes)))
            }
        }
    }

    /// Finds out what hangs on a manifest. What cannot be loaded is told when it is planned, and nothing hangs on it.
    fn neighbours(&self, digest: &Digest) -> Neighbours {
        let Ok(Some(loaded)) = self.load(digest) else { return Neighbours::default() };
        let children = loaded.manifest.map(|manifest| manifest.manifests).unwrap_or_default();
        let children = children.into_iter().map(|child| child.digest).collect();
        let (referrers, damage) = match self.referrers(digest) {
            Ok(referrers) => (referrers, None),
            Err(error) => (vec![], Some(Damage::new(format!("what refers to {digest}"), error.to_string()))),
        };
        Neighbours { media_type: loaded.media_type, children, referrers, damage }
    }

    fn referrers(&self, subject: &Digest) -> Result<Vec<(Digest, String)>, RegistryError> {
        if self.lists_no_referrers.load(Relaxed) {
            return Ok(vec![]);
        }
        let listed = self.client.list_referrers(self.name.as_str(), subject)?;
        // The manifest is there, so this is what a registry says that keeps referrers under tags instead.
        self.lists_no_referrers.fetch_or(listed.is_none(), Relaxed);
        Ok(listed.unwrap_or_default().into_iter().map(|found| (found.digest, found.media_type)).collect())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads a manifest, and keeps it where its bytes are those of its digest; `None` where it is not there.
    fn load(&self, digest: &Digest) -> Result<Option<Loaded>, RegistryError> {
        let loaded = self.client.manifest(self.name.as_str(), digest.as_str(), MANIFEST_BYTES_MAX)?;
        let Some(document) = loaded else { return Ok(None) };
        let limits = ManifestLimits::default();
        let (manifest, media_type) = match Manifest::parse(&document.bytes, None, &limits) {
            Ok(manifest) => (Some(manifest), None),
            Err(_) => {
                let said = document.media_type();
                let manifest = Manifest::parse(&document.bytes, said, &limits).ok();
                let said = said.filter(|_| manifest.is_some()).map(str::to_owned);
                (manifest, said)
            }
        };
        let is_whole = digest_of(digest.algorithm(), &document.bytes) == *digest;
        let bytes: Arc<[u8]> = document.bytes.into();
        if is_whole {
            self.known().keep(digest, &bytes, manifest.as_ref());
        }
        Ok(Some(Loaded { bytes, manifest: manifest.filter(|_| is_whole), media_type }))
    }
}

impl Known {
    fn keep(&mut self, digest: &Digest, bytes: &Arc<[u8]>, manifest: Option<&Manifest>) {
        for blob in manifest.into_iter().flat_map(Manifest::required_blobs) {
            self.lengths.entry(blob.digest.clone()).or_insert(blob.size);
        }
        if self.manifests.insert(digest.clone(), bytes.clone()).is_none() {
            self.order.push_back(digest.clone());
            self.kept_bytes += bytes.len();
        }
        while self.kept_bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.kept_bytes -= self.manifests.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }
}

impl Source for RemoteRepository {
    /// What a manifest says of a blob that must be there is believed until the blob is read.
    fn length(&self, digest: &Digest) -> Result<Option<u64>, FilesError> {
        if let Some(length) = self.known().lengths.get(digest) {
            return Ok(Some(*length));
        }
        Ok(self.client.blob_length(self.name.as_str(), digest)?)
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        let opened = self.client.open_blob(self.name.as_str(), digest)?;
        Ok(opened.map(|reader| -> Box<dyn Read + Send> { Box::new(reader) }))
    }

    fn open_manifest(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        let kept = self.known().manifests.get(digest).cloned();
        let bytes = match kept {
            Some(bytes) => Some(bytes),
            None => self.load(digest)?.map(|loaded| loaded.bytes),
        };
        Ok(bytes.map(|bytes| -> Box<dyn Read + Send> { Box::new(Cursor::new(bytes)) }))
    }

    fn look(&self, digest: &Digest) -> Option<Result<Option<u64>, FilesError>> {
        Some(self.client.blob_length(self.name.as_str(), digest).map_err(FilesError::from))
    }

    fn tags_now(&self, before: &BTreeMap<Tag, Digest>) -> Result<Option<BTreeMap<Tag, Digest>>, FilesError> {
        let tags: Vec<Tag> = match &self.wanted {
            Some(_) => before.keys().cloned().collect(),
            None => {
                let listed = self.client.list_tags(self.name.as_str())?.unwrap_or_default();
                listed.into_iter().filter_map(Result::ok).collect()
            }
        };
        let mut now = BTreeMap::new();
        for (tag, target) in tags.iter().zip(self.each(&tags, |tag| self.target(tag))?) {
            now.extend(target?.map(|digest| (tag.clone(), digest)));
        }
        Ok(Some(now))
    }

    fn check(&self) -> Result<(), FilesError> {
        Ok(self.client.check()?)
    }
}

/// The digest that a tag is named after: `sha256-<hex>`, which lists referrers (OCI Distribution 1.1.1, "Referrers Tag Schema"), or
/// `sha256-<hex>.sig` and the like, which cosign writes.
fn subject_of(tag: &Tag) -> Option<Digest> {
    let (algorithm, rest) = tag.as_str().split_once('-')?;
    let hex = rest.split_once('.').map_or(rest, |(hex, _)| hex);
    format!("{algorithm}:{hex}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moving::scripted::{BUSY, Scripted, ok};

    #[test]
    fn a_registry_that_goes_away_meanwhile_is_not_taken_for_one_whose_tags_are_damaged() {
        let mut answers = vec![ok("", r#"{"tags":["v1","v2"]}"#)];
        answers.extend(vec![BUSY.to_owned(); 6]);
        let server = Scripted::start(answers);
        let repository = RemoteRepository::new(server.client(None), "team/app".parse().unwrap(), None, 1);

        let looked = repository.look_through(vec![]);

        assert!(matches!(looked, Err(RegistryError::Status { status: 503, .. })), "{looked:?}");
        assert!(repository.check().is_err());
        server.asked();
    }

    #[test]
    fn tags_are_named_after_what_they_belong_to() {
        let hex = "a".repeat(64);
        let digest: Digest = format!("sha256:{hex}").parse().unwrap();
        for (tag, subject) in [
            (format!("sha256-{hex}"), Some(digest.clone())),
            (format!("sha256-{hex}.sig"), Some(digest.clone())),
            (format!("sha256-{hex}.att"), Some(digest)),
            (format!("sha256-{}", &hex[1..]), None),
            (format!("md5-{hex}"), None),
            ("v1".to_owned(), None),
            ("v1-rc.1".to_owned(), None),
        ] {
            assert_eq!(subject_of(&tag.parse().unwrap()), subject, "{tag}");
        }
    }

    #[test]
    fn manifests_are_kept_up_to_a_limit_and_the_oldest_go() {
        let mut known = Known::default();
        let digests: Vec<Digest> = (0..3).map(|number: u8| digest_of(Algorithm::Sha256, &[number])).collect();

        for digest in &digests {
            known.keep(digest, &vec![0; KEPT_BYTES_MAX / 2].into(), None);
        }

        assert_eq!(known.kept_bytes, KEPT_BYTES_MAX);
        assert!(!known.manifests.contains_key(&digests[0]) && known.manifests.contains_key(&digests[2]));
    }
}

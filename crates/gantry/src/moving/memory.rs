//! A registry in memory, as strict as a real one about what must be there before.

use super::{Blob, Checked, Loaded, PastTaker, Registry, Sent, Trouble, digest_of};
use gantry_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestLimits, Tag};
use gantry_rest::{LifecyclePreviewDocument, PastDocument, PastTakenDocument};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    sync::{Mutex, PoisonError},
};

/// What it holds, by repository.
#[derive(Default)]
pub(crate) struct MemoryRegistry {
    repositories: Mutex<BTreeMap<String, Repository>>,
}

/// A repository of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    pub(crate) manifests: BTreeMap<Digest, (String, Vec<u8>)>,
    pub(crate) tags: BTreeMap<String, Digest>,
    /// How often something was sent.
    pub(crate) sent: usize,
    /// What was told of the time before.
    pub(crate) pasts: Vec<PastDocument>,
}

impl MemoryRegistry {
    /// What a repository holds.
    pub(crate) fn of(&self, repository: &str) -> Repository {
        self.with(repository, |repository| repository.clone())
    }

    fn with<T>(&self, repository: &str, act: impl FnOnce(&mut Repository) -> T) -> T {
        let mut all = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        act(all.entry(repository.to_owned()).or_default())
    }
}

fn parse(media_type: &str, bytes: &[u8]) -> Result<Manifest, Trouble> {
    Manifest::parse(bytes, Some(media_type), &ManifestLimits::default())
        .map_err(|error| Trouble::Refused(error.to_string()))
}

impl Repository {
    fn digest(&self, reference: &str) -> Option<Digest> {
        let known = |digest: &Digest| self.manifests.contains_key(digest);
        self.tags.get(reference).cloned().or_else(|| reference.parse().ok()).filter(known)
    }
}

impl PastTaker for MemoryRegistry {
    fn has_repository(&self, repository: &str) -> Result<bool, Trouble> {
        let all = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.contains_key(repository))
    }

    fn take_past(&self, repository: &str, past: &PastDocument) -> Result<Option<PastTakenDocument>, Trouble> {
        self.with(repository, |repository| repository.pasts.push(past.clone()));
        let moves = past.tags.iter().map(|tag| tag.earlier.len()).sum();
        Ok(Some(PastTakenDocument { images: past.images.len(), tags: past.tags.len(), moves, missing: 0 }))
    }

    fn preview_lifecycle(&self, repository: &str, _: &str) -> Result<Option<LifecyclePreviewDocument>, Trouble> {
        let images = self.with(repository, |repository| repository.manifests.len() as u64);
        Ok(Some(LifecyclePreviewDocument { images, expiring: 1, archiving: 0 }))
    }
}

impl Registry for MemoryRegistry {
    fn find_manifest(&self, repository: &str, reference: &str) -> Result<Option<Digest>, Trouble> {
        Ok(self.with(repository, |repository| repository.digest(reference)))
    }

    fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, Trouble> {
        Ok(self.with(repository, |repository| repository.blobs.contains_key(digest)))
    }

    fn send_blob(&self, repository: &str, blob: &Blob<'_>, from: Option<&str>) -> Result<Sent, Trouble> {
        let elsewhere = from.and_then(|from| self.with(from, |from| from.blobs.get(blob.digest).cloned()));
        let (bytes, sent) = match elsewhere {
            Some(bytes) => (bytes, Sent::Mounted),
            None => {
                let open = (blob.open)().map_err(|error| Trouble::Damaged(error.to_string()))?;
                let (mut checked, mut bytes) = (Checked::new(open, blob.digest, blob.length), Vec::new());
                checked.read_to_end(&mut bytes).map_err(|error| Trouble::Damaged(error.to_string()))?;
                (bytes, Sent::Bytes)
            }
        };
        self.with(repository, |repository| {
            repository.sent += 1;
            repository.blobs.insert(blob.digest.clone(), bytes);
        });
        Ok(sent)
    }

    fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let manifest = parse(media_type, bytes)?;
        self.with(repository, |repository| {
            let blobs: BTreeSet<_> = manifest.required_blobs().map(|blob| &blob.digest).collect();
            let missing = blobs.into_iter().find(|digest| !repository.blobs.contains_key(*digest));
            let mut children = manifest.manifests.iter().map(|child| &child.digest);
            let missing = missing.or_else(|| children.find(|digest| !repository.manifests.contains_key(*digest)));
            if let Some(missing) = missing {
                return Err(Trouble::Refused(format!("{missing} is not there")));
            }
            let digest = match reference.parse::<Digest>() {
                Ok(digest) => digest,
                Err(_) => digest_of(Algorithm::Sha256, bytes),
            };
            repository.sent += 1;
            repository.manifests.insert(digest.clone(), (media_type.to_owned(), bytes.to_vec()));
            if reference.parse::<Tag>().is_ok() {
                repository.tags.insert(reference.to_owned(), digest);
            }
            Ok(())
        })
    }

    fn load_manifest(&self, repository: &str, reference: &str) -> Result<Loaded, Trouble> {
        self.with(repository, |repository| {
            let found = repository.digest(reference).and_then(|digest| repository.manifests.get(&digest));
            let (media_type, bytes) = found.ok_or_else(|| Trouble::Refused(format!("{reference} is unknown")))?;
            Ok(Loaded { media_type: Some(media_type.clone()), bytes: bytes.clone() })
        })
    }

    fn open_blob(&self, repository: &str, digest: &Digest) -> Result<Box<dyn Read + '_>, Trouble> {
        let bytes = self.with(repository, |repository| repository.blobs.get(digest).cloned());
        let bytes = bytes.ok_or_else(|| Trouble::Refused(format!("{digest} is unknown")))?;
        Ok(Box::new(std::io::Cursor::new(bytes)))
    }

    fn list_tags(&self, repository: &str) -> Result<Vec<Tag>, Trouble> {
        Ok(self.with(repository, |repository| repository.tags.keys().filter_map(|tag| tag.parse().ok()).collect()))
    }

    fn list_images(&self, repository: &str) -> Result<Vec<(Digest, bool)>, Trouble> {
        Ok(self.with(repository, |repository| repository.manifests.keys().map(|key| (key.clone(), true)).collect()))
    }

    fn list_referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>, Trouble> {
        let all = self.of(repository).manifests;
        let mut found = Vec::new();
        for (digest, (media_type, bytes)) in all {
            if parse(&media_type, &bytes)?.subject.is_some_and(|of| of.digest == *subject) {
                found.push(Descriptor::new(media_type, digest, bytes.len() as u64));
            }
        }
        Ok(found)
    }
}

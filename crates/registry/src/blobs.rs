use crate::{
    ArrivedBlob,
    admit::{is_whole_copy_here, link_new, location, mark_corrupt, parse_key, remove_bytes, store_fault},
    caches::Located,
    configuration::AccountSetting,
    documents::DocumentKind,
    images::store_algorithm,
    keys::KeyDomain,
    link::{CORRUPTION, LinkBlob, Linked, Source, TouchLink},
    ports::Ports,
    remove::{RemoveBlob, blob_not_found},
    repositories::Repository,
};
use futures_util::StreamExt;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{blobs, documents, site_settings};
use gantry_oci::Digest;
use gantry_store::{Reading, Side, sealed::DataKey};
use gantry_words::Cx;
use std::sync::Arc;

/// The room for blobs.
#[derive(Clone)]
pub struct Blobs {
    ports: Arc<Ports>,
}

/// A blob that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobFound {
    /// Its length in bytes.
    pub size: u64,
}

impl Blobs {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Blobs { ports }
    }

    /// Says whether the repository holds a blob, and renews its grace time where nothing names it yet.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::BlobNotFound`], also where its bytes are damaged: a push heals it.
    pub async fn check(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<BlobFound, Fault> {
        let (located, is_candidate) = self.locate(repository, digest).await?;
        self.ports.check_key(cx, repository).await?;
        if is_candidate {
            let grace = self.ports.settings.collection.grace.duration();
            let touch = TouchLink { repository: repository.id, digest: digest.clone(), grace };
            if !self.ports.metadata.perform(cx, touch).await? {
                return Err(blob_not_found(&repository.name, digest));
            }
        }
        match self.ports.store.exists(&located.key).await.map_err(store_fault)? {
            Some(stored) if stored == located.stored_size() => Ok(BlobFound { size: located.size }),
            _ => Err(self.lost(cx, repository, digest, &located).await?),
        }
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::BlobNotFound`].
    pub async fn open(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<Reading, Fault> {
        let (located, _) = self.locate(repository, digest).await?;
        if let Some(reading) = self.read(cx, digest, &located).await? {
            return Ok(reading);
        }
        // Another place may have them by now, since a push or the way back from the archive.
        self.forget(repository, digest);
        let (now, _) = self.locate(repository, digest).await?;
        let reading = if now.key == located.key { None } else { self.read(cx, digest, &now).await? };
        match reading {
            Some(reading) => Ok(reading),
            None => Err(self.lost(cx, repository, digest, &now).await?),
        }
    }

    /// Reads a blob of at most `bytes_max` bytes; `None` where it is longer.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::BlobNotFound`]; its bytes cannot be read.
    pub async fn read_small(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        bytes_max: u64,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let reading = self.open(cx, repository, digest).await?;
        let length = reading.length();
        if length > bytes_max {
            return Ok(None);
        }
        let (mut body, mut bytes) = (reading.body(0..length), Vec::new());
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(Fault::internal)?);
        }
        Ok(Some(bytes))
    }

    /// Opens what lies in a place; `None` where nothing does, or nothing that was sealed with its key.
    async fn read(&self, cx: &Cx, digest: &Digest, located: &Located) -> Result<Option<Reading>, Fault> {
        let store = &self.ports.store;
        let opened = match &located.sealed {
            None => store.open(&located.key, located.size).await,
            Some(sealed) => {
                let data_key = self.ports.data_key(cx, digest.as_str(), sealed).await?;
                store.open_sealed(&located.key, located.size, data_key).await
            }
        };
        match opened {
            Ok(reading) => Ok(Some(reading)),
            Err(error) if error.is_missing() || matches!(error, gantry_store::Error::Sealed { .. }) => Ok(None),
            Err(error) => Err(store_fault(error)),
        }
    }

    /// Forgets where a blob lies.
    fn forget(&self, repository: &Repository, digest: &Digest) {
        if let Some(caches) = &self.ports.caches {
            caches.links.remove(&(repository.id, digest.clone()));
        }
    }

    /// The bytes are not where they should be: collected a moment ago, or lost.
    async fn lost(&self, cx: &Cx, repository: &Repository, digest: &Digest, located: &Located) -> Result<Fault, Fault> {
        self.forget(repository, digest);
        mark_corrupt(&self.ports, cx, &located.key, digest).await?;
        Ok(blob_not_found(&repository.name, digest))
    }

    /// Returns where a blob lies, and whether it may go from there: as a candidate of the collection, or to the archive.
    async fn locate(&self, repository: &Repository, digest: &Digest) -> Result<(Arc<Located>, bool), Fault> {
        let Some(caches) = &self.ports.caches else { return self.look_up(repository, digest).await };
        let now = self.ports.env.elapsed();
        if caches.are_places_old(now) {
            let found = self.ports.metadata.read(|rows| site_settings::find(rows, CORRUPTION)).await?;
            caches.look_at_places(now, found);
        }
        match caches.links.get_value_or_guard_async(&(repository.id, digest.clone())).await {
            Ok(located) => Ok((located, false)),
            Err(place) => {
                let (located, is_candidate) = self.look_up(repository, digest).await?;
                if !is_candidate {
                    let _ = place.insert(located.clone());
                }
                Ok((located, is_candidate))
            }
        }
    }

    async fn look_up(&self, repository: &Repository, digest: &Digest) -> Result<(Arc<Located>, bool), Fault> {
        let (id, wanted) = (repository.id, digest.clone());
        let row = self.ports.metadata.read(move |rows| blobs::located(rows, id, wanted.as_str())).await?;
        let row = row.filter(blobs::LocatedRow::is_at_hand).ok_or_else(|| blob_not_found(&repository.name, digest))?;
        let key = parse_key(&row.location)?;
        let located = Located { key, size: u64::try_from(row.link.size).unwrap_or(0), sealed: row.sealed };
        Ok((Arc::new(located), row.link.candidate_since.is_some() || row.link.is_archived()))
    }

    /// Links a blob of `source` into `target`. Answers `false` where the source does not hold it, or the account has
    /// mounting switched off.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::StorageFull`]: a link takes little, but many fill a disk;
    /// [`gantry_fault::FaultKind::QuotaExceeded`] where the target has no room for it.
    pub async fn mount(
        &self,
        cx: &Cx,
        target: &Repository,
        source: &Repository,
        digest: &Digest,
    ) -> Result<bool, Fault> {
        let is_mounted = self.link_from(cx, target, source, digest).await?;
        if is_mounted {
            self.ports.note_arrival(cx, target, digest);
        }
        Ok(is_mounted)
    }

    async fn link_from(
        &self,
        cx: &Cx,
        target: &Repository,
        source: &Repository,
        digest: &Digest,
    ) -> Result<bool, Fault> {
        if !self.may_mount(cx).await? {
            return Ok(false);
        }
        // What cannot be read must not be linked: it would be a promise without bytes.
        let Ok((located, _)) = self.locate(source, digest).await else { return Ok(false) };
        if self.ports.store.exists(&located.key).await.map_err(store_fault)? != Some(located.stored_size()) {
            return Ok(false);
        }
        self.ports.store.check_room(0).await.map_err(store_fault)?;
        self.ports.check_key(cx, target).await?;
        let (from, to) = (KeyDomain::of(cx.account, &source.rules), KeyDomain::of(cx.account, &target.rules));
        let domain = to.as_ref().map(KeyDomain::print).unwrap_or_default();
        let act = LinkBlob {
            account: cx.account,
            repository: target.id,
            name: target.name.clone(),
            digest: digest.clone(),
            size: located.size,
            domain: domain.clone(),
            from: Source::Repository(source.id),
            upload: None,
            hold: None,
            grace: self.ports.settings.collection.grace.duration(),
        };
        if from == to {
            return Ok(matches!(self.ports.metadata.perform(cx, act).await?, Linked::Done { .. }));
        }
        // Blobs are shared only under the same key. Whether it is there under the other one already is no secret to who may
        // push there, and that it is here he has just named.
        if !is_whole_copy_here(&self.ports, cx, digest, &domain).await? {
            return self.copy_over(cx, digest, &located, to, act).await;
        }
        Ok(matches!(self.ports.metadata.perform(cx, act).await?, Linked::Done { .. }))
    }

    /// Copies a blob to a repository with another key, opened and sealed on the way.
    async fn copy_over(
        &self,
        cx: &Cx,
        digest: &Digest,
        located: &Located,
        domain: Option<KeyDomain>,
        act: LinkBlob,
    ) -> Result<bool, Fault> {
        let ports = &self.ports;
        let source_key = match &located.sealed {
            Some(sealed) => match ports.data_key(cx, digest.as_str(), sealed).await {
                Ok(data_key) => Some(data_key),
                // The key of the source is off, which is nothing to the target: an ordinary upload follows.
                Err(fault) if fault.kind == FaultKind::RepositoryKeyUnavailable => return Ok(false),
                Err(fault) => return Err(fault),
            },
            None => None,
        };
        let data_key = domain.as_ref().map(|domain| Arc::new(DataKey::draw(&ports.env, domain.layers())));
        let (id, upload) = (ports.env.fresh_id(), ports.env.request_id().to_string());
        let (key, upload) = (location(digest, id)?, upload.parse().expect("a UUID is an upload id"));
        let algorithm = store_algorithm(digest.algorithm());
        let (from, to) = (
            Side { key: &located.key, data_key: source_key.as_ref() },
            Side { key: &key, data_key: data_key.as_ref() },
        );
        let copied = match ports.store.copy_between((from, located.size), to, &upload, algorithm).await {
            Ok(copied) => copied,
            Err(error) if error.is_missing() => return Ok(false),
            Err(error) if error.is_broken_seal() => {
                mark_corrupt(ports, cx, &located.key, digest).await?;
                return Ok(false);
            }
            Err(error) => return Err(store_fault(error)),
        };
        if Digest::from_hash(digest.algorithm(), &copied.hash) != *digest {
            remove_bytes(ports, &key).await;
            mark_corrupt(ports, cx, &located.key, digest).await?;
            return Ok(false);
        }
        let sealed = match (&domain, &data_key) {
            (Some(domain), Some(data_key)) => {
                Some(ports.seal_row(cx, domain, digest.as_str(), (data_key, copied.object_bytes)).await?)
            }
            _ => None,
        };
        link_new(ports, cx, (id, key, sealed), |from| LinkBlob { from, ..act.clone() }).await.map(|()| true)
    }

    async fn may_mount(&self, cx: &Cx) -> Result<bool, Fault> {
        let shelf = DocumentKind::AccountSetting.shelf(cx.account, &self.ports.region, 0);
        let name = AccountSetting::BlobMounting.name();
        let found = self.ports.metadata.read(move |rows| documents::find(rows, &shelf, name)).await?;
        Ok(found.is_none_or(|setting| setting.body != "DISABLED"))
    }

    /// Returns up to `count` repositories of the account that hold a blob, those after the number `after`: number and name,
    /// in the order of their numbers, which begin at 1.
    pub async fn holders(
        &self,
        cx: &Cx,
        digest: &Digest,
        after: i64,
        count: usize,
    ) -> Result<Vec<(i64, String)>, Fault> {
        let (account, region, wanted) = (cx.account, self.ports.region.clone(), digest.clone());
        let look = move |rows: &mut gantry_metadata::Reader| {
            blobs::holders(rows, wanted.as_str(), account.as_str(), region.as_str(), after, count)
        };
        self.ports.metadata.read(look).await
    }

    /// Takes up to `count` blobs that came whole to this process within the last minute, those first that came first. Of many at once
    /// some are forgotten.
    pub fn take_arrived(&self, count: usize) -> Vec<ArrivedBlob> {
        self.ports.arrivals.take(self.ports.env.elapsed(), count)
    }

    /// Waits until a blob comes whole to this process; returns at once where one has since this was waited for last. For one who
    /// waits: of several only one is told.
    pub async fn arrived(&self) {
        self.ports.arrivals.news().await;
    }

    /// Removes a blob that no manifest of the repository names.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::BlobNotFound`], [`gantry_fault::FaultKind::BlobReferenced`].
    pub async fn remove(&self, cx: &Cx, repository: &Repository, digest: &Digest) -> Result<(), Fault> {
        let act = RemoveBlob { repository: repository.id, name: repository.name.clone(), digest: digest.clone() };
        let removed = self.ports.metadata.perform(cx, act).await;
        self.forget(repository, digest);
        removed
    }
}

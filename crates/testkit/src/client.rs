use crate::{
    desk::{Desk, Left},
    places::{Here, NAMES_COUNT},
    promises::{End, Held, Mark, Thing},
    quotas::Quotas,
    stock::Manifest,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use gantry_env::Clock;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{manifests, tags};
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::{Appended, Registry};
use gantry_words::Timestamp;
use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

/// One who pushes, tags, removes and pulls.
pub(crate) struct Client {
    pub(crate) desk: Arc<Desk>,
    /// Each request goes to any of them.
    pub(crate) replicas: Arc<Vec<Registry>>,
}

impl Client {
    /// Does `acts` things, one after the other. A client that is refused does something else.
    pub(crate) async fn work(self, acts: u64) {
        for _ in 0..acts {
            let outcome = self.do_something().await;
            if let Err(fault) = outcome {
                self.refused(&fault);
            }
            let rest = self.desk.sim.below(2_000);
            self.desk.sim.sleep(Duration::from_millis(rest)).await;
        }
    }

    fn refused(&self, fault: &Fault) {
        self.desk.sim.note(&fault.message);
        self.desk.count("refused");
        if fault.kind == FaultKind::QuotaExceeded {
            self.desk.count("refused by a quota");
        }
        let is_ours = matches!(fault.kind, FaultKind::Internal | FaultKind::Unavailable | FaultKind::StorageFull);
        if is_ours && !self.desk.has_faults {
            self.desk.complain(format!("nothing failed, but a client was told: {fault} ({:?})", fault.source));
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.desk.sim.pick(&self.replicas)
    }

    async fn do_something(&self) -> Result<(), Fault> {
        let (sim, stock) = (&self.desk.sim, &self.desk.stock);
        if self.desk.quotas == Quotas::Present && sim.once_in(20) {
            return self.change_quota().await;
        }
        let name = sim.below(NAMES_COUNT) as usize;
        let what = sim.below(29);
        if what == 13 {
            return if sim.once_in(3) { self.delete(name).await } else { Ok(()) };
        }
        let Some(here) = self.enter(name, what < 9).await? else { return Ok(()) };
        match what {
            0..=4 => self.push_image(&here, sim.pick(&stock.images)).await,
            5 => self.push_index(&here, sim.pick(&stock.indexes)).await,
            6 => self.push_blob(&here, sim.pick(&stock.blobs)).await,
            7 => self.mount(&here, sim.pick(&stock.blobs)).await.map(drop),
            8 => self.put(&here, sim.pick(&stock.images), &self.some_tags()).await,
            9 => self.remove_tag(&here, sim.pick(&stock.tags)).await,
            10 => self.remove_manifest(&here, &sim.pick(&stock.manifests().collect::<Vec<_>>()).digest).await,
            11 => self.remove_blob(&here, sim.pick(&stock.blobs)).await,
            12 => self.go_on(&here).await,
            14 => self.list_referrers(&here, sim.pick(&stock.images)).await,
            15 => self.move_tag(&here, sim.pick(&stock.tags)).await,
            20 | 21 => self.restore_some(&here).await,
            22..=26 => self.archive(&here, &self.some_manifest()).await,
            27 | 28 => self.activate_some(&here).await,
            16 => self.load_manifest(&here, &sim.pick(&stock.manifests().collect::<Vec<_>>()).digest).await.map(drop),
            _ => self.pull(&here, sim.pick(&stock.tags)).await,
        }
    }

    fn some_manifest(&self) -> Digest {
        self.desk.sim.pick(&self.desk.stock.manifests().collect::<Vec<_>>()).digest.clone()
    }

    /// No tag, or a few.
    fn some_tags(&self) -> Vec<Tag> {
        let (sim, tags) = (&self.desk.sim, &self.desk.stock.tags);
        (0..sim.below(3)).map(|_| sim.pick(tags).clone()).collect()
    }

    async fn push_index(&self, here: &Here, index: &Manifest) -> Result<(), Fault> {
        for child in &index.children {
            self.push_image(here, self.desk.stock.manifest(child)).await?;
        }
        self.put(here, index, &self.some_tags()).await
    }

    async fn push_image(&self, here: &Here, image: &Manifest) -> Result<(), Fault> {
        let sim = &self.desk.sim;
        for blob in &image.blobs {
            if !sim.once_in(4) && self.head(here, blob).await? {
                continue;
            }
            if sim.once_in(3) && self.mount(here, blob).await? {
                continue;
            }
            self.push_blob(here, blob).await?;
        }
        self.put(here, image, &self.some_tags()).await
    }

    async fn put(&self, here: &Here, manifest: &Manifest, tags: &[Tag]) -> Result<(), Fault> {
        let (desk, digest) = (&self.desk, &manifest.digest);
        let thing = Thing::Manifest(here.at, digest.clone());
        let (mark, is_gone) = (desk.promises().mark(&thing), desk.places().is_deleted(here.at));
        let moving: Vec<_> = {
            let mut promises = desk.promises();
            tags.iter().map(|tag| promises.begin(Thing::Tag(here.at, tag.clone()))).collect()
        };
        let reference = tags.first().map_or_else(|| Reference::Digest(digest.clone()), |tag| tag.clone().into());
        let more = tags.iter().skip(1).cloned().collect();
        let (cx, body) = (desk.cx("put"), manifest.body.clone());
        let put = self.registry().images.put_image(&cx, &here.repository, &reference, more, None, body).await;
        for moving in moving {
            let end = match &put {
                Ok(_) => End::Now(Held::At(digest.clone())),
                Err(fault) if is_definite(fault) => End::Refused,
                Err(_) => End::Unknown,
            };
            desk.promises().end(moving, end);
        }
        if put?.subject != manifest.subject {
            desk.complain(format!("{digest} was pushed, but its subject was not told"));
        }
        self.acknowledged(is_gone, || format!("the manifest {digest}"));
        desk.promises().hold(thing, &mark, Held::Until);
        desk.count("manifest pushed");
        Ok(())
    }

    /// A repository whose deletion was acknowledged before takes nothing.
    fn acknowledged(&self, is_gone: bool, what: impl Fn() -> String) {
        if is_gone {
            self.desk.complain(format!("{} was taken by a repository that had been deleted", what()));
        }
    }

    /// Points a tag to the image of another.
    async fn move_tag(&self, here: &Here, from: &Tag) -> Result<(), Fault> {
        let Some(image) = self.load(here, from).await? else { return Ok(()) };
        self.put(here, self.desk.stock.manifest(&image), &self.some_tags()).await?;
        self.desk.count("tag moved");
        Ok(())
    }

    async fn list_referrers(&self, here: &Here, of: &Manifest) -> Result<(), Fault> {
        let (desk, Some(subject)) = (&self.desk, &of.subject) else { return Ok(()) };
        let page = self.registry().images.referrers(&here.repository, subject, None, None, "", 100).await?;
        let listed = |manifest: &Manifest| page.items.iter().any(|item| item.descriptor.digest == manifest.digest);
        for manifest in desk.stock.manifests().filter(|manifest| manifest.subject.as_ref() == Some(subject)) {
            let is_promised = desk.promises().is_held(&Thing::Manifest(here.at, manifest.digest.clone()));
            if is_promised && !listed(manifest) {
                desk.complain(format!("{} is held, but is no referrer of {subject}", manifest.digest));
            }
            if listed(manifest) {
                desk.count("referrer listed");
            }
        }
        Ok(())
    }

    async fn head(&self, here: &Here, blob: &Digest) -> Result<bool, Fault> {
        let (thing, cx) = (Thing::Blob(here.at, blob.clone()), self.desk.cx("head"));
        let mark = self.desk.promises().mark(&thing);
        match self.registry().blobs.check(&cx, &here.repository, blob).await {
            Ok(_) => {
                self.desk.promises().hold(thing, &mark, Held::Since(cx.now));
                Ok(true)
            }
            Err(fault) if fault.kind == FaultKind::BlobNotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn mount(&self, here: &Here, blob: &Digest) -> Result<bool, Fault> {
        let (thing, cx) = (Thing::Blob(here.at, blob.clone()), self.desk.cx("mount"));
        let (mark, is_gone) = (self.desk.promises().mark(&thing), self.desk.places().is_deleted(here.at));
        let source = self.desk.sim.pick(&self.desk.places().all()).clone();
        let is_mounted = self.registry().blobs.mount(&cx, &here.repository, &source.repository, blob).await?;
        if is_mounted {
            self.acknowledged(is_gone, || format!("the blob {blob}"));
            self.desk.promises().hold(thing, &mark, Held::Since(cx.now));
            self.desk.count("blob mounted");
        }
        Ok(is_mounted)
    }

    async fn push_blob(&self, here: &Here, blob: &Digest) -> Result<(), Fault> {
        let thing = Thing::Blob(here.at, blob.clone());
        let (mark, is_gone) = (self.desk.promises().mark(&thing), self.desk.places().is_deleted(here.at));
        if self.desk.sim.once_in(2) {
            let body = self.body(self.desk.stock.bytes(blob));
            let cx = self.desk.cx("store");
            let stored = self.registry().uploads.store(&cx, &here.repository, blob, body.stream).await;
            self.check_digest(blob, &stored);
            stored?;
            self.acknowledged(is_gone, || format!("the blob {blob}"));
            self.pushed(thing, &mark, &body.ended_at);
            return Ok(());
        }
        let replica = self.desk.sim.below(self.replicas.len() as u64) as usize;
        let (cx, uploads) = (self.desk.cx("open"), &self.replicas[replica].uploads);
        let id = uploads.open(&cx, &here.repository, blob.algorithm()).await?;
        let left = Left { here: here.clone(), replica, id, blob: blob.clone() };
        self.desk.leave(left.clone());
        if self.desk.sim.once_in(6) {
            return Ok(());
        }
        self.send_rest(&left).await
    }

    /// Whoever sends the right bytes is not told that they are others. After a crash they may be: the last of an
    /// unfinished upload may have been lost.
    fn check_digest<T>(&self, blob: &Digest, pushed: &Result<T, Fault>) {
        if let Err(fault) = pushed
            && fault.kind == FaultKind::DigestInvalid
            && !self.desk.has_crashed()
        {
            self.desk.complain(format!("the right bytes of {blob} were refused: {fault}"));
        }
    }

    /// Takes up an upload that somebody left.
    async fn go_on(&self, here: &Here) -> Result<(), Fault> {
        match self.desk.take_up() {
            Some(Left { here, replica, id, .. }) if self.desk.sim.once_in(5) => {
                let uploads = &self.replicas[replica].uploads;
                uploads.cancel(&self.desk.cx("cancel"), &here.repository, &id).await
            }
            Some(left) => self.send_rest(&left).await,
            None => self.push_blob(here, self.desk.sim.pick(&self.desk.stock.blobs)).await,
        }
    }

    /// Sends what an upload lacks in chunks, and finishes it.
    async fn send_rest(&self, Left { here, replica, id, blob }: &Left) -> Result<(), Fault> {
        let thing = Thing::Blob(here.at, blob.clone());
        let (desk, repository, uploads) = (&self.desk, &here.repository, &self.replicas[*replica].uploads);
        let (mark, is_gone) = (desk.promises().mark(&thing), desk.places().is_deleted(here.at));
        let bytes = desk.stock.bytes(blob);
        let mut offset = uploads.offset(&desk.cx("offset"), repository, id).await?;
        while offset < bytes.len() as u64 && !desk.sim.once_in(3) {
            let length = 1 + desk.sim.below(bytes.len() as u64 - offset);
            let piece = self.body(bytes.slice(offset as usize..(offset + length) as usize));
            let cx = desk.cx("append");
            let appended = uploads.append(&cx, repository, id, Some(offset), Some(length), piece.stream).await?;
            offset = match appended {
                Appended::At(offset) | Appended::OutOfOrder(offset) => offset,
            };
            if desk.sim.once_in(12) {
                return Ok(());
            }
        }
        let rest = self.body(bytes.slice((offset as usize).min(bytes.len())..));
        let cx = desk.cx("finish");
        let finished = uploads.finish(&cx, repository, id, blob, Some(offset), None, rest.stream).await;
        self.check_digest(blob, &finished);
        if let Appended::At(_) = finished? {
            self.acknowledged(is_gone, || format!("the blob {blob}"));
            self.pushed(thing, &mark, &rest.ended_at);
            desk.finished(id);
        }
        Ok(())
    }

    fn pushed(&self, thing: Thing, mark: &Mark, ended_at: &Mutex<Timestamp>) {
        let since = *ended_at.lock().expect("nothing panics while it holds a moment");
        self.desk.promises().hold(thing, mark, Held::Since(since));
        self.desk.count("blob pushed");
    }

    /// A body that comes in pieces, with waits between them; one in some breaks off.
    fn body(&self, bytes: Bytes) -> Sent<impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<>> {
        let ended_at = Arc::new(Mutex::new(self.desk.env.now()));
        let (sim, breaks, end) = (self.desk.sim.clone(), self.desk.sim.once_in(15), ended_at.clone());
        let stream = futures_util::stream::unfold(Some(bytes), move |rest| {
            let (sim, end) = (sim.clone(), end.clone());
            async move {
                let mut rest = rest?;
                let wait = if sim.once_in(3) { sim.below(50) } else { 0 };
                sim.sleep(Duration::from_millis(wait)).await;
                *end.lock().expect("nothing panics while it holds a moment") = sim.now();
                if rest.is_empty() {
                    return None;
                }
                if breaks && sim.once_in(2) {
                    return Some((Err(io::Error::other("the client went away")), None));
                }
                let piece = rest.split_to(1 + sim.below(rest.len() as u64) as usize);
                Some((Ok(piece), Some(rest)))
            }
        });
        Sent { stream: Box::pin(stream), ended_at }
    }

    async fn remove_tag(&self, here: &Here, tag: &Tag) -> Result<(), Fault> {
        let thing = Thing::Tag(here.at, tag.clone());
        let is_promised = self.desk.promises().is_held(&thing);
        let removal = self.desk.promises().begin(thing);
        let cx = self.desk.cx("remove");
        let removed = self.registry().images.remove(&cx, &here.repository, &tag.clone().into()).await;
        self.desk.promises().end(removal, end_of(&removed));
        self.check_promised(is_promised, FaultKind::ImageNotFound, &removed, || format!("tag {tag}"));
        removed
    }

    async fn remove_manifest(&self, here: &Here, digest: &Digest) -> Result<(), Fault> {
        let desk = &self.desk;
        desk.promises().doubt_tags(here.at, &desk.stock.tags, digest);
        let thing = Thing::Manifest(here.at, digest.clone());
        let is_promised = desk.promises().is_held(&thing);
        let removal = desk.promises().begin(thing);
        let cx = desk.cx("remove");
        let removed = self.registry().images.remove(&cx, &here.repository, &digest.clone().into()).await;
        desk.promises().end(removal, end_of(&removed));
        self.check_promised(is_promised, FaultKind::ImageNotFound, &removed, || digest.to_string());
        if removed.is_ok() {
            desk.count("manifest removed");
        }
        removed
    }

    async fn remove_blob(&self, here: &Here, blob: &Digest) -> Result<(), Fault> {
        let removal = self.desk.promises().begin(Thing::Blob(here.at, blob.clone()));
        let removed = self.registry().blobs.remove(&self.desk.cx("remove"), &here.repository, blob).await;
        self.desk.promises().end(removal, end_of(&removed));
        removed
    }

    /// A removal must find what was promised: nothing lies between the question and the act.
    pub(crate) fn check_promised(
        &self,
        is_promised: bool,
        lost: FaultKind,
        removed: &Result<(), Fault>,
        what: impl Fn() -> String,
    ) {
        if let Err(fault) = removed
            && is_promised
            && fault.kind == lost
        {
            self.desk.complain(format!("{} was acknowledged, but a removal does not find it", what()));
        }
    }

    /// Looks a tag up. What is remembered of it must be what the tables say.
    async fn load(&self, here: &Here, tag: &Tag) -> Result<Option<Digest>, Fault> {
        let (desk, id, wanted) = (&self.desk, here.repository.id, tag.clone());
        let found = self.registry().images.load(&self.desk.cx("load"), &here.repository, &tag.clone().into()).await;
        let found = match found {
            Ok(found) => Some(found),
            Err(fault) if fault.kind == FaultKind::ImageNotFound => None,
            Err(fault) if fault.kind == FaultKind::ImageArchived => return Ok(None),
            Err(fault) => return Err(fault),
        };
        // Nothing lies between the answer and this look.
        let truth = desk.look(move |rows| tags::digest(rows, id, wanted.as_str()));
        let digest = found.as_ref().map(|found| found.digest.clone());
        if digest.as_ref().map(Digest::as_str) != truth.as_deref() {
            desk.complain(format!("{tag} of repository {id} was answered with {digest:?}, but is {truth:?}"));
        }
        if let Some(found) = found
            && desk.stock.manifest(&found.digest).body != found.body
        {
            desk.complain(format!("{} was answered with other bytes", found.digest));
        }
        Ok(digest)
    }

    /// The same for a manifest by its digest.
    async fn load_manifest(&self, here: &Here, digest: &Digest) -> Result<bool, Fault> {
        let (desk, id, wanted) = (&self.desk, here.repository.id, digest.clone());
        let is_found =
            match self.registry().images.load(&self.desk.cx("load"), &here.repository, &digest.clone().into()).await {
                Ok(_) => true,
                Err(fault) if matches!(fault.kind, FaultKind::ImageNotFound | FaultKind::ImageArchived) => false,
                Err(fault) => return Err(fault),
            };
        let is_active = |row: manifests::ManifestRow| row.storage_class == "STANDARD";
        if is_found != desk.look(move |rows| Ok(manifests::find(rows, id, wanted.as_str())?.is_some_and(is_active))) {
            desk.complain(format!("{digest} of repository {id} was answered, or not, against the tables"));
        }
        Ok(is_found)
    }

    /// Pulls all that a tag names. Everything that is answered must be what was asked for.
    async fn pull(&self, here: &Here, tag: &Tag) -> Result<(), Fault> {
        let desk = &self.desk;
        let Some(digest) = self.load(here, tag).await? else { return Ok(()) };
        let manifest = desk.stock.manifest(&digest);
        let mut blobs = manifest.blobs.clone();
        for child in &manifest.children {
            if !self.load_manifest(here, child).await? {
                return Ok(());
            }
            blobs.extend(desk.stock.manifest(child).blobs.iter().cloned());
        }
        for blob in &blobs {
            self.pull_blob(here, blob).await?;
        }
        desk.count("image pulled");
        Ok(())
    }

    async fn pull_blob(&self, here: &Here, blob: &Digest) -> Result<(), Fault> {
        let reading = self.registry().blobs.open(&self.desk.cx("pull"), &here.repository, blob).await?;
        let length = reading.length();
        let (mut body, mut came) = (reading.body(0..length), Vec::new());
        while let Some(piece) = body.next().await {
            let Ok(piece) = piece else { return Ok(()) };
            came.extend_from_slice(&piece);
        }
        // A blob whose reading ended well is whole, whatever happened meanwhile.
        if came != self.desk.stock.bytes(blob) {
            self.desk.complain(format!("{blob} was pulled with other bytes: {} of {length}", came.len()));
        }
        Ok(())
    }
}

/// A body under way, and when its last byte went.
struct Sent<S> {
    stream: S,
    ended_at: Arc<Mutex<Timestamp>>,
}

/// Whether a refusal says that nothing was changed.
pub(crate) fn is_definite(fault: &Fault) -> bool {
    !matches!(fault.kind, FaultKind::Internal | FaultKind::Unavailable | FaultKind::StorageFull)
}

pub(crate) fn end_of(removed: &Result<(), Fault>) -> End {
    match removed {
        Ok(()) => End::Removed,
        Err(fault) if is_definite(fault) => End::Refused,
        Err(_) => End::Unknown,
    }
}

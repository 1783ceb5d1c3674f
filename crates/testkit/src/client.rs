use crate::{
    Sim,
    promises::{End, Held, Mark, Promises, Thing},
    stock::{Manifest, Stock},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use gantry_env::{Clock, Env};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::{Appended, Registry, Repository, UploadId};
use gantry_words::{AccountId, Cx, Timestamp};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// What outlives the lives of the registry: what the world's clients know.
pub(crate) struct Desk {
    pub(crate) sim: Sim,
    pub(crate) env: Env,
    pub(crate) stock: Stock,
    promises: Mutex<Promises>,
    /// Uploads that a client left in the middle.
    unfinished: Mutex<Vec<(usize, UploadId, Digest)>>,
    complaints: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    /// Whether the store may fail: else no answer may be a failure of the registry.
    pub(crate) has_faults: bool,
}

impl Desk {
    pub(crate) fn new(sim: Sim, env: Env, stock: Stock, has_faults: bool) -> Self {
        let (promises, unfinished, complaints, counts) = Default::default();
        Desk { sim, env, stock, promises, unfinished, complaints, counts, has_faults }
    }

    pub(crate) fn promises(&self) -> MutexGuard<'_, Promises> {
        self.promises.lock().expect("nothing panics while it holds the promises")
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.complaints.lock().expect("nothing panics while it holds the complaints").push(complaint);
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().expect("nothing panics while it holds the complaints").clone()
    }

    /// Counts something that happened, which is part of the trace.
    pub(crate) fn count(&self, what: &'static str) {
        self.sim.note(what);
        *self.counts.lock().expect("nothing panics while it holds the counts").entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().expect("nothing panics while it holds the counts").clone()
    }

    /// A new request or job.
    pub(crate) fn cx(&self, operation: &'static str) -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:user/anna".into(),
            account: AccountId::DEFAULT,
            operation,
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    fn unfinished(&self) -> MutexGuard<'_, Vec<(usize, UploadId, Digest)>> {
        self.unfinished.lock().expect("nothing panics while it holds the uploads")
    }
}

/// One who pushes, tags, removes and pulls.
pub(crate) struct Client {
    pub(crate) desk: Arc<Desk>,
    pub(crate) registry: Registry,
    pub(crate) repositories: Arc<Vec<Repository>>,
}

impl Client {
    /// Does `acts` things, one after the other. A client that is refused does something else.
    pub(crate) async fn work(self, acts: u64) {
        for _ in 0..acts {
            let at = self.desk.sim.below(self.repositories.len() as u64) as usize;
            let outcome = self.do_something(at).await;
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
        let is_ours = matches!(fault.kind, FaultKind::Internal | FaultKind::Unavailable | FaultKind::StorageFull);
        if is_ours && !self.desk.has_faults {
            self.desk.complain(format!("nothing failed, but a client was told: {fault} ({:?})", fault.source));
        }
    }

    async fn do_something(&self, at: usize) -> Result<(), Fault> {
        let (sim, stock) = (&self.desk.sim, &self.desk.stock);
        match sim.below(16) {
            0..=4 => self.push_image(at, sim.pick(&stock.images)).await,
            5 => self.push_index(at, sim.pick(&stock.indexes)).await,
            6 => self.push_blob(at, sim.pick(&stock.blobs)).await,
            7 => self.mount(at, sim.pick(&stock.blobs)).await.map(drop),
            8 => self.put(at, sim.pick(&stock.images), Some(sim.pick(&stock.tags))).await,
            9 => self.remove_tag(at, sim.pick(&stock.tags)).await,
            10 => {
                let all: Vec<&Manifest> = stock.images.iter().chain(&stock.indexes).collect();
                self.remove_manifest(at, &sim.pick(&all).digest).await
            }
            11 => self.remove_blob(at, sim.pick(&stock.blobs)).await,
            12 => self.go_on(at).await,
            _ => self.pull(at, sim.pick(&stock.tags)).await,
        }
    }

    async fn push_index(&self, at: usize, index: &Manifest) -> Result<(), Fault> {
        for child in &index.children {
            self.push_image(at, self.desk.stock.manifest(child)).await?;
        }
        let tag = self.desk.sim.pick(&self.desk.stock.tags);
        self.put(at, index, Some(tag)).await
    }

    async fn push_image(&self, at: usize, image: &Manifest) -> Result<(), Fault> {
        let sim = &self.desk.sim;
        for blob in &image.blobs {
            if !sim.once_in(4) && self.head(at, blob).await? {
                continue;
            }
            if sim.once_in(3) && self.mount(at, blob).await? {
                continue;
            }
            self.push_blob(at, blob).await?;
        }
        let tag = if sim.once_in(3) { None } else { Some(sim.pick(&self.desk.stock.tags)) };
        self.put(at, image, tag).await
    }

    async fn put(&self, at: usize, manifest: &Manifest, tag: Option<&Tag>) -> Result<(), Fault> {
        let (desk, digest) = (&self.desk, &manifest.digest);
        let thing = Thing::Manifest(at, digest.clone());
        let mark = desk.promises().mark(&thing);
        let moving = tag.map(|tag| desk.promises().begin(Thing::Tag(at, tag.clone())));
        let reference = tag.map_or_else(|| Reference::Digest(digest.clone()), |tag| Reference::Tag(tag.clone()));
        let (cx, body) = (desk.cx("put"), manifest.body.clone());
        let put = self.registry.images.put_image(&cx, &self.repositories[at], &reference, vec![], None, body).await;
        let end = match &put {
            Ok(_) => End::Now(Held::At(digest.clone())),
            Err(fault) if is_definite(fault) => End::Refused,
            Err(_) => End::Unknown,
        };
        if let Some(moving) = moving {
            desk.promises().end(moving, end);
        }
        put?;
        desk.promises().hold(thing, &mark, Held::Until);
        desk.count("manifest pushed");
        Ok(())
    }

    async fn head(&self, at: usize, blob: &Digest) -> Result<bool, Fault> {
        let (thing, cx) = (Thing::Blob(at, blob.clone()), self.desk.cx("head"));
        let mark = self.desk.promises().mark(&thing);
        match self.registry.blobs.check(&cx, &self.repositories[at], blob).await {
            Ok(_) => {
                self.desk.promises().hold(thing, &mark, Held::Since(cx.now));
                Ok(true)
            }
            Err(fault) if fault.kind == FaultKind::BlobNotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn mount(&self, at: usize, blob: &Digest) -> Result<bool, Fault> {
        let (thing, cx) = (Thing::Blob(at, blob.clone()), self.desk.cx("mount"));
        let mark = self.desk.promises().mark(&thing);
        let source = self.desk.sim.pick(&self.repositories);
        let is_mounted = self.registry.blobs.mount(&cx, &self.repositories[at], source, blob).await?;
        if is_mounted {
            self.desk.promises().hold(thing, &mark, Held::Since(cx.now));
            self.desk.count("blob mounted");
        }
        Ok(is_mounted)
    }

    async fn push_blob(&self, at: usize, blob: &Digest) -> Result<(), Fault> {
        let thing = Thing::Blob(at, blob.clone());
        let mark = self.desk.promises().mark(&thing);
        if self.desk.sim.once_in(2) {
            let body = self.body(self.desk.stock.bytes(blob));
            let cx = self.desk.cx("store");
            self.registry.uploads.store(&cx, &self.repositories[at], blob, body.stream).await?;
            self.pushed(thing, &mark, &body.ended_at);
            return Ok(());
        }
        let (uploads, repository) = (&self.registry.uploads, &self.repositories[at]);
        let id = uploads.open(&self.desk.cx("open"), repository, blob.algorithm()).await?;
        self.desk.unfinished().push((at, id.clone(), blob.clone()));
        if self.desk.sim.once_in(6) {
            return Ok(());
        }
        self.send_rest(at, &id, blob).await
    }

    /// Takes up an upload that somebody left.
    async fn go_on(&self, at: usize) -> Result<(), Fault> {
        let found = {
            let unfinished = self.desk.unfinished();
            (!unfinished.is_empty()).then(|| self.desk.sim.pick(&unfinished).clone())
        };
        match found {
            Some((at, id, _)) if self.desk.sim.once_in(5) => {
                self.registry.uploads.cancel(&self.desk.cx("cancel"), &self.repositories[at], &id).await
            }
            Some((at, id, blob)) => self.send_rest(at, &id, &blob).await,
            None => self.push_blob(at, self.desk.sim.pick(&self.desk.stock.blobs)).await,
        }
    }

    /// Sends what an upload lacks in chunks, and finishes it.
    async fn send_rest(&self, at: usize, id: &UploadId, blob: &Digest) -> Result<(), Fault> {
        let thing = Thing::Blob(at, blob.clone());
        let mark = self.desk.promises().mark(&thing);
        let (desk, uploads, repository) = (&self.desk, &self.registry.uploads, &self.repositories[at]);
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
        let finished = uploads.finish(&cx, repository, id, blob, Some(offset), None, rest.stream).await?;
        if let Appended::At(_) = finished {
            self.pushed(thing, &mark, &rest.ended_at);
            desk.unfinished().retain(|(_, other, _)| other != id);
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

    async fn remove_tag(&self, at: usize, tag: &Tag) -> Result<(), Fault> {
        let thing = Thing::Tag(at, tag.clone());
        let is_promised = self.desk.promises().is_held(&thing);
        let removal = self.desk.promises().begin(thing);
        let cx = self.desk.cx("remove");
        let removed = self.registry.images.remove(&cx, &self.repositories[at], &tag.clone().into()).await;
        self.desk.promises().end(removal, end_of(&removed));
        self.check_promised(is_promised, FaultKind::ImageNotFound, &removed, || format!("tag {tag}"));
        removed
    }

    async fn remove_manifest(&self, at: usize, digest: &Digest) -> Result<(), Fault> {
        let desk = &self.desk;
        desk.promises().doubt_tags(at, &desk.stock.tags, digest);
        let thing = Thing::Manifest(at, digest.clone());
        let is_promised = desk.promises().is_held(&thing);
        let removal = desk.promises().begin(thing);
        let cx = desk.cx("remove");
        let removed = self.registry.images.remove(&cx, &self.repositories[at], &digest.clone().into()).await;
        desk.promises().end(removal, end_of(&removed));
        self.check_promised(is_promised, FaultKind::ImageNotFound, &removed, || digest.to_string());
        if removed.is_ok() {
            desk.count("manifest removed");
        }
        removed
    }

    async fn remove_blob(&self, at: usize, blob: &Digest) -> Result<(), Fault> {
        let removal = self.desk.promises().begin(Thing::Blob(at, blob.clone()));
        let removed = self.registry.blobs.remove(&self.desk.cx("remove"), &self.repositories[at], blob).await;
        self.desk.promises().end(removal, end_of(&removed));
        removed
    }

    /// A removal must find what was promised: nothing lies between the question and the act.
    fn check_promised(
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

    /// Pulls all that a tag names. Everything that is answered must be what was asked for.
    async fn pull(&self, at: usize, tag: &Tag) -> Result<(), Fault> {
        let (desk, repository) = (&self.desk, &self.repositories[at]);
        let found = self.registry.images.load(repository, &tag.clone().into()).await?;
        let manifest = desk.stock.manifest(&found.digest);
        if manifest.body != found.body {
            desk.complain(format!("{} was answered with other bytes", found.digest));
        }
        let mut blobs = manifest.blobs.clone();
        for child in &manifest.children {
            self.registry.images.load(repository, &child.clone().into()).await?;
            blobs.extend(desk.stock.manifest(child).blobs.iter().cloned());
        }
        for blob in &blobs {
            self.pull_blob(at, blob).await?;
        }
        desk.count("image pulled");
        Ok(())
    }

    async fn pull_blob(&self, at: usize, blob: &Digest) -> Result<(), Fault> {
        let reading = self.registry.blobs.open(&self.desk.cx("pull"), &self.repositories[at], blob).await?;
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
fn is_definite(fault: &Fault) -> bool {
    !matches!(fault.kind, FaultKind::Internal | FaultKind::Unavailable | FaultKind::StorageFull)
}

fn end_of(removed: &Result<(), Fault>) -> End {
    match removed {
        Ok(()) => End::Removed,
        Err(fault) if is_definite(fault) => End::Refused,
        Err(_) => End::Unknown,
    }
}

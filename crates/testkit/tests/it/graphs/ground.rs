//! A registry and its model, to which the same is done.

use super::{
    GRACE, KEEP,
    model::{Model, Shelf},
    plan::{Plan, Step},
    stock::{Content, Deed, Stock},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::Metadata;
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::{FsckOptions, Registry, Repository, Settings, TrashSettings};
use gantry_store::{MemoryControl, Store};
use gantry_testkit::Sim;
use gantry_words::{AccountId, Cx, Period, Region, RepositoryName};
use proptest::{prop_assert_eq, test_runner::TestCaseError};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
};

/// Whether a property holds.
pub(crate) type Holds = Result<(), TestCaseError>;

const NAMES: [&str; 3] = ["team/app", "team/base", "mirror"];
const TAGS: [&str; 3] = ["v1", "v2", "latest"];

pub(crate) struct Ground {
    sim: Sim,
    env: Env,
    metadata: Metadata,
    store: Store,
    control: MemoryControl,
    registry: Registry,
    repositories: BTreeMap<u8, Repository>,
    pub(crate) stock: Stock,
    model: Model,
}

impl Ground {
    pub(crate) fn new(sim: &Sim, plan: &Plan) -> Self {
        let env = Env::new(Arc::new(sim.clone()), Arc::new(sim.clone()));
        let metadata = Metadata::alone(env.clone()).expect("SQLite works in memory");
        let (store, control) = Store::memory(env.clone());
        let registry = open(&metadata, &store, &env);
        let (sim, repositories, stock, model) = (sim.clone(), BTreeMap::new(), Stock::new(plan), Model::default());
        Ground { sim, env, metadata, store, control, registry, repositories, stock, model }
    }

    fn cx(&self) -> Cx {
        Cx {
            actor: "somebody".into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    /// Does a step to both, and demands that both answer alike.
    pub(crate) async fn step(&mut self, step: Step) -> Holds {
        match step {
            Step::Push { at, manifest, tag, is_complete } => {
                let deeds = self.stock.deeds(manifest, is_complete);
                for deed in &deeds {
                    match *deed {
                        Deed::Upload(place) => self.upload(at, place).await?,
                        Deed::Put(place) => self.put(at, place, tag.filter(|_| Some(deed) == deeds.last())).await?,
                    }
                }
                Ok(())
            }
            Step::Put { at, manifest, tag } => self.put(at, self.stock.choose_manifest(manifest), tag).await,
            Step::Upload { at, blob } => self.upload(at, self.stock.choose(blob)).await,
            Step::Mount { from, to, blob } => self.mount(from, to, blob).await,
            Step::Check { at, blob } => self.check(at, blob).await,
            Step::Untag { at, tag } => self.untag(at, tag).await,
            Step::RemoveManifest { at, manifest } => self.remove_manifest(at, manifest).await,
            Step::RemoveBlob { at, blob } => self.remove_blob(at, blob).await,
            Step::RemoveRepository { at, force } => self.remove_repository(at, force).await,
            Step::Restore { at, manifest } => self.restore(at, manifest).await,
            Step::Empty { all } => self.empty(all).await,
            Step::Pass { quarters } => {
                self.sim.pass(GRACE / 4 * u32::from(quarters));
                Ok(())
            }
            Step::Collect => self.collect().await,
        }
    }

    /// The repository, created where there is none, and its shelf.
    async fn enter(&mut self, at: u8) -> Repository {
        if let Some(repository) = self.repositories.get(&at) {
            return repository.clone();
        }
        let created = self.registry.repositories.create(&self.cx(), &name(at)).await.expect("there was none");
        self.model.repositories.entry(at).or_default();
        self.repositories.entry(at).or_insert(created).clone()
    }

    /// A repository that is there, with its shelf.
    fn find(&mut self, at: u8) -> Option<(Repository, &mut Shelf)> {
        Some((self.repositories.get(&at)?.clone(), self.model.repositories.get_mut(&at)?))
    }

    async fn upload(&mut self, at: u8, place: usize) -> Holds {
        let repository = self.enter(at).await;
        let Content { digest, bytes } = self.stock.contents[place].clone();
        let body = stream::iter([Ok::<_, Infallible>(bytes)]);
        let stored = self.registry.uploads.store(&self.cx(), &repository, &digest, body).await;
        self.model.shelf(at).keep(&digest, self.env.now());
        same(stored, Ok(()))
    }

    async fn put(&mut self, at: u8, place: usize, tag: Option<u8>) -> Holds {
        let repository = self.enter(at).await;
        let tag = tag.map(self::tag);
        let manifest = &self.stock.manifests[place];
        let reference = tag.clone().map_or_else(|| manifest.digest.clone().into(), Reference::from);
        let body = manifest.body.clone();
        let put = self.registry.images.put_image(&self.cx(), &repository, &reference, vec![], None, body).await;
        let now = self.env.now();
        same(put.map(drop), self.model.shelf(at).put(&self.stock, place, tag, now))
    }

    async fn mount(&mut self, from: u8, to: u8, blob: u8) -> Holds {
        let digest = self.stock.contents[self.stock.choose(blob)].digest.clone();
        let Some((source, shelf)) = self.find(from) else { return Ok(()) };
        let is_held = shelf.blobs.contains_key(&digest);
        let target = self.enter(to).await;
        let mounted = self.registry.blobs.mount(&self.cx(), &target, &source, &digest).await;
        if is_held {
            self.model.shelf(to).keep(&digest, self.env.now());
        }
        prop_assert_eq!(mounted.map_err(|fault| fault.kind), Ok(is_held));
        Ok(())
    }

    async fn check(&mut self, at: u8, blob: u8) -> Holds {
        let (cx, now) = (self.cx(), self.env.now());
        let digest = self.stock.contents[self.stock.choose(blob)].digest.clone();
        let Some((repository, shelf)) = self.find(at) else { return Ok(()) };
        let expected = shelf.check(&digest, now);
        same(self.registry.blobs.check(&cx, &repository, &digest).await.map(drop), expected)
    }

    async fn untag(&mut self, at: u8, tag: u8) -> Holds {
        let (cx, tag) = (self.cx(), self::tag(tag));
        let Some((repository, shelf)) = self.find(at) else { return Ok(()) };
        let expected = shelf.untag(&tag);
        same(self.registry.images.remove(&cx, &repository, &tag.into()).await, expected)
    }

    async fn remove_manifest(&mut self, at: u8, manifest: u8) -> Holds {
        let (cx, now) = (self.cx(), self.env.now());
        let digest = self.stock.manifests[self.stock.choose_manifest(manifest)].digest.clone();
        let Some((repository, shelf)) = self.find(at) else { return Ok(()) };
        let expected = shelf.remove_manifest(&digest, now);
        same(self.registry.images.remove(&cx, &repository, &digest.into()).await, expected)
    }

    async fn remove_blob(&mut self, at: u8, blob: u8) -> Holds {
        let cx = self.cx();
        let digest = self.stock.contents[self.stock.choose(blob)].digest.clone();
        let Some((repository, shelf)) = self.find(at) else { return Ok(()) };
        let expected = shelf.remove_blob(&digest);
        same(self.registry.blobs.remove(&cx, &repository, &digest).await, expected)
    }

    pub(crate) async fn remove_repository(&mut self, at: u8, force: bool) -> Holds {
        let expected = self.model.delete(at, force, self.env.now());
        if expected.is_ok() {
            self.repositories.remove(&at);
        }
        same(self.registry.repositories.delete(&self.cx(), &name(at), force).await, expected)
    }

    async fn restore(&mut self, at: u8, manifest: u8) -> Holds {
        let (cx, now) = (self.cx(), self.env.now());
        // Something that was deleted, where there is such.
        let trashed = self.model.trash_of(at);
        let digest = match trashed.len() {
            0 => self.stock.manifests[self.stock.choose_manifest(manifest)].digest.clone(),
            count => trashed[usize::from(manifest) % count].clone(),
        };
        let expected = self.model.restore(at, &digest, now);
        let restored = self.registry.trash.restore(&cx, &name(at), &digest.into(), true).await;
        same(restored.map(drop), expected)
    }

    pub(crate) async fn empty(&mut self, all: bool) -> Holds {
        let cx = self.cx();
        let emptied = if all {
            self.model.destroy(cx.now, cx.now);
            self.registry.trash.empty(&cx, None).await
        } else {
            self.model.destroy(cx.now.minus(KEEP), cx.now);
            self.registry.trash.round(&cx).await
        };
        same(emptied.map(drop), Ok(()))
    }

    /// The trash lists what was deleted, with the tags that it had.
    pub(crate) async fn the_trash_lists_what_is_in_it(&self) -> Holds {
        let page = self.registry.trash.list(&self.cx(), None, None, 1_000).await.expect("nothing fails here");
        let tags = |tags: Vec<String>| tags.iter().map(|tag| tag.parse().expect("a tag")).collect();
        let digest = |digest: &str| digest.parse().expect("a digest");
        let mut found: Vec<_> = page.items.into_iter().map(|image| (digest(&image.digest), tags(image.tags))).collect();
        found.sort();
        prop_assert_eq!(found, self.model.trash());
        Ok(())
    }

    pub(crate) async fn collect(&mut self) -> Holds {
        self.model.collect(self.env.now());
        same(self.registry.collection.run(&self.cx(), GRACE, GRACE, |_| {}).await.map(drop), Ok(()))
    }

    /// Everything that a repository holds answers, and all that hangs on it, with its bytes.
    pub(crate) async fn everything_reachable_answers(&self) -> Holds {
        for (at, shelf) in &self.model.repositories {
            let repository = &self.repositories[at];
            for (tag, digest) in &shelf.tags {
                let found = self.registry.images.load(&self.cx(), repository, &tag.clone().into()).await;
                same(found.map(|found| found.digest), Ok(digest.clone()))?;
            }
            for manifest in
                self.stock.manifests.iter().filter(|manifest| shelf.manifests.contains_key(&manifest.digest))
            {
                let found = self.registry.images.load(&self.cx(), repository, &manifest.digest.clone().into()).await;
                same(found.map(|found| found.body), Ok(manifest.body.clone()))?;
            }
            let named = shelf.manifests.values().flat_map(|names| &names.children);
            prop_assert_eq!(named.filter(|child| !shelf.manifests.contains_key(child)).count(), 0);
            for content in self.stock.contents.iter().filter(|content| shelf.blobs.contains_key(&content.digest)) {
                same(self.read(repository, &content.digest).await, Ok(content.bytes.clone()))?;
            }
            self.referrers_are_listed(repository, shelf).await?;
        }
        Ok(())
    }

    async fn referrers_are_listed(&self, repository: &Repository, shelf: &Shelf) -> Holds {
        let held = || self.stock.manifests.iter().filter(|manifest| shelf.manifests.contains_key(&manifest.digest));
        for subject in held().filter_map(|manifest| manifest.subject.as_ref()).collect::<BTreeSet<_>>() {
            let found = self.registry.images.referrers(repository, subject, None, None, "", 100).await;
            let found =
                found.map(|page| page.items.into_iter().map(|item| item.descriptor.digest).collect::<BTreeSet<_>>());
            let listed = held().filter(|manifest| manifest.subject.as_ref() == Some(subject));
            same(found, Ok(listed.map(|manifest| manifest.digest.clone()).collect()))?;
        }
        Ok(())
    }

    /// What no repository holds answers 404 there.
    pub(crate) async fn nothing_else_answers(&self) -> Holds {
        for (at, shelf) in &self.model.repositories {
            let repository = &self.repositories[at];
            for tag in TAGS
                .map(|tag| tag.parse::<Tag>().expect("a tag"))
                .into_iter()
                .filter(|tag| !shelf.tags.contains_key(tag))
            {
                let found = self.registry.images.load(&self.cx(), repository, &tag.into()).await;
                same(found.map(drop), Err(FaultKind::ImageNotFound))?;
            }
            for manifest in
                self.stock.manifests.iter().filter(|manifest| !shelf.manifests.contains_key(&manifest.digest))
            {
                let found = self.registry.images.load(&self.cx(), repository, &manifest.digest.clone().into()).await;
                same(found.map(drop), Err(FaultKind::ImageNotFound))?;
            }
            for content in self.stock.contents.iter().filter(|content| !shelf.blobs.contains_key(&content.digest)) {
                same(self.read(repository, &content.digest).await.map(drop), Err(FaultKind::BlobNotFound))?;
            }
        }
        Ok(())
    }

    /// After a collection the store holds each blob that is kept once, and no other bytes.
    pub(crate) fn the_store_holds_what_is_kept(&self) -> Holds {
        let keys = self.control.keys();
        let kept = self.model.kept();
        let wanted = self.stock.contents.iter().filter(|content| kept.contains(&content.digest));
        let stored: BTreeSet<Bytes> = keys.iter().filter_map(|key| self.control.bytes(key)).collect();
        prop_assert_eq!(keys.len(), kept.len());
        prop_assert_eq!(stored, wanted.map(|content| content.bytes.clone()).collect());
        Ok(())
    }

    /// Every count is right, and every name leads somewhere.
    pub(crate) async fn nothing_is_damaged(&self) -> Holds {
        let options = FsckOptions { quick: false, repair: false, is_alone: true };
        let report = self.registry.fsck.run(&self.cx(), options, |_| {}).await.expect("nothing fails here");
        let damage: Vec<_> = report.findings.into_iter().filter(|finding| finding.is_damage).collect();
        prop_assert_eq!(damage, []);
        Ok(())
    }

    /// The process ends, and another begins: nothing is remembered.
    pub(crate) fn restart(&mut self) {
        self.registry = open(&self.metadata, &self.store, &self.env);
    }

    async fn read(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, Fault> {
        let reading = self.registry.blobs.open(&self.cx(), repository, digest).await?;
        let length = reading.length();
        let pieces: Vec<_> = reading.body(0..length).collect().await;
        Ok(pieces.into_iter().flat_map(|piece| piece.expect("nothing fails here")).collect())
    }
}

fn open(metadata: &Metadata, store: &Store, env: &Env) -> Registry {
    let keep = Period::seconds(KEEP.as_secs());
    let settings = Settings { trash: TrashSettings { keep }, ..Settings::default() };
    Registry::open(metadata.clone(), store.clone(), env.clone(), Region::default(), settings)
}

fn name(at: u8) -> RepositoryName {
    NAMES[usize::from(at)].parse().expect("these are names")
}

fn tag(number: u8) -> Tag {
    TAGS[usize::from(number)].parse().expect("these are tags")
}

fn same<T: std::fmt::Debug + PartialEq>(found: Result<T, Fault>, expected: Result<T, FaultKind>) -> Holds {
    prop_assert_eq!(found.map_err(|fault| fault.kind), expected);
    Ok(())
}

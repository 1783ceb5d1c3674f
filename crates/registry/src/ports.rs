use crate::{
    Archive, Backups, Blobs, Collection, Documents, Events, Fsck, Images, Imports, Inventory, Lifecycle, Orphans,
    Quotas, Repositories, Retention, Rewrapping, SearchIndex, Settings, Tags, Traffic, Trash, Uploads, Usages,
    arrivals::Arrivals, caches::Caches, keys::BlobKeys, push_failures::PushFailures, quarantine::TagJudge,
};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Metadata, accounts};
use gantry_store::Store;
use gantry_words::{AccountId, Cx, Region, RepositoryName};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// What every room of this crate stands on.
pub(crate) struct Ports {
    pub(crate) metadata: Metadata,
    pub(crate) store: Store,
    pub(crate) env: Env,
    pub(crate) region: Region,
    pub(crate) settings: Settings,
    /// `None` where other processes may change the database: then everything is looked up.
    pub(crate) caches: Option<Caches>,
    pub(crate) push_failures: PushFailures,
    /// Rings when an image was pushed to this process.
    pub(crate) pushed: Notify,
    /// Blobs that came to this process.
    pub(crate) arrivals: Arrivals,
    /// Handed in after the opening, once: without them nothing that is encrypted can be read or written.
    pub(crate) keys: OnceLock<Arc<dyn BlobKeys>>,
    /// Handed in after the opening, once: without him no tag waits for a verdict.
    pub(crate) judge: OnceLock<Arc<dyn TagJudge>>,
}

impl Ports {
    /// Whether what is deleted goes to the trash.
    pub(crate) fn keeps_trash(&self) -> bool {
        !self.settings.trash.keep.duration().is_zero()
    }

    /// The same job, on behalf of the account whose a repository is: what it does there stands in that one's trail.
    pub(crate) async fn cx_of(&self, cx: &Cx, repository: i64) -> Result<Cx, Fault> {
        let found = self.metadata.read(move |rows| accounts::of_repository(rows, repository)).await?;
        Ok(Cx { account: found.unwrap_or(cx.account), ..cx.clone() })
    }
}

/// The rooms of the registry, opened on one database and one store.
#[derive(Clone)]
pub struct Registry {
    pub(crate) ports: Arc<Ports>,
    /// Repositories.
    pub repositories: Repositories,
    /// Manifests, indexes, tags and referrers.
    pub images: Images,
    /// Blobs.
    pub blobs: Blobs,
    /// Who pulls and pushes what, when and from where.
    pub traffic: Traffic,
    /// Who runs which images.
    pub inventory: Inventory,
    /// What searches look in.
    pub search_index: SearchIndex,
    /// What comes from other registries' folders.
    pub imports: Imports,
    /// Uploads.
    pub uploads: Uploads,
    /// Policies and configurations.
    pub documents: Documents,
    /// The feed of events.
    pub events: Events,
    /// The collection.
    pub collection: Collection,
    /// Backups.
    pub backups: Backups,
    /// What a crash left.
    pub orphans: Orphans,
    /// The repair.
    pub fsck: Fsck,
    /// Images whose bytes lie on a cheaper disk.
    pub archive: Archive,
    /// What runs lifecycle policies.
    pub lifecycle: Lifecycle,
    /// What forgets.
    pub retention: Retention,
    /// What follows the rotation of keys.
    pub rewrapping: Rewrapping,
    /// Tags that moved.
    pub tags: Tags,
    /// The trash.
    pub trash: Trash,
    /// What repositories use.
    pub usages: Usages,
    /// How much they may hold together.
    pub quotas: Quotas,
}

impl Registry {
    /// Opens the rooms. Nothing is read until it is asked for.
    pub fn open(metadata: Metadata, store: Store, env: Env, region: Region, settings: Settings) -> Self {
        let caches = metadata.owns_alone().then(|| Caches::new(settings.limits.manifest_cache.get()));
        let (push_failures, pushed) = (PushFailures::default(), Notify::new());
        let (keys, judge) = (OnceLock::new(), OnceLock::new());
        let arrivals = Arrivals::default();
        let ports =
            Ports { metadata, store, env, region, settings, caches, push_failures, pushed, arrivals, keys, judge };
        let ports = Arc::new(ports);
        let uploads = Uploads::new(ports.clone());
        let (images, trash) = (Images::new(ports.clone()), Trash::new(ports.clone()));
        let (traffic, blobs) = (Traffic::new(ports.clone()), Blobs::new(ports.clone()));
        let collection = Collection::new(ports.clone(), uploads.clone());
        let archive = Archive::new(ports.clone(), collection.clone());
        Registry {
            repositories: Repositories::new(ports.clone()),
            tags: Tags::new(ports.clone(), images.clone(), trash.clone()),
            lifecycle: Lifecycle::new(ports.clone(), images.clone(), traffic.clone(), archive.clone()),
            archive,
            imports: Imports::new(ports.clone(), images.clone(), uploads.clone()),
            images,
            trash,
            search_index: SearchIndex::new(ports.clone(), blobs.clone()),
            blobs,
            documents: Documents::new(ports.clone()),
            events: Events::new(ports.clone()),
            traffic,
            inventory: Inventory::new(ports.clone()),
            collection,
            backups: Backups::new(ports.clone()),
            orphans: Orphans::new(ports.clone()),
            fsck: Fsck::new(ports.clone()),
            retention: Retention::new(ports.clone()),
            rewrapping: Rewrapping::new(ports.clone()),
            uploads,
            usages: Usages::new(ports.clone()),
            quotas: Quotas::new(ports.clone()),
            ports,
        }
    }

    /// Hands in who wraps the data keys of blobs, before anything is pushed or pulled. The first stays.
    pub fn hand_keys(&self, keys: Arc<dyn BlobKeys>) {
        let _ = self.ports.keys.set(keys);
    }

    /// Whether a new repository is encrypted for which nothing was asked.
    pub fn encrypts_by_default(&self) -> bool {
        self.ports.encrypts_by_default()
    }

    /// The region that this site serves.
    pub fn region(&self) -> &Region {
        &self.ports.region
    }

    /// Hits, misses and weight of each cache, by its name.
    pub fn cache_figures(&self) -> Vec<(&'static str, (u64, u64, u64))> {
        self.ports.caches.as_ref().map(Caches::figures).unwrap_or_default()
    }

    /// Pushes of manifests and blobs that failed since the start, by account, repository and reason, in no order: at most 10,000
    /// of those.
    pub fn push_failures(&self) -> Vec<(AccountId, RepositoryName, FaultKind, u64)> {
        self.ports.push_failures.all()
    }
}

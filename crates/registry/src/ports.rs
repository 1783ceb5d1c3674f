use crate::{Blobs, Collection, Fsck, Images, Repositories, Settings, Uploads, caches::Caches};
use gantry_env::Env;
use gantry_metadata::Metadata;
use gantry_store::Store;
use gantry_words::Region;
use std::sync::Arc;

/// What every room of this crate stands on.
pub(crate) struct Ports {
    pub(crate) metadata: Metadata,
    pub(crate) store: Store,
    pub(crate) env: Env,
    pub(crate) region: Region,
    pub(crate) settings: Settings,
    /// `None` where other processes may change the database: then everything is looked up.
    pub(crate) caches: Option<Caches>,
}

/// The rooms of the registry, opened on one database and one store.
#[derive(Clone)]
pub struct Registry {
    /// Repositories.
    pub repositories: Repositories,
    /// Manifests, indexes, tags and referrers.
    pub images: Images,
    /// Blobs.
    pub blobs: Blobs,
    /// Uploads.
    pub uploads: Uploads,
    /// The collection.
    pub collection: Collection,
    /// The repair.
    pub fsck: Fsck,
}

impl Registry {
    /// Opens the rooms. Nothing is read until it is asked for.
    pub fn open(metadata: Metadata, store: Store, env: Env, region: Region, settings: Settings) -> Self {
        let caches = metadata.owns_alone().then(|| Caches::new(settings.limits.manifest_cache.get()));
        let ports = Arc::new(Ports { metadata, store, env, region, settings, caches });
        let uploads = Uploads::new(ports.clone());
        Registry {
            repositories: Repositories::new(ports.clone()),
            images: Images::new(ports.clone()),
            blobs: Blobs::new(ports.clone()),
            collection: Collection::new(ports.clone(), uploads.clone()),
            fsck: Fsck::new(ports),
            uploads,
        }
    }
}

//! Repositories, images, blobs, uploads, tags, referrers, collection and repair: what a registry is.
//!
//! Every change is an act (`metadata::Act`): it gathers what is there, decides as a pure function, and applies the plan
//! in one transaction. Bytes are in the store, durably, before the act that makes them visible begins.
//!
//! Nouns and their invariants:
//! * a **blob** is visible in a repository only through a *link* (an upload or a mount); a link points to a *copy*,
//!   the physical bytes; a copy's place is never used twice, so a dying copy cannot be mistaken for a new one;
//! * a link counts the manifests of its repository that name it; while there are none it is a *candidate*, and the
//!   collection takes it after the grace time;
//! * a manifest names only what its repository holds; a tag names only a held manifest; a child outlives its indexes;
//! * an image in the *trash* answers nobody, but names its blobs as before;
//! * an image in the *archive* answers nobody either; a blob lies there when all manifests that name it do, anywhere.
//!
//! | file | what |
//! |---|---|
//! | `repositories.rs` | [`Repositories`]: create, find, list, delete |
//! | `rules.rs` | [`RepositoryRules`]: which tags may be moved, and what else holds for a repository |
//! | `configuration.rs` and below | what can be set for the registry as a whole |
//! | `resource_tags.rs` | [`ResourceTags`]: the tags of a repository |
//! | `documents.rs` | [`Documents`]: policies and configurations, as they were written |
//! | `images.rs`, `images/`, `push.rs`, `remove.rs` | [`Images`]: find, put, list, remove; the acts [`PutImage`], `RemoveImage`, `RemoveTag` |
//! | `protection.rs`, `hold.rs` | what nobody may delete: [`ProtectedTags`], [`Hold`] |
//! | `search_index.rs` | [`SearchIndex`]: labels and platforms of images, and the orders of all, kept after the push |
//! | `selection.rs`, `selection/` | [`Selection`]: images chosen by a query, shown first, and then what is done to them |
//! | `imports.rs`, `imports/` | [`Imports`]: images from other registries, their blobs where they lie or as they come; the act `LinkNewBlobs` |
//! | `past.rs`, `past/` | [`Past`]: who pushed and tagged in the system that images come from, and when; the act `PutPast` |
//! | `inventory.rs` | [`Inventory`]: who runs which images |
//! | `quarantine.rs` | tags that wait for a verdict of their image, and how they are let out; the act `ReleaseTag` |
//! | `push_failures.rs` | pushes that failed, for the figures |
//! | `traffic.rs`, `traffic/` | [`Traffic`]: who pulls and pushes what, when and from where |
//! | `preview.rs` | [`Preview`]: what a lifecycle policy would do |
//! | `lifecycle.rs`, `lifecycle/` | [`Lifecycle`]: runs lifecycle policies, and says what they will do and why |
//! | `uploads.rs`, `admit.rs` | [`Uploads`]: open, append, finish; how bytes become a linked blob |
//! | `uploads/take.rs`, `uploads/turn.rs`, `uploads/body.rs` | one writer at a time: in a process, and among servers |
//! | `arrivals.rs` | [`ArrivedBlob`]: blobs that came a moment ago |
//! | `blobs.rs`, `link.rs` | [`Blobs`]: find, open, mount, remove; the act `LinkBlob` |
//! | `keys.rs` | [`BlobKeys`], [`KeyDomain`]: what blobs are encrypted with, and with whose they are shared |
//! | `rewrapping.rs` | [`Rewrapping`]: follows the rotation of keys |
//! | `collection.rs` | [`Collection`]: takes what nothing names |
//! | `archive.rs`, `archive/` | [`Archive`]: images whose bytes lie on a cheaper disk, and the way there and back |
//! | `trash.rs`, `trash/` | [`Trash`]: what was deleted, for as long as it can be had back |
//! | `history.rs` | [`Tags`]: where a tag pointed, and the way back |
//! | `usage.rs`, `usage/` | [`Usages`]: what repositories use, how fast they grow, and when the disk is full |
//! | `lines.rs` | lines of usage and traffic in an order, and in pages |
//! | `labels.rs` | [`LabelChange`]: labels that people give images |
//! | `quotas.rs`, `quotas/` | [`Quotas`]: how much repositories may hold together |
//! | `retention.rs` | [`Retention`]: forgets what happened, after its time |
//! | `events.rs`, `events/` | [`Events`]: what happened, in one order for everybody who follows it, in several formats |
//! | `backup.rs` | [`Backups`]: copies of everything, while serving |
//! | `orphans.rs` | [`Orphans`]: bytes a crash left |
//! | `owner.rs` | whose the store is |
//! | `fsck.rs`, `fsck/copies.rs` | [`Fsck`]: compares metadata and store both ways, and mends |
//! | `caches.rs` | what is remembered where one process owns the database |
//!
//! Deliberately absent: HTTP, permissions (decided before anything here is called), scanning, replication.

mod admit;
mod archive;
mod arrivals;
mod backup;
mod blobs;
mod caches;
mod collection;
mod configuration;
mod documents;
mod events;
mod fsck;
mod history;
mod hold;
mod images;
mod imports;
mod inventory;
mod keys;
mod labels;
mod lifecycle;
mod lines;
mod link;
mod orphans;
mod owner;
mod past;
mod ports;
mod preview;
mod protection;
mod push;
mod push_failures;
mod quarantine;
mod quotas;
mod remove;
mod repositories;
mod resource_tags;
mod retention;
mod rewrapping;
mod rules;
mod search_index;
mod selection;
mod settings;
mod traffic;
mod trash;
#[cfg(test)]
mod two_writers;
mod uploads;
mod usage;

pub use archive::{Archive, ImageStatus, MovedBlobs};
pub use arrivals::ArrivedBlob;
pub use backup::{BackupProgress, Backups};
pub use blobs::{BlobFound, Blobs};
pub use collection::{Collected, Collection};
pub use configuration::*;
pub use documents::{Change, Decision, Document, DocumentKind, DocumentSeen, Documents};
pub use events::*;
pub use fsck::{Fsck, FsckFinding, FsckOptions, FsckProgress, FsckReport};
pub use gantry_lifecycle::Pattern as TagsPattern;
pub use gantry_metadata::archive::ArchiveCounts;
pub use gantry_metadata::repositories::RepositoryCounts;
pub use gantry_metadata::selections::{LeftoverRow as Leftover, SelectionCounts};
pub use gantry_store::UploadId;
pub use history::{Back, TagMove, Tags};
pub use hold::{HOLD_REASON_BYTES_MAX, HoldReason, HoldReasonError};
pub use images::{
    ImageFilter, ImageFound, ImagePlace, ImageSearch, ImageSummary, Images, Referrer, Referrers, SearchPage,
    SearchPlace, SearchedImage, SearchedRepository, TagFilter,
};
pub use imports::{BlobFile, BlobPlace, BlobTaken, ImportedImage, Imports, OpenBlob, Trust};
pub use inventory::{
    INVENTORY_IMAGES_MAX, INVENTORY_SOURCES_MAX, ImageUse, Inventory, InventoryReport, InventorySource,
    InventorySourceError, InventorySummary, ReportedImage,
};
pub use keys::{BlobKeys, KeyDomain, refused_key};
pub use labels::{
    IMAGE_LABEL_NAME_BYTES_MAX, IMAGE_LABEL_VALUE_BYTES_MAX, IMAGE_LABELS_MAX, LabelChange, LabelError, LabelName,
    LabelValue,
};
pub use lifecycle::{
    ForecastRun, LIFECYCLE_FORECAST_DAYS_MAX, LIFECYCLE_IMAGES_SHOWN_MAX, Lifecycle, LifecycleExplanation,
    LifecycleForecast, LifecycleForecastImage, LifecycleImage, LifecycleOutcome, LifecycleRound, LifecycleRun,
    LifecycleStatus, LifecycleTotal,
};
pub use orphans::Orphans;
pub use past::{
    PAST_ACTOR_BYTES_MAX, PAST_IMAGES_MAX, PAST_MOVES_MAX, PAST_TAGS_MAX, Past, PastActor, PastError, PastImage,
    PastMove, PastRules, PastSource, PastTag, PastTaken,
};
pub use ports::Registry;
pub use preview::{Preview, PreviewCounts, PreviewedImage};
pub use protection::{Hold, PROTECTED_TAGS_MAX, ProtectedTagError, ProtectedTags};
pub use push::{ImageDates, PutImage, PutImageAnswer};
pub use quarantine::{TagJudge, TagRelease, TagReleased};
pub use quotas::{QUOTAS_MAX, Quota, QuotaLimits, QuotaMeasure, QuotaScope, QuotaScopeError, Quotas};
pub use repositories::{NewRepository, Repositories, Repository, TemplateAsks};
pub use resource_tags::{RESOURCE_TAGS_MAX, ResourceTagError, ResourceTags};
pub use retention::{Forgotten, Retention};
pub use rewrapping::Rewrapping;
pub use rules::{Encryption, EncryptionKind, Mutability, RepositoryRules, TagPattern, TagPatternError, TagRule};
pub use search_index::SearchIndex;
pub use selection::{
    BulkAction, BulkAsked, CHOSEN_IMAGES_MAX, ChosenImage, Selection, SelectionState, SelectionStatus, TagTemplate,
    TagTemplateError,
};
pub use settings::{
    AttachedSbom, CollectionSettings, DeadlineSettings, LifecycleSettings, LimitSettings, RetentionSettings,
    ScanningSettings, Settings, TrashSettings, UploadSettings, WorkerSettings,
};
pub use traffic::{
    TRAFFIC_DAYS_MAX, Traffic, TrafficBy, TrafficEntry, TrafficFilter, TrafficOrder, TrafficOrderError, TrafficPlace,
    traffic_page,
};
pub use trash::{Emptied, RestoredImage, Trash, TrashPlace, TrashedImage};
pub use uploads::{Appended, Uploads};
pub use usage::*;

//! Scans images, keeps advisories at hand, and answers what is wrong with an image.
//!
//! A layer is read once, whatever number of images share it, and an image's inventory is put together from its layers. Findings
//! are not kept: they are matched when somebody asks, so that a new advisory counts at once, for every image, without a layer
//! being opened again.
//!
//! | file | what |
//! |---|---|
//! | `scans.rs` | [`Scans`]: asks for scans, on push and by hand, and says how they stand |
//! | `reactions.rs` | what is asked for when images are pushed |
//! | `search.rs`, `search/` | which images hold a package or a flaw, in memory, and since when |
//! | `stored.rs` | the walk over images that were there before |
//! | `scanner.rs` | takes what is due, and reads it |
//! | `worker.rs`, `worker/` | [`LayerWorkers`]: layers, read in a process of their own |
//! | `layers.rs` | layers that several scans need at once |
//! | `arrivals.rs` | layers that are read while their image is still being pushed |
//! | `reading.rs` | one image: its layers, and what they make together |
//! | `attach.rs` | the bill of materials that is attached to an image |
//! | `attached.rs` | documents that others attached to it, and what they say |
//! | `packing.rs` | how inventories and layers lie in the database |
//! | `printed.rs` | findings of images as they were printed last |
//! | `advisories.rs` | [`Advisories`]: the generation of advisories that holds now |
//! | `gates.rs`, `gates/` | [`Gates`]: whether an image may be pulled, and whether a pushed tag waits, by the scan policy of its repository |
//! | `folder.rs`, `compile.rs` | a folder of feeds, and how feeds become one file |
//! | `source.rs`, `source/`, `settings.rs` | [`AdvisorySource`]: where advisories come from |
//! | `update.rs`, `update/` | [`Updater`]: asks the sources for what is new |
//! | `generation.rs` | whether something older is to take the place of something newer |
//! | `age.rs` | how old advisories are |
//! | `events.rs` | what consumers of the outbox are told of scans and flaws |
//! | `figures.rs` | what the metrics tell of scans |
//! | `vex.rs`, `vex/` | statements that a flaw does not matter, uploaded and applied |
//! | `acts.rs` | what changes the database |
//! | `forget.rs` | what is known of images and layers that are gone |

mod acts;
mod advisories;
mod age;
mod arrivals;
mod attach;
mod attached;
mod compile;
mod events;
mod figures;
mod folder;
mod forget;
mod gates;
mod generation;
mod layers;
mod packing;
mod printed;
mod reactions;
mod reading;
mod scanner;
mod scans;
mod search;
mod settings;
mod source;
mod stored;
mod update;
mod vex;
mod worker;

pub use advisories::{ADVISORIES_FILE, Advisories, AdvisoriesError};
pub use age::{SourceAge, ages};
pub use attached::{attests, may_say_something};
pub use compile::FeedsError;
pub use figures::{ImageCounts, ScanTotals};
pub use folder::{compile_folder, files_below};
pub use gates::{
    EXCEPTIONS_MAX, GateAnswer, GateExplanation, Gates, KeptPolicy, NewException, OVERRIDES_MAX, POLICIES_MAX,
    QuarantinedTag, Rules, SBOM_TYPES,
};
pub use generation::{Regress, compare_generations};
pub use scans::{ImageFindings, Scan, ScanStatus, Scans};
pub use search::{
    BaseImage, FirstSeen, FlawOrder, FlawPlace, FlawQuestion, FoundFile, FoundFiles, FoundFlaw, FoundImage,
    FoundImages, FoundPackage, FoundSecret, GoneFlaw, GonePlace, IMAGES_SHOWN_MAX, NotedFindings, PATHS_SHOWN_MAX,
    PackagePlace, PackageQuestion, SecretPlace, SecretQuestion, SeverityCounts, TrendDay, Visible,
};
pub use settings::AdvisorySettings;
pub use source::{AdvisorySource, AdvisorySourceError, ArtifactPlace, ArtifactPlaceError, Place, SourceKind};
pub use update::{Older, SourceOutcome, SourceReport, SourceState, UpdateError, UpdateReport, UpdateState, Updater};
pub use vex::{NewVex, VEX_BYTES_MAX, Vex};
pub use worker::{LayerWorkers, WorkerAnswer, WorkerProgram, ask_worker, serve_layers};

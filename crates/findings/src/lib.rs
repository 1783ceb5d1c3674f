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
//! | `search.rs`, `search/` | which images hold a package or a flaw, in memory |
//! | `scanner.rs` | takes what is due, and reads it |
//! | `reading.rs` | one image: its layers, and what they make together |
//! | `packing.rs` | how inventories and layers lie in the database |
//! | `advisories.rs` | [`Advisories`]: the generation of advisories that holds now |
//! | `gates.rs`, `gates/` | [`Gates`]: whether an image may be pulled, by the scan policy of its repository |
//! | `acts.rs` | what changes the database |
//! | `forget.rs` | what is known of images and layers that are gone |

mod acts;
mod advisories;
mod forget;
mod gates;
mod packing;
mod reactions;
mod reading;
mod scanner;
mod scans;
mod search;

pub use advisories::{ADVISORIES_FILE, Advisories, AdvisoriesError};
pub use gates::{
    EXCEPTIONS_MAX, GateAnswer, GateExplanation, Gates, KeptPolicy, NewException, OVERRIDES_MAX, POLICIES_MAX, Rules,
    SBOM_TYPES,
};
pub use scans::{ImageFindings, Scan, ScanStatus, Scans};
pub use search::{
    FlawPlace, FlawQuestion, FoundFlaw, FoundImage, FoundImages, FoundPackage, IMAGES_SHOWN_MAX, PackagePlace,
    PackageQuestion, Visible,
};

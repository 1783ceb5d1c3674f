//! Scanning, the pure half: values in, values out; no sockets, no clock. What is not yet reached from outside says so.
//!
//! | file | what |
//! |---|---|
//! | `advisory.rs` | [`Advisory`]: what a record of a feed says |
//! | `ecosystem.rs` | [`Ecosystem`]: what finds packages in a file, and the list of all |
//! | `ecosystems/` | the ecosystems, one file each |
//! | `distribution.rs` | which distribution an image is |
//! | `package.rs` | [`Package`], [`PackageType`], [`Distribution`] |
//! | `layer.rs`, `layer/` | [`read_layer`]: what one layer holds, from a stream |
//! | `image.rs` | [`put_together`]: an image out of its layers |
//! | `inventory.rs` | [`Inventory`]: what an image holds |
//! | `finding.rs` | [`Finding`], [`Severity`]: what is wrong with it |
//! | `feeds/` | readers of advisories, one file per format |
//! | `knowledge.rs`, `knowledge/` | [`Knowledge`]: all advisories in one compact file |
//! | `matching.rs`, `matching/` | [`find`]: which advisories speak of an image's packages |
//! | `severity.rs` | how bad a flaw is: words, CVSS |
//! | `versions.rs`, `versions/` | [`VersionScheme`]: which of two versions comes first, one file per order |

mod distribution;
mod ecosystem;
mod ecosystems;
mod advisory;
pub mod feeds;
mod finding;
mod image;
mod inventory;
mod layer;
mod knowledge;
mod matching;
mod package;
pub mod severity;
mod versions;

pub use advisory::{Advisory, Affected, KnowledgeSource, Range, Rating, Standing, Until};
pub use ecosystem::{ALL as ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, ReadSeek, WHOLE_BYTES_MAX};
pub use finding::{Evidence, Finding, FixState, Severity, Undecided};
pub use image::put_together;
pub use inventory::{Installed, Inventory};
pub use layer::{
    Layer, LayerBuilder, LayerError, LayerFile, Limits, Link, MakeSpool, Spool, ecosystems_revision, read_layer,
};
pub use knowledge::{ChangedName, Knowledge, KnowledgeError, KnowledgeWriter, SourceInfo, seal};
pub use matching::{EndOfLife, Interned, KernelHeaders, Match, Matched, Options, find, match_all, match_names};
pub use package::{Distribution, Package, PackageType, SourcePackage};
pub use versions::{VERSION_BYTES_MAX, VersionScheme};

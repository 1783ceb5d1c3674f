//! Scanning, the pure half: values in, values out; no sockets, no clock. What is not yet reached from outside says so.
//!
//! | file | what |
//! |---|---|
//! | `ecosystem.rs` | [`Ecosystem`]: what finds packages in a file, and the list of all |
//! | `package.rs` | [`Package`], [`PackageType`], [`Distribution`] |
//! | `layer.rs`, `layer/` | [`read_layer`]: what one layer holds, from a stream |
//! | `image.rs` | [`put_together`]: an image out of its layers |
//! | `inventory.rs` | [`Inventory`]: what an image holds |
//! | `finding.rs` | [`Finding`], [`Severity`]: what is wrong with it |
//! | `versions.rs`, `versions/` | [`VersionScheme`]: which of two versions comes first, one file per order |

mod ecosystem;
mod finding;
mod image;
mod inventory;
mod layer;
mod package;
mod versions;

pub use ecosystem::{ALL as ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, ReadSeek, WHOLE_BYTES_MAX};
pub use finding::{Evidence, Finding, FixState, Severity, Undecided};
pub use image::put_together;
pub use inventory::{Installed, Inventory};
pub use layer::{
    Layer, LayerBuilder, LayerError, LayerFile, Limits, Link, MakeSpool, Spool, ecosystems_revision, read_layer,
};
pub use package::{Distribution, Package, PackageType, SourcePackage};
pub use versions::{VERSION_BYTES_MAX, VersionScheme};

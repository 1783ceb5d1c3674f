//! Scanning, the pure half: values in, values out; no sockets, no clock. What is not yet reached from outside says so.
//!
//! | file | what |
//! |---|---|
//! | `ecosystem.rs` | [`Ecosystem`]: what finds packages in a file, and the list of all |
//! | `ecosystems.rs`, `ecosystems/` | one file per ecosystem |
//! | `package.rs` | [`Package`], [`PackageType`], [`Distribution`] |
//! | `inventory.rs` | [`Inventory`]: what an image holds |
//! | `purl.rs` | package URLs, written and read |
//! | `finding.rs` | [`Finding`], [`Severity`]: what is wrong with it |
//! | `versions.rs`, `versions/` | [`VersionScheme`]: which of two versions comes first, one file per order |

mod ecosystem;
mod ecosystems;
mod finding;
mod inventory;
mod package;
pub mod purl;
mod versions;

pub use ecosystem::{ALL as ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, ReadSeek, WHOLE_BYTES_MAX};
pub use ecosystems::go_binary::{BuildInfo, Module, read_build_info};
pub use ecosystems::sbom::{DocumentError, read_document};
pub use finding::{Evidence, Finding, FixState, Severity, Undecided};
pub use inventory::{Installed, Inventory};
pub use package::{Distribution, Package, PackageType, SourcePackage};
pub use versions::{VERSION_BYTES_MAX, VersionScheme};

//! Scanning, the pure half: values in, values out; no sockets, no clock. What is not yet reached from outside says so.
//!
//! | file | what |
//! |---|---|
//! | `advisory.rs` | [`Advisory`]: what a record of a feed says |
//! | `ecosystem.rs` | [`Ecosystem`]: what finds packages in a file, and the list of all |
//! | `package.rs` | [`Package`], [`PackageType`], [`Distribution`] |
//! | `inventory.rs` | [`Inventory`]: what an image holds |
//! | `purl.rs` | package URLs, written and read |
//! | `finding.rs` | [`Finding`], [`Severity`]: what is wrong with it |
//! | `documents.rs`, `documents/` | bills of materials and lists of findings for others to read |
//! | `exploitation.rs` | [`Exploitation`]: what is known to be exploited or likely will be; how urgent a finding is |
//! | `vex.rs`, `vex/` | statements that a flaw does not matter somewhere |
//! | `feeds/` | readers of advisories, one file per format |
//! | `knowledge.rs`, `knowledge/` | [`Knowledge`]: all advisories in one compact file |
//! | `matching.rs`, `matching/` | [`find`]: which advisories speak of an image's packages |
//! | `severity.rs` | how bad a flaw is: words, CVSS |
//! | `versions.rs`, `versions/` | [`VersionScheme`]: which of two versions comes first, one file per order |

mod advisory;
pub mod documents;
mod ecosystem;
pub mod exploitation;
pub mod feeds;
mod finding;
mod inventory;
mod knowledge;
mod matching;
mod package;
pub mod purl;
pub mod severity;
mod versions;
pub mod vex;

pub use advisory::{Advisory, Affected, KnowledgeSource, Range, Rating, Standing, Until};
pub use ecosystem::{ALL as ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, ReadSeek, WHOLE_BYTES_MAX};
pub use exploitation::Exploitation;
pub use finding::{Evidence, Finding, FixState, Severity, Undecided};
pub use inventory::{Installed, Inventory};
pub use knowledge::{Knowledge, KnowledgeError};
pub use matching::{EndOfLife, KernelHeaders, Matched, Options, find};
pub use package::{Distribution, Package, PackageType, SourcePackage};
pub use versions::{VERSION_BYTES_MAX, VersionScheme};

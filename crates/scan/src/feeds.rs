//! Readers of advisories: one file per format. All read bytes that are there already; none fetches.
//!
//! | file | what |
//! |---|---|
//! | `almalinux.rs` | AlmaLinux's errata, JSON |
//! | `bolt.rs` | files of bbolt, in which trivy-db comes |
//! | `csaf.rs` | Red Hat's VEX documents |
//! | `debian.rs` | Debian's security tracker |
//! | `errata.rs` | what errata of the rpm family have in common |
//! | `failure.rs` | [`FeedError`]: why a feed was refused |
//! | `kind.rs` | [`FeedKind`]: which reader a file is for |
//! | `osv.rs`, `osv/` | OSV records: osv.dev's export, GitHub's advisories, Ubuntu's |
//! | `packed.rs` | gzip, zstd and tar, within bounds |
//! | `secdb.rs` | the security databases of Alpine, Wolfi and Chainguard |
//! | `trivy.rs`, `trivy/` | trivy-db, and the artifact that it comes in |
//! | `updateinfo.rs` | errata in rpm repositories: Rocky Linux, Amazon Linux |
pub mod almalinux;
pub mod bolt;
pub(crate) mod csaf;
pub mod debian;
mod errata;
mod failure;
mod kind;
pub mod osv;
pub mod packed;
pub mod secdb;
pub mod trivy;
pub mod updateinfo;
pub use csaf::read as read_csaf;
pub use failure::FeedError;
pub(crate) use failure::parse_json;
pub use kind::{FeedItem, FeedKind, FeedKindError};
#[cfg(test)]
mod tests;

//! The words of the OCI specifications as types: digests, tags, references, media types, manifests and indexes, and
//! what one of those points to (OCI Image 1.1.1, OCI Distribution 1.1.1, Docker image manifest version 2 schema 2).
//!
//! A manifest is read by one strict parser: what two programs could read in two ways is refused, so that what was
//! checked here is what every client will see. Pure: bytes and limits in, values out. Deliberately absent: hashing,
//! signatures, image configurations, layers' contents, and anything that reads a stream. A descriptor's size is what
//! the manifest claims; whoever relies on it compares it with the bytes.
//!
//! | file | what |
//! |---|---|
//! | `descriptor.rs` | [`Descriptor`], [`Platform`] |
//! | `digest.rs` | [`Algorithm`], [`Digest`] |
//! | `json.rs` | the strict JSON reader, private |
//! | `manifest.rs` | [`Manifest`], [`Kind`], [`ManifestLimits`] |
//! | `manifest/error.rs` | [`ManifestError`] |
//! | `manifest/members.rs` | members of JSON objects with their places, private |
//! | `media_type.rs` | names of media types, and their grammar |
//! | `reference.rs` | [`Reference`] |
//! | `referrers.rs` | [`referrers_index`] |
//! | `tag.rs` | [`Tag`] |

mod descriptor;
mod digest;
mod json;
mod manifest;
pub mod media_type;
mod reference;
mod referrers;
mod tag;

pub use descriptor::{Descriptor, Platform};
pub use digest::{Algorithm, Digest, DigestError};
pub use manifest::{Kind, Manifest, ManifestError, ManifestLimits};
pub use reference::{Reference, ReferenceError};
pub use referrers::referrers_index;
pub use tag::{TAG_BYTES_MAX, Tag, TagError};

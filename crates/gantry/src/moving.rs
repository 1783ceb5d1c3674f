//! Images on their way between a registry and files: what `gantry import` and `gantry export` share.
//!
//! | file | what |
//! |---|---|
//! | `archive_index.rs` | [`ArchiveIndex`]: where the files of a tar archive lie in it |
//! | `bucket.rs` and below | [`Bucket`]: what lies below a prefix of an object store |
//! | `files.rs` | [`Files`]: a folder's, an archive's or a bucket's files by name, and nothing outside of it |
//! | `folder.rs` | a folder, and nothing outside of it |
//! | `hashing.rs` | [`Checked`]: bytes that must be those of a digest |
//! | `layout_folder.rs` | [`LayoutFolder`]: an OCI layout that is written |
//! | `layout_index.rs` | `index.json` of a layout (OCI Image 1.1.1, Image Layout) |
//! | `list_bytes.rs` | [`ListBytes`]: how long a list may be, over all its pages |
//! | `names.rs` | [`ImageName`]: what layouts and archives call an image |
//! | `over_http.rs` | [`OverHttp`]: a registry over its API |
//! | `pace.rs` | [`Pace`]: so many bytes in a second; when a server is asked again |
//! | `parallel.rs` | several things at once |
//! | `registry.rs` | [`Registry`]: what is asked of a registry |
//! | `registry_client.rs`, `registry_client/` | [`RegistryClient`]: a registry of anybody, which is read |

mod archive_index;
mod bucket;
mod files;
mod folder;
mod hashing;
mod layout_folder;
mod layout_index;
mod list_bytes;
#[cfg(test)]
pub(crate) mod memory;
mod names;
mod over_http;
mod pace;
mod parallel;
mod registry;
mod registry_client;

pub(crate) use archive_index::{ArchiveIndex, join};
pub(crate) use bucket::{
    AHEAD_MAX, Bucket, BucketAccess, BucketAddress, BucketError, Object as BucketObject, read_page as read_bucket_page,
};
pub(crate) use files::{Files, FilesError, Section};
pub(crate) use hashing::{Checked, Hasher, digest_of, hash};
pub(crate) use layout_folder::{LayoutError, LayoutFolder};
pub(crate) use layout_index::{INDEX_BYTES_MAX, blob_name, read_index};
pub(crate) use list_bytes::ListBytes;
pub(crate) use names::{IMAGE_NAME, ImageName, REF_NAME};
pub(crate) use over_http::OverHttp;
pub(crate) use pace::{Pace, wait_before};
pub(crate) use parallel::in_parallel;
pub(crate) use registry::{Blob, Loaded, PastTaker, Registry, Sent, Trouble};
#[cfg(test)]
pub(crate) use registry_client::tests as scripted;
pub(crate) use registry_client::{RegistryAccess, RegistryClient, RegistryError, next_page, read_catalog, read_tags};

/// Bytes of a manifest, an index or an image's configuration at most.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 4 << 20;
/// Indexes within indexes, and referrers of referrers, at most.
pub(crate) const DEPTH_MAX: usize = 8;

/// How fast, and how much at once.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SpeedFlags {
    /// Bytes per second at most, such as 20MiB
    #[arg(long, value_name = "BYTES")]
    pub(crate) limit_rate: Option<gantry_words::ByteCount>,
    /// How many things to move at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    jobs: u8,
}

impl SpeedFlags {
    /// How many things are moved at once.
    pub(crate) fn jobs(&self) -> usize {
        usize::from(self.jobs)
    }
}

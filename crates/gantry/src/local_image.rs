//! Images as files: a `docker save` archive, an OCI layout (folder or archive), a root folder.
//!
//! | file | what |
//! |---|---|
//! | `members.rs` | [`Members`]: a folder's or an archive's files by name |
//! | `docker_archive.rs` | `manifest.json` as `docker save` writes it |
//! | `oci_layout.rs` | `index.json` (OCI Image 1.1.1, Image Layout) |
//! | `attached.rs` | documents that hang on the image of a layout |

mod attached;
mod docker_archive;
mod members;
mod oci_layout;

use attached::Attached;
use gantry_oci::{Digest, Platform};
use members::Members;
pub(crate) use oci_layout::by_platform;
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Bytes of a manifest, an index or a configuration at most.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;

/// Which of several images is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// A tag, a name with tag, or a digest.
    pub(crate) image: Option<String>,
    /// `os/architecture[/variant]`.
    pub(crate) platform: Option<String>,
}

/// What lies at a path.
pub(crate) enum Input {
    /// An image with layers.
    Image(LocalImage),
    /// A root folder.
    Root(PathBuf),
}

/// An image whose bytes are files here.
pub(crate) struct LocalImage {
    /// Its name, where the file says one.
    pub(crate) name: Option<String>,
    /// The digest of its manifest; `docker save` archives have none.
    pub(crate) digest: Option<Digest>,
    /// Its configuration (OCI Image 1.1.1, Image Configuration), unread.
    pub(crate) config: Vec<u8>,
    /// The digests of the indexes on the way to it.
    pub(crate) indexes: Vec<String>,
    layers: Vec<String>,
    attached: Vec<Attached>,
    members: Members,
}

impl LocalImage {
    /// How many layers there are.
    pub(crate) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Opens a layer, counted from 0 at the bottom; compressed as it lies there.
    pub(crate) fn open_layer(&self, index: usize) -> Result<Box<dyn Read>, InputError> {
        let name = self.layers.get(index).ok_or_else(|| InputError::NoSuchMember(format!("layer {index}")))?;
        self.members.open(name)
    }

    /// Reads the documents that hang on it, each with which one it is.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (String, Result<Vec<u8>, InputError>)> {
        self.attached.iter().map(|attached| (attached.origin(), attached.read(&self.members)))
    }
}

/// Why an input is no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It is neither archive nor folder of a known shape.
    #[error("{0} is neither a `docker save` archive nor an OCI layout nor a folder")]
    Unknown(String),
    /// Something that is named is not there.
    #[error("it names {0}, which is not in it")]
    NoSuchMember(String),
    /// A document is too long.
    #[error("{name} is longer than {bytes_max} bytes")]
    TooLong {
        /// Which.
        name: String,
        /// How many bytes are read at most.
        bytes_max: u64,
    },
    /// A document is not what it should be.
    #[error("{name} is not understood: {problem}")]
    Malformed {
        /// Which.
        name: String,
        /// Why.
        problem: String,
    },
    /// Bytes are not those that the digest is of.
    #[error("the bytes of {0} are others than its digest says")]
    Corrupt(Digest),
    /// There are several images, or none that was asked for.
    #[error("{problem}; there are: {}", .names.join(", "))]
    Which {
        /// What was wanted.
        problem: String,
        /// What there is.
        names: Vec<String>,
    },
}

impl InputError {
    fn io(path: &Path, error: io::Error) -> InputError {
        InputError::Io { path: path.display().to_string(), error }
    }
}

/// Looks what lies at a path, and chooses the image that is wanted.
///
/// # Errors
/// Why there is no image.
pub(crate) fn open(path: &Path, wanted: &Wanted) -> Result<Input, InputError> {
    let kind = std::fs::metadata(path).map_err(|error| InputError::io(path, error))?;
    let members = if kind.is_dir() { Members::folder(path) } else { Members::archive(path)? };
    if members.has("index.json") && members.has("oci-layout") && !members.has("manifest.json") {
        return oci_layout::open(members, wanted).map(Input::Image);
    }
    if members.has("manifest.json") {
        return docker_archive::open(members, wanted).map(Input::Image);
    }
    match kind.is_dir() {
        true => Ok(Input::Root(path.to_owned())),
        false => Err(InputError::Unknown(path.display().to_string())),
    }
}

/// Tells whether a platform is the wanted one: all parts that are said must be the same.
fn is_platform(platform: &Platform, wanted: &str) -> bool {
    let mut parts = wanted.split('/');
    let mut holds = |own: &str| parts.next().is_none_or(|part| part.is_empty() || part == own);
    holds(&platform.os) && holds(&platform.architecture) && holds(platform.variant.as_deref().unwrap_or_default())
}

/// The platform that is meant where nothing is said: Linux on this machine's processor, in Go's words.
fn own_platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{architecture}")
}

#[cfg(test)]
mod tests;

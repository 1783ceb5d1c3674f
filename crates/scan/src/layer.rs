//! What one layer holds: read once, as a stream, whatever number of images share it.
//!
//! | file | what |
//! |---|---|
//! | `layer/limits.rs` | [`Limits`], and [`LayerError`]: what is refused |
//! | `layer/path.rs` | names of archives as normalised paths, and their hashes |
//! | `layer/compression.rs` | gzip and zstd |
//! | `layer/tar.rs` | the archive's entries |
//! | `layer/owners.rs` | what packages of the distribution own |
//! | `layer/loose.rs` | [`LooseFiles`]: files that belong to no package |
//! | `layer/builder.rs` | [`LayerBuilder`]: one entry after another |

mod builder;
mod compression;
mod limits;
mod loose;
mod owners;
pub(crate) mod path;
mod tar;

use std::io::{self, BufRead, BufReader, Read, Seek, Write};

pub use builder::LayerBuilder;
pub use compression::{LAYER_HEAD_BYTES, may_be_layer};
pub use limits::{LayerError, Limits};
pub use loose::LooseFiles;
use owners::Owners;
use path::Hashes;
use tar::{Archive, Entry, Kind};

use crate::{ECOSYSTEMS, ExposedSecret, Found, Package, misconfiguration, secrets};

/// Bytes that are unpacked at a time.
const READ_BYTES: usize = 64 << 10;
/// Raise it when other files are kept that belong to no package.
const LOOSE_REVISION: u32 = 1;

/// A place for one file that is too long for memory, such as an unnamed temporary file.
pub trait Spool: Read + Write + Seek {}
impl<T: Read + Write + Seek> Spool for T {}

/// Makes a [`Spool`]; the caller knows where.
pub type MakeSpool<'a> = dyn FnMut() -> io::Result<Box<dyn Spool>> + 'a;

/// What one layer holds, without its files: what was found in them, and what it takes to lay it over other layers.
///
/// Beside packages it keeps eight bytes for each path, so that a layer above can be known to replace what is below, and the paths of
/// files that belong to no package.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layer {
    /// What could read it: [`ecosystems_revision`] at that time. Of another revision it is read again.
    pub revision: u32,
    /// Files in which something was found, sorted by path.
    pub files: Vec<LayerFile>,
    /// Paths that it deletes from the layers below, with all that is in them; sorted.
    pub whiteouts: Vec<String>,
    /// Folders whose content in the layers below it hides; sorted.
    pub opaque: Vec<String>,
    /// Symbolic links that may lead to a folder or to a file worth reading; sorted by path.
    pub links: Vec<Link>,
    /// Hard links to files of the layers below; sorted by path.
    pub hard_links: Vec<Link>,
    /// Its files and links that belong to no package of its own.
    #[serde(default)]
    pub loose: LooseFiles,
    /// Hashes of all its paths, [`path::hash`].
    pub(crate) paths: Hashes,
    /// What could not be read, in sentences for people.
    pub complaints: Vec<String>,
}

/// What was found in one file of a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LayerFile {
    /// Its normalised path.
    pub path: String,
    /// The file within that file (an archive), `inner.jar!deeper.jar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// What it gave; the owned paths are not here but in `owners`.
    pub found: Found,
    /// Secrets in its text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<ExposedSecret>,
    /// Its permission bits, if the setuid or the setgid bit is among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setuid: Option<u32>,
    /// Which paths packages of the distribution own.
    #[serde(default, skip_serializing_if = "Owners::is_empty")]
    pub(crate) owners: Owners,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Link {
    /// Its normalised path.
    pub path: String,
    /// Where it leads: of a symbolic link as it is written, of a hard link normalised.
    pub target: String,
}

impl Layer {
    /// Returns all packages, with duplicates, in the order of their paths.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.files.iter().flat_map(|file| &file.found.packages)
    }
}

/// Reads a layer: a tar archive, plain or as gzip or zstd, whichever its first bytes say.
///
/// The archive goes by as a stream: files that no ecosystem claims and in which no secret may lie are skipped, others are held
/// one at a time, in memory or, if they are long, in a `spool`. Reading ends with the archive's end; bytes behind it are left in `input`.
///
/// # Errors
/// [`LayerError`]. What is wrong with a single file is no error but one of the layer's complaints.
pub fn read_layer(input: &mut dyn BufRead, limits: &Limits, spool: &mut MakeSpool<'_>) -> Result<Layer, LayerError> {
    read_entries(input, limits, LayerBuilder::new(limits, spool))
}

fn read_entries(input: &mut dyn BufRead, limits: &Limits, mut builder: LayerBuilder<'_>) -> Result<Layer, LayerError> {
    let unpacked = BufReader::with_capacity(READ_BYTES, compression::unpack(input, limits)?);
    let mut archive = Archive::new(unpacked);
    while let Some(Entry { name, kind, mode, length }) = archive.next()? {
        match kind {
            Kind::File => builder.file(&name, mode, length, &mut archive)?,
            Kind::Folder => builder.folder(&name)?,
            Kind::Link(target) => builder.link(&name, &target)?,
            Kind::HardLink(target) => builder.hard_link(&name, &target)?,
            Kind::Sparse => builder.unreadable(&name)?,
            Kind::Special => builder.special(&name)?,
        }
    }
    Ok(builder.finish())
}

/// Returns a number for what all ecosystems together can find, the rules for secrets and misconfigurations, and which files are kept:
/// a change of it means that layers are to be read again.
pub fn ecosystems_revision() -> u32 {
    let mut words: String = ECOSYSTEMS.iter().map(|one| format!("{}={};", one.name(), one.revision())).collect();
    words.push_str(&format!("secrets={};misconfigurations={};", secrets::REVISION, misconfiguration::REVISION));
    words.push_str(&format!("loose={LOOSE_REVISION};"));
    let hash = path::hash(&words);
    (hash ^ (hash >> 32)) as u32
}

#[cfg(test)]
pub(crate) mod tests;

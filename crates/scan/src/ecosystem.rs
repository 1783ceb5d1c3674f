//! What knows packages: one file below `ecosystems/` and one line in [`ALL`] per ecosystem.

use std::io::{self, Read, Seek, SeekFrom};

use crate::{Distribution, Package, ecosystems};

/// All ecosystems, in the order in which they are asked.
pub static ALL: &[&dyn Ecosystem] = &[
    &ecosystems::apk::Apk,
    &ecosystems::bitnami::Bitnami,
    &ecosystems::cargo_lock::CargoLock,
    &ecosystems::composer::Composer,
    &ecosystems::conda::Conda,
    &ecosystems::dotnet::DotNet,
    &ecosystems::dpkg::Dpkg,
    &ecosystems::gemfile_lock::GemfileLock,
    &ecosystems::gemspec::Gemspec,
    &ecosystems::go_binary::GoBinary,
    &ecosystems::java_archive::JavaArchive,
    &ecosystems::node_modules::NodeModules,
    &ecosystems::npm_lock::NpmLock,
    &ecosystems::os_release::OsRelease,
    &ecosystems::pipfile_lock::PipfileLock,
    &ecosystems::pnpm_lock::PnpmLock,
    &ecosystems::python_lock::PythonLock,
    &ecosystems::python_metadata::PythonMetadata,
    &ecosystems::python_wheel::PythonWheel,
    &ecosystems::requirements::Requirements,
    &ecosystems::rpm::Rpm,
    &ecosystems::rust_binary::RustBinary,
    &ecosystems::sbom::Sbom,
    &ecosystems::yarn_lock::YarnLock,
];

/// Bytes of a file's beginning that [`Ecosystem::claims`] sees at most.
pub const HEAD_BYTES: usize = 512;
/// Bytes that [`File::whole`] returns at most; longer files are read by parts.
pub const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// Finds the packages that one kind of file names.
pub trait Ecosystem: Sync {
    /// A word of its own, for metrics and complaints: `dpkg`, `node-modules`, `go-binary`.
    fn name(&self) -> &'static str;

    /// Raise it when [`Ecosystem::read`] finds more: layers read with a lower revision are read again.
    fn revision(&self) -> u32;

    /// Tells whether a file is worth reading.
    ///
    /// `path` is normalised (no leading `/`, no `.` or `..`); `head` is the file's first bytes, [`HEAD_BYTES`] at most,
    /// for what is known by content; `mode` are its permission bits.
    fn claims(&self, path: &str, head: &[u8], mode: u32) -> bool;

    /// Collects what a file names, and complaints about what could not be read. Never fails as a whole. A complaint does not
    /// name the file: whoever shows it puts the path before it.
    fn read(&self, file: &mut File<'_>, found: &mut Found);
}

/// What can be read from any place.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// One regular file of a layer.
pub struct File<'a> {
    /// Its normalised path. A file within an archive is `outer.jar!inner/path`.
    pub path: &'a str,
    /// Its length in bytes.
    pub length: u64,
    /// Its permission bits.
    pub mode: u32,
    /// Its bytes, to be read from any place.
    pub content: &'a mut dyn ReadSeek,
}

impl File<'_> {
    /// Reads all bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::FileTooLarge`] above [`WHOLE_BYTES_MAX`], and what reading gives.
    pub fn whole(&mut self) -> io::Result<Vec<u8>> {
        if self.length > WHOLE_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.content.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        self.content.take(WHOLE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// What a package of the distribution owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owned {
    /// The package's name, as lists of files have it; empty where it has none.
    pub package: String,
    /// Paths, as its package manager writes them.
    pub paths: Vec<String>,
}

/// What one file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    /// Packages, in the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Package>,
    /// What the distribution's package manager owns: language packages there are its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owned: Vec<Owned>,
    /// Licences, as [`Package::licences`], of the distribution's package whose file this is: dpkg's database has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
    /// The distribution that the file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// What could not be read, in sentences for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<String>,
    /// Files within this file that are to be read too: the name within, and its bytes. The walk bounds their depth,
    /// their number and their length.
    #[serde(skip)]
    pub nested: Vec<(String, Vec<u8>)>,
}

use super::{archive_index::join, files::FilesError};
use rustix::{
    fs::{Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A folder, out of which neither `..` nor a link leads.
pub(crate) struct Folder {
    /// Its real path.
    path: PathBuf,
    /// The folder, open.
    handle: File,
}

impl Folder {
    /// Opens a folder by its real path.
    pub(super) fn open(path: PathBuf) -> io::Result<Folder> {
        let handle = OpenOptions::new().read(true).open(&path)?;
        Ok(Folder { path, handle })
    }

    /// Opens what lies in it to be read; `None` where nothing does. A pipe is not waited for.
    pub(super) fn read(&self, name: &str) -> Result<Option<File>, FilesError> {
        self.find(name, OFlags::RDONLY | OFlags::NONBLOCK, |file, _| Ok(file))
    }

    /// Returns the facts of what lies in it; `None` where nothing does.
    pub(super) fn facts(&self, name: &str) -> Result<Option<Metadata>, FilesError> {
        self.find(name, OFlags::PATH, |file, _| file.metadata())
    }

    /// Returns the real path of what lies in it; `None` where nothing does.
    pub(super) fn real_path(&self, name: &str) -> Result<Option<PathBuf>, FilesError> {
        self.find(name, OFlags::PATH, |_, path| Ok(path))
    }

    /// Opens what lies in it, and hands it on with its real path. The kernel finds what no link is on the way to, in one call; where there
    /// is one, or the kernel does not know the call, the path is resolved link by link.
    fn find<T>(
        &self,
        name: &str,
        how: OFlags,
        take: impl FnOnce(File, PathBuf) -> io::Result<T>,
    ) -> Result<Option<T>, FilesError> {
        let fail = |source| FilesError::Io { name: name.into(), source };
        let outside = || FilesError::Outside { name: name.into() };
        let clean = join("", name).ok_or_else(outside)?;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let here = if clean.is_empty() { "." } else { clean.as_str() };
        match openat2(&self.handle, here, how | OFlags::CLOEXEC, Mode::empty(), within) {
            Ok(opened) => return take(File::from(opened), self.path.join(&clean)).map(Some).map_err(fail),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(_) => {}
        }
        let path = match self.path.join(clean).canonicalize() {
            Ok(path) if path.starts_with(&self.path) => path,
            Ok(_) => return Err(outside()),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let opened = open(&path, how).and_then(|file| take(file, path));
        opened.map(Some).map_err(fail)
    }
}

/// Opens a real path.
fn open(path: &Path, how: OFlags) -> io::Result<File> {
    let flags = (how | OFlags::NOFOLLOW).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

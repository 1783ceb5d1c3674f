//! What rpm installed: Red Hat, Fedora, SUSE, Amazon, Photon, Azure Linux and their kin.
//!
//! | file | what |
//! |---|---|
//! | `rpm/header.rs` | a package's header, as all databases hold it |
//! | `rpm/sqlite.rs` | `rpmdb.sqlite`: RHEL 9, Fedora 33, Amazon 2023 and later |
//! | `rpm/ndb.rs` | `Packages.db`: SUSE |
//! | `rpm/berkeley.rs` | `Packages`: RHEL 8, Amazon 2 and earlier |
//! | `rpm/manifest.rs` | `container-manifest-2`: Azure Linux' distroless images |

mod berkeley;
mod header;
mod manifest;
mod ndb;
mod sqlite;

use std::io::{self, SeekFrom};

use crate::{Ecosystem, File, Found, Owned, ReadSeek};

/// Where databases lie: the second since Fedora 36, the third on OSTree's systems.
const FOLDERS: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];
const MANIFEST: &str = "var/lib/rpmmanifest/container-manifest-2";
/// What SQLite has written, but not yet put into the database.
const JOURNAL: &str = "rpmdb.sqlite-wal";
/// Bytes of a package's header at most.
const HEADER_BYTES_MAX: u64 = 32 << 20;
/// Paths that are remembered as owned at most, and their bytes.
const OWNED_MAX: usize = 2_000_000;
const OWNED_BYTES_MAX: usize = 256 << 20;
/// Complaints about one database at most.
const COMPLAINTS_MAX: usize = 20;

/// rpm's databases.
pub(crate) struct Rpm;

impl Ecosystem for Rpm {
    fn name(&self) -> &'static str {
        "rpm"
    }

    fn revision(&self) -> u32 {
        2
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        let Some((folder, name)) = path.rsplit_once('/') else { return false };
        let is_database = matches!(name, "rpmdb.sqlite" | JOURNAL | "Packages.db" | "Packages");
        is_database && FOLDERS.contains(&folder) || path == MANIFEST
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        if file.path.ends_with(JOURNAL) {
            if file.length > 0 {
                let complaint = "the database has changes beside it that are not read; \
                                 have the image's build end with `rpm --rebuilddb`";
                found.complaints.push(complaint.to_owned());
            }
            return;
        }
        let read = if file.path == MANIFEST { manifest::read(file, found) } else { read_database(file, found) };
        if let Err(error) = read {
            found.complaints.push(format!("the database is read in part: {error}"));
        }
    }
}

/// Why a database cannot be read to its end.
#[derive(Debug, thiserror::Error)]
enum DatabaseError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Damaged(&'static str),
}

/// Reads a database of any kind: their names are not always right.
fn read_database(file: &mut File<'_>, found: &mut Found) -> Result<(), DatabaseError> {
    let mut pages = Pages { content: &mut *file.content, length: file.length, left: file.length.saturating_mul(3) };
    let mut reader = Reader::default();
    let mut each = |header: &[u8]| reader.read(header, found);
    let mut magic = [0; 16];
    let head = pages.length.min(16) as usize;
    pages.read(0, &mut magic[..head])?;
    if &magic == sqlite::MAGIC {
        sqlite::read(&mut pages, &mut each)
    } else if magic[..4] == ndb::MAGIC {
        ndb::read(&mut pages, &mut each)
    } else if berkeley::order(&magic).is_some() {
        berkeley::read(&mut pages, &mut each)
    } else {
        Err(DatabaseError::Damaged("it is no database of a kind that rpm has"))
    }
}

/// The parts of a database, wherever they lie. What is read of it in all is bounded, so that parts which name each other
/// over and over come to an end.
struct Pages<'a> {
    content: &'a mut dyn ReadSeek,
    length: u64,
    /// Bytes that may still be read.
    left: u64,
}

impl Pages<'_> {
    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), DatabaseError> {
        let bytes = buffer.len() as u64;
        if at.checked_add(bytes).is_none_or(|end| end > self.length) {
            return Err(DatabaseError::Damaged("it points beyond its end"));
        }
        self.left = self.left.checked_sub(bytes).ok_or(DatabaseError::Damaged("its parts are used more than once"))?;
        self.content.seek(SeekFrom::Start(at))?;
        self.content.read_exact(buffer)?;
        Ok(())
    }

    /// Reads `bytes` bytes, [`HEADER_BYTES_MAX`] at most.
    fn read_vec(&mut self, at: u64, bytes: u64) -> Result<Vec<u8>, DatabaseError> {
        if bytes > HEADER_BYTES_MAX || at.checked_add(bytes).is_none_or(|end| end > self.length) {
            return Err(DatabaseError::Damaged("a part of it is too long"));
        }
        let mut buffer = vec![0; bytes as usize];
        self.read(at, &mut buffer)?;
        Ok(buffer)
    }
}

/// Collects what headers say, within limits.
#[derive(Default)]
struct Reader {
    owned: usize,
    owned_bytes: usize,
    complaints: usize,
}

impl Reader {
    fn read(&mut self, bytes: &[u8], found: &mut Found) {
        let package = header::Header::parse(bytes).and_then(|header| Some((header.package()?, header)));
        let Some((package, header)) = package else {
            self.complaints += 1;
            if self.complaints <= COMPLAINTS_MAX {
                found.complaints.push("the header of a package is damaged; it is left out".to_owned());
            }
            return;
        };
        // Keys are kept as if they were packages.
        if package.name == "gpg-pubkey" {
            return;
        }
        let mut owned = Owned { package: package.name.clone(), paths: Vec::new() };
        found.packages.push(package);
        header.each_path(&mut |path| {
            self.owned += 1;
            self.owned_bytes += path.len();
            let is_within = self.owned <= OWNED_MAX && self.owned_bytes <= OWNED_BYTES_MAX;
            if is_within {
                owned.paths.push(path);
            }
            is_within
        });
        if !owned.paths.is_empty() {
            found.owned.push(owned);
        }
    }
}

#[cfg(test)]
mod tests;

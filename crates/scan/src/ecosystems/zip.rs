//! Zip archives, read by parts and within bounds.

use std::cell::RefCell;
use std::io::{self, Read, SeekFrom};

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ReaderAt, ZipArchive, ZipLocator};

use crate::ReadSeek;

/// Entries of an archive at most. The largest applications in one archive have about a hundred thousand.
const ENTRIES_MAX: usize = 400_000;
/// Bytes of an entry's name at most; longer ones are passed over.
const NAME_BYTES_MAX: usize = 4096;

/// An archive that is open.
pub(super) struct Zip<'a> {
    archive: ZipArchive<Places<'a>>,
}

/// Lets the archive be read from several places in turn.
struct Places<'a>(RefCell<&'a mut dyn ReadSeek>);

impl ReaderAt for Places<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut content = self.0.borrow_mut();
        content.seek(SeekFrom::Start(offset))?;
        content.read(buffer)
    }
}

/// A file in an archive.
pub(super) struct Entry {
    pub(super) path: String,
    /// Its length as the directory has it; what is unpacked may be another.
    pub(super) length: u64,
    method: CompressionMethod,
    place: rawzip::ZipArchiveEntryWayfinder,
}

impl<'a> Zip<'a> {
    pub(super) fn open(content: &'a mut dyn ReadSeek) -> Result<Zip<'a>, String> {
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let end = content.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
        let places = Places(RefCell::new(content));
        let located = ZipLocator::new().locate_in_reader(places, &mut buffer, end);
        let archive = located.map_err(|(_, error)| error.to_string())?;
        Ok(Zip { archive })
    }

    /// Returns the files that are `wanted` by their path, in the directory's order, and why there are no more of them
    /// where the directory cannot be read to its end.
    pub(super) fn list(&self, wanted: impl Fn(&str) -> bool) -> (Vec<Entry>, Result<(), String>) {
        let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let mut entries = self.archive.entries(&mut buffer);
        let mut files = Vec::new();
        for _ in 0..ENTRIES_MAX {
            let entry = match entries.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => return (files, Ok(())),
                Err(error) => return (files, Err(error.to_string())),
            };
            let name = entry.file_path();
            if entry.is_dir() || name.len() > NAME_BYTES_MAX {
                continue;
            }
            let path = String::from_utf8_lossy(name.as_bytes()).trim_start_matches('/').to_owned();
            if wanted(&path) {
                let (method, place) = (entry.compression_method(), entry.wayfinder());
                files.push(Entry { path, length: entry.uncompressed_size_hint(), method, place });
            }
        }
        (files, Err(format!("it has more than {ENTRIES_MAX} entries")))
    }

    /// Unpacks a file of `bytes_max` bytes at most.
    pub(super) fn unpack(&self, entry: &Entry, bytes_max: u64) -> Result<Vec<u8>, String> {
        let packed = self.archive.get_entry(entry.place).map_err(|error| error.to_string())?.reader();
        let mut bytes = Vec::new();
        let read = match entry.method {
            CompressionMethod::STORE => packed.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes),
            CompressionMethod::DEFLATE => {
                DeflateDecoder::new(packed).take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)
            }
            method => {
                return Err(format!(
                    "it is packed with {}, which is not read",
                    method.name().unwrap_or("another method")
                ));
            }
        };
        read.map_err(|error| error.to_string())?;
        if bytes.len() as u64 > bytes_max {
            return Err(format!("it has more than {bytes_max} bytes"));
        }
        Ok(bytes)
    }
}

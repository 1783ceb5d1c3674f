//! The header of a package, as databases hold it: without the magic that it has in files (rpm's file format, section
//! Header). All numbers are big-endian.

use crate::{Package, PackageType, SourcePackage};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENCE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const PATHS: u32 = 1027;
const SOURCE_RPM: u32 = 1044;
const FOLDER_NUMBERS: u32 = 1116;
const FILE_NAMES: u32 = 1117;
const FOLDER_NAMES: u32 = 1118;
const MODULE_LABEL: u32 = 5096;

const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const LOCALISED_STRING: u32 = 9;

/// Entries of a header at most, as rpm has it.
const ENTRIES_MAX: usize = 0xffff;
/// Bytes of a path at most.
const PATH_BYTES_MAX: usize = 4096;
/// Bytes of a text at most.
const TEXT_BYTES_MAX: usize = 1024;

/// A header whose parts are within its bounds.
pub(super) struct Header<'a> {
    entries: &'a [[u8; 16]],
    data: &'a [u8],
}

struct Entry<'a> {
    kind: u32,
    count: usize,
    /// From its beginning to the end of all data.
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads a header; `None` where its lengths do not fit.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Header<'a>> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        if count > ENTRIES_MAX {
            return None;
        }
        let (entries, rest) = rest.split_at_checked(count * 16)?;
        Some(Header { entries: entries.as_chunks().0, data: rest.get(..length)? })
    }

    /// Returns the package; `None` where it has no name, version or release.
    pub(super) fn package(&self) -> Option<Package> {
        let name = self.text(NAME)?;
        let plain = format!("{}-{}", self.text(VERSION)?, self.text(RELEASE)?);
        let epoch = self.numbers(EPOCH).next().filter(|epoch| *epoch != 0);
        let source = self.text(SOURCE_RPM).and_then(|source| parse_source(&source, &name, &plain, epoch));
        Some(Package {
            source,
            architecture: self.text(ARCHITECTURE),
            vendor: self.text(VENDOR),
            module_stream: self.text(MODULE_LABEL).as_deref().and_then(parse_stream),
            licences: self.text(LICENCE).into_iter().collect(),
            ..Package::new(PackageType::Rpm, name, with_epoch(epoch, &plain))
        })
    }

    /// Gives all files, until `takes` says no.
    pub(super) fn each_path(&self, takes: &mut dyn FnMut(String) -> bool) {
        for path in self.texts(PATHS) {
            if path.len() <= PATH_BYTES_MAX && !takes(path.into_owned()) {
                return;
            }
        }
        let folders: Vec<_> = self.texts(FOLDER_NAMES).collect();
        for (name, folder) in self.texts(FILE_NAMES).zip(self.numbers(FOLDER_NUMBERS)) {
            let Some(folder) = folders.get(folder as usize) else { continue };
            if folder.len() + name.len() <= PATH_BYTES_MAX && !takes(format!("{folder}{name}")) {
                return;
            }
        }
    }

    fn entry(&self, tag: u32) -> Option<Entry<'a>> {
        let number = |entry: &[u8; 16], at: usize| entry[at..].first_chunk().copied().map(u32::from_be_bytes);
        let entry = self.entries.iter().find(|entry| number(entry, 0) == Some(tag))?;
        let offset = usize::try_from(number(entry, 8)?).ok()?;
        let count = usize::try_from(number(entry, 12)?).ok()?;
        Some(Entry { kind: number(entry, 4)?, count, data: self.data.get(offset..)? })
    }

    fn text(&self, tag: u32) -> Option<String> {
        let text = self.texts(tag).next()?;
        (!text.is_empty() && text.len() <= TEXT_BYTES_MAX).then(|| text.into_owned())
    }

    fn texts(&self, tag: u32) -> impl Iterator<Item = std::borrow::Cow<'a, str>> {
        let entry = self.entry(tag).filter(|entry| matches!(entry.kind, STRING | STRING_ARRAY | LOCALISED_STRING));
        let (mut rest, count) = entry.map_or((&[][..], 0), |entry| (entry.data, entry.count));
        std::iter::from_fn(move || {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let text = String::from_utf8_lossy(&rest[..end]);
            rest = &rest[end + 1..];
            Some(text)
        })
        .take(count)
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> {
        let entry = self.entry(tag).filter(|entry| entry.kind == INT32);
        let (data, count) = entry.map_or((&[][..], 0), |entry| (entry.data, entry.count));
        data.as_chunks().0.iter().take(count).map(|bytes| u32::from_be_bytes(*bytes))
    }
}

/// Puts an epoch other than 0 before a version.
pub(super) fn with_epoch(epoch: Option<u32>, version: &str) -> String {
    epoch.map_or_else(|| version.to_owned(), |epoch| format!("{epoch}:{version}"))
}

/// Reads `name-version-release.src.rpm`; `None` where it is the package's own name and version. The file's name has no
/// epoch: it is the package's.
pub(super) fn parse_source(file: &str, name: &str, version: &str, epoch: Option<u32>) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (of_source, upstream) = rest.rsplit_once('-')?;
    let plain = format!("{upstream}-{release}");
    (of_source != name || plain != version)
        .then(|| SourcePackage { name: of_source.to_owned(), version: with_epoch(epoch, &plain) })
}

/// Reads `name:stream:version:context`.
fn parse_stream(label: &str) -> Option<String> {
    let mut parts = label.splitn(3, ':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}

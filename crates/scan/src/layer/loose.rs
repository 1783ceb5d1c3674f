//! The files of a layer that belong to no package: which of them are worth keeping, and how many.

use std::collections::BTreeMap;

use super::builder::forget_below;
use super::path;
use crate::path_filter::PathFilter;

/// Files of a layer that are kept at most.
const KEPT_MAX: usize = 20_000;
/// Bytes of their paths together at most.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// Files that are held while a layer is read: only at its end is it known which of them a package owns.
const HELD_MAX: usize = 200_000;
/// Bytes of their paths together at most.
const HELD_BYTES_MAX: usize = 16 << 20;

/// Folders, by where they lie, in which nothing is kept: documentation, what is made for languages and regions, caches, what
/// package managers note for themselves, and what the kernel shows.
const LEFT_OUT: &[&str] = &[
    "dev",
    "lib/apk/db",
    "proc",
    "sys",
    "usr/include",
    "usr/lib/apk/db",
    "usr/lib/locale",
    "usr/lib/sysimage",
    "usr/local/include",
    "usr/local/man",
    "usr/local/share/doc",
    "usr/local/share/info",
    "usr/local/share/locale",
    "usr/local/share/man",
    "usr/share/doc",
    "usr/share/gtk-doc",
    "usr/share/help",
    "usr/share/i18n",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/zoneinfo",
    "var/cache",
    "var/lib/apt",
    "var/lib/dnf",
    "var/lib/dpkg",
    "var/lib/pacman",
    "var/lib/rpm",
    "var/lib/yum",
];
/// Folders, by their names, in which nothing is kept, wherever they lie.
const LEFT_OUT_NAMES: &[&str] = &[".cache", "__pycache__"];
/// Folders, by their names, that managers of languages' packages fill: only programs, libraries and archives are kept of what is in them.
const OF_LANGUAGES: &[&str] = &["dist-packages", "gems", "node_modules", "site-packages"];
/// With what programs and libraries begin: ELF, and what Windows runs.
const BINARY_HEADS: &[&[u8]] = &[b"\x7fELF", b"MZ"];
/// How names of libraries and archives of programs end.
const BINARY_ENDINGS: &[&str] = &[".dll", ".ear", ".jar", ".node", ".so", ".war"];

/// The files and links of a layer that belong to no package of it, by their normalised paths: sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LooseFiles {
    /// The paths, each with a NUL behind it, which none of them holds.
    #[serde(default)]
    paths: String,
    /// Whether there were more than are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_truncated: bool,
}

impl LooseFiles {
    /// The paths, in their order; the place of one is its number here, from 0.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.paths.split_terminator('\0')
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether there were more than are kept.
    pub fn is_truncated(&self) -> bool {
        self.is_truncated
    }

    /// Bytes that they take.
    pub fn byte_count(&self) -> usize {
        self.paths.len()
    }

    /// What tells this list from others: 16 hexadecimal digits, or nothing where it is empty.
    pub fn fingerprint(&self) -> String {
        if self.is_empty() { String::new() } else { format!("{:016x}", path::hash(&self.paths)) }
    }

    /// By which most layers are known not to have what is looked for; `None` where the list is empty.
    pub fn filter(&self) -> Option<PathFilter> {
        (!self.is_empty()).then(|| PathFilter::of(self.iter()))
    }
}

impl<'a> FromIterator<&'a str> for LooseFiles {
    /// Paths that are sorted, and have no NUL.
    fn from_iter<I: IntoIterator<Item = &'a str>>(sorted: I) -> LooseFiles {
        let mut paths = String::new();
        for path in sorted {
            paths.push_str(path);
            paths.push('\0');
        }
        LooseFiles { paths, is_truncated: false }
    }
}

/// The files of a layer that is being read, each with whether it is one of those that are kept first.
#[derive(Default)]
pub(super) struct HeldFiles {
    files: BTreeMap<String, Rank>,
    bytes: usize,
    is_truncated: bool,
}

/// Which are kept where there are too many: programs, libraries and archives before all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    First,
    Other,
}

impl HeldFiles {
    /// Takes a file with its first bytes and its permission bits, or a link with neither, if it is worth it.
    pub(super) fn take(&mut self, path: &str, head: &[u8], mode: u32) {
        let Some(rank) = rank(path, head, mode) else { return };
        if self.files.len() >= HELD_MAX || self.bytes.saturating_add(path.len()) > HELD_BYTES_MAX {
            self.is_truncated = true;
            return;
        }
        // What is replaced later is not taken off again: whoever writes a name over and over has fewer of them.
        self.bytes += path.len();
        self.files.insert(path.to_owned(), rank);
    }

    /// Takes out what an earlier entry of the same path was.
    pub(super) fn forget(&mut self, path: &str) {
        self.files.remove(path);
    }

    /// Takes out everything that lies in a folder.
    pub(super) fn forget_below(&mut self, folder: &str) {
        forget_below(&mut self.files, folder);
    }

    /// Returns those that are of no package, as many as are kept.
    pub(super) fn finish(self, mut is_of_package: impl FnMut(&str) -> bool) -> LooseFiles {
        let mut files: Vec<(Rank, String)> = self.files.into_iter().map(|(path, rank)| (rank, path)).collect();
        files.retain(|(_, path)| !is_of_package(path));
        let fits = |files: &[(Rank, String)]| {
            files.len() <= KEPT_MAX && files.iter().map(|(_, path)| path.len() + 1).sum::<usize>() <= KEPT_BYTES_MAX
        };
        let mut is_truncated = self.is_truncated;
        if !fits(&files) {
            is_truncated = true;
            // They are in the order of their paths, and stay in it among those of a rank.
            files.sort_by_key(|(rank, _)| *rank);
            let mut room = KEPT_BYTES_MAX;
            let kept = files.iter().take(KEPT_MAX).take_while(|(_, path)| {
                let left = room.checked_sub(path.len() + 1);
                room = left.unwrap_or(0);
                left.is_some()
            });
            let count = kept.count();
            files.truncate(count);
            files.sort_by(|(_, one), (_, other)| one.cmp(other));
        }
        LooseFiles { is_truncated, ..files.iter().map(|(_, path)| path.as_str()).collect() }
    }
}

/// Whether a file is kept first, or with others; `None` where it is not worth keeping.
fn rank(path: &str, head: &[u8], mode: u32) -> Option<Rank> {
    let is_left_out = LEFT_OUT.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        || path.starts_with(".git/objects/")
        || path.contains("/.git/objects/");
    let (folder, name) = path::split(path);
    if is_left_out || folder.split('/').any(|part| LEFT_OUT_NAMES.contains(&part)) {
        return None;
    }
    let is_binary = BINARY_HEADS.iter().any(|magic| head.starts_with(magic))
        || BINARY_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || name.contains(".so.");
    if is_binary {
        return Some(Rank::First);
    }
    if folder.split('/').any(|part| OF_LANGUAGES.contains(&part)) {
        return None;
    }
    Some(if mode & 0o111 != 0 { Rank::First } else { Rank::Other })
}

#[cfg(test)]
mod tests;

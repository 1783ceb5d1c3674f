//! A layer out of its entries, one after another.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Cursor, Read};
use std::ops::Bound;

use super::loose::{HeldFiles, LooseFiles};
use super::path::{self, Hashes};
use super::{Layer, LayerError, LayerFile, Limits, Link, MakeSpool, Owners, ecosystems_revision};
use crate::links::{FolderNames, Links};
use crate::{ECOSYSTEMS, Ecosystem, ExposedSecret, File, Found, HEAD_BYTES, ReadSeek, find_secrets, may_hold_secrets};

/// What marks a deletion (OCI image specification 1.1, Layer, section Whiteouts).
const WHITEOUT: &str = ".wh.";
/// What marks a folder as opaque.
const OPAQUE: &str = ".wh..wh..opq";
/// Other names that begin so are the notes of a file system (aufs), and no files.
const NOTES: &str = ".wh..wh.";
/// Folders in a path at most.
const DEPTH_MAX: usize = 256;
/// Complaints of a layer, and of one of its files, at most.
const COMPLAINTS_MAX: usize = 100;
/// Links that are kept at most.
const LINKS_MAX: usize = 200_000;
/// Files with secrets or with the setuid bit that are kept at most.
const JUDGED_MAX: usize = 5_000;
/// The setuid and the setgid bit of a mode.
const SETUID_OR_SETGID: u32 = 0o6000;

/// Makes a [`Layer`] out of the entries of an archive, or of a folder that is walked.
///
/// Names are normalised here: `./x`, `/x` and `x` are one. What has `..` in its name, or too long a name, is left out with
/// a complaint. An entry replaces what an earlier one of the same name gave.
pub struct LayerBuilder<'a> {
    limits: &'a Limits,
    spool: &'a mut MakeSpool<'a>,
    ecosystems: &'a [&'a dyn Ecosystem],
    files: BTreeMap<String, Vec<LayerFile>>,
    links: BTreeMap<String, String>,
    hard_links: BTreeMap<String, String>,
    loose: HeldFiles,
    paths: Vec<u64>,
    /// How long `paths` may grow until what is twice in it is taken out.
    paths_max: usize,
    last_folder: String,
    whiteouts: Vec<String>,
    opaque: Vec<String>,
    complaints: Vec<String>,
    entries: u64,
    packages: usize,
    /// Files with secrets or with the setuid bit.
    judged: usize,
}

impl<'a> LayerBuilder<'a> {
    /// Begins a layer.
    pub fn new(limits: &'a Limits, spool: &'a mut MakeSpool<'_>) -> LayerBuilder<'a> {
        LayerBuilder::of(ECOSYSTEMS, limits, spool)
    }

    pub(crate) fn of(
        ecosystems: &'a [&'a dyn Ecosystem],
        limits: &'a Limits,
        spool: &'a mut MakeSpool<'_>,
    ) -> LayerBuilder<'a> {
        LayerBuilder {
            limits,
            spool,
            ecosystems,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            hard_links: BTreeMap::new(),
            loose: HeldFiles::default(),
            paths: Vec::new(),
            paths_max: 1 << 16,
            last_folder: String::new(),
            whiteouts: Vec::new(),
            opaque: Vec::new(),
            complaints: Vec::new(),
            entries: 0,
            packages: 0,
            judged: 0,
        }
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn folder(&mut self, name: &str) -> Result<(), LayerError> {
        let Some(path) = self.enter(name)? else { return Ok(()) };
        self.forget(&path);
        self.note(path::folder(path::hash(&path)));
        Ok(())
    }

    /// Adds a symbolic link, with its target as it is written.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn link(&mut self, name: &str, target: &str) -> Result<(), LayerError> {
        let Some(path) = self.enter(name)? else { return Ok(()) };
        self.replace(&path);
        self.loose.take(&path, &[], 0);
        if target.len() > self.limits.path_bytes_max {
            self.complain(format!("{path}: the target of the link is too long"));
        } else if self.links.len() == LINKS_MAX {
            self.complain(format!("{path}: there are more than {LINKS_MAX} links, this one is not followed"));
        } else {
            self.links.insert(path, target.to_owned());
        }
        Ok(())
    }

    /// Adds a hard link to a file of this layer or of one below.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn hard_link(&mut self, name: &str, target: &str) -> Result<(), LayerError> {
        let Some(path) = self.enter(name)? else { return Ok(()) };
        let Some(target) = path::normalise(target).filter(|target| target.len() <= self.limits.path_bytes_max) else {
            self.complain(format!("{path}: the target of the link leads out of the image, or is too long"));
            return Ok(());
        };
        if path == target {
            return Ok(());
        }
        let same = self.files.get(&target).cloned();
        self.replace(&path);
        self.loose.take(&path, &[], 0);
        if let Some(mut parts) = same {
            self.packages += parts.iter().map(|part| part.found.packages.len()).sum::<usize>();
            if self.packages > self.limits.packages_max {
                return Err(LayerError::TooMuch { what: "packages", limit: self.limits.packages_max as u64 });
            }
            parts.iter_mut().for_each(|part| part.path.clone_from(&path));
            self.files.insert(path, parts);
        } else if self.hard_links.len() < LINKS_MAX {
            self.hard_links.insert(path, target);
        }
        Ok(())
    }

    /// Adds a file that cannot be read, such as one with holes.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn unreadable(&mut self, name: &str) -> Result<(), LayerError> {
        let Some(path) = self.enter(name)? else { return Ok(()) };
        self.replace(&path);
        self.loose.take(&path, &[], 0);
        if !claimants(self.ecosystems, &path, &[], 0o755).is_empty() {
            self.complain(format!("{path}: the file has holes, and is not read; make the image without sparse files"));
        }
        Ok(())
    }

    /// Adds what is neither file, folder nor link: a device or a pipe.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn special(&mut self, name: &str) -> Result<(), LayerError> {
        let Some(path) = self.enter(name)? else { return Ok(()) };
        self.replace(&path);
        Ok(())
    }

    /// Adds a file of `length` bytes with permission bits `mode`. Reads as much of `content` as it needs.
    ///
    /// # Errors
    /// [`LayerError`].
    pub fn file(&mut self, name: &str, mode: u32, length: u64, content: &mut dyn Read) -> Result<(), LayerError> {
        let Some(path) = self.enter(name)? else { return Ok(()) };
        if self.is_whiteout(&path) {
            return Ok(());
        }
        self.replace(&path);
        let mut head = Vec::with_capacity(HEAD_BYTES);
        (&mut *content).take((HEAD_BYTES as u64).min(length)).read_to_end(&mut head).map_err(LayerError::of)?;
        self.loose.take(&path, &head, mode);
        let claimants = claimants(self.ecosystems, &path, &head, mode);
        let is_short = length <= self.limits.memory_bytes_max;
        let may_hold_secrets = is_short && may_hold_secrets(&path, length) && !head.contains(&0);
        let mut secrets = Vec::new();
        if length > self.limits.file_bytes_max && !claimants.is_empty() {
            let limit = self.limits.file_bytes_max;
            self.complain(format!("{path}: the file is {length} bytes long, and only {limit} are read of one"));
        } else if is_short && (may_hold_secrets || !claimants.is_empty()) {
            let mut bytes = Vec::new();
            Cursor::new(head).chain(content).take(length).read_to_end(&mut bytes).map_err(LayerError::of)?;
            if may_hold_secrets {
                secrets = find_secrets(&path, &bytes);
            }
            let length = bytes.len() as u64;
            self.read(&path, &claimants, mode, length, &mut Cursor::new(bytes))?;
        } else if !claimants.is_empty() {
            let mut spool = (self.spool)().map_err(LayerError::Io)?;
            let mut whole = Cursor::new(head).chain(content).take(length);
            let length = io::copy(&mut whole, &mut spool).map_err(LayerError::of)?;
            self.read(&path, &claimants, mode, length, &mut spool)?;
        }
        self.judge(&path, mode, secrets);
        Ok(())
    }

    /// Keeps what a file is by itself, whoever claims it: that it holds secrets, that it gives rights away.
    fn judge(&mut self, path: &str, mode: u32, secrets: Vec<ExposedSecret>) {
        let setuid = (mode & SETUID_OR_SETGID != 0).then_some(mode & 0o7777);
        if secrets.is_empty() && setuid.is_none() {
            return;
        }
        self.judged += 1;
        match self.judged {
            ..=JUDGED_MAX => {
                let parts = self.files.entry(path.to_owned()).or_default();
                parts.insert(0, LayerFile { path: path.to_owned(), secrets, setuid, ..LayerFile::default() });
            }
            _ if self.judged == JUDGED_MAX + 1 => self.complain(format!(
                "{path}: it holds secrets or gives rights away, as {JUDGED_MAX} files before it do; no more are named"
            )),
            _ => {}
        }
    }

    /// Returns the layer.
    pub fn finish(mut self) -> Layer {
        self.paths.sort_unstable();
        self.paths.dedup();
        let paths = Hashes::from_iter(std::mem::take(&mut self.paths));
        let mut links = self.links.clone();
        links.retain(|path, target| self.is_worth_following(path, target, &paths));
        let loose = self.loose_files(&links);
        let holders: HashSet<u64> = self.files.keys().map(|path| path::hash(path)).collect();
        // What this layer holds and what gave nothing is nobody's language package: its owner need not be remembered.
        let may_matter =
            |hash: u64| holders.contains(&hash) || !paths.contains(hash) && !paths.contains(path::folder(hash));
        let mut files: Vec<LayerFile> = std::mem::take(&mut self.files).into_values().flatten().collect();
        files.iter_mut().for_each(|file| file.owners.retain(may_matter));
        files.retain(|file| {
            let is_judged = !file.secrets.is_empty() || file.setuid.is_some();
            is_judged || !file.owners.is_empty() || !is_empty(&file.found)
        });
        let listed =
            |links: BTreeMap<String, String>| links.into_iter().map(|(path, target)| Link { path, target }).collect();
        Layer {
            revision: ecosystems_revision(),
            files,
            whiteouts: sorted(self.whiteouts),
            opaque: sorted(self.opaque),
            links: listed(links),
            hard_links: listed(self.hard_links),
            loose,
            paths,
            complaints: self.complaints,
        }
    }

    /// Takes the files of which nothing in the layer made a package, and which no package manager owns there under any of their names.
    fn loose_files(&mut self, links: &BTreeMap<String, String>) -> LooseFiles {
        let mut known = Links::default();
        links.iter().for_each(|(path, target)| known.insert(path, target));
        let reversed = known.reversed();
        let mut names = FolderNames::new(&reversed);
        let owned: HashSet<u64> = self.files.values().flatten().flat_map(|file| file.owners.hashes()).collect();
        let has_packages = |path: &str| {
            self.files.get(path).is_some_and(|parts| parts.iter().any(|part| !part.found.packages.is_empty()))
        };
        std::mem::take(&mut self.loose).finish(|path| {
            owned.contains(&path::hash(path))
                || has_packages(path)
                || names.of(path).any(|name| owned.contains(&path::hash(&name.path)))
        })
    }

    /// Counts an entry, and returns its path; `None` where it is left out, or the root.
    fn enter(&mut self, name: &str) -> Result<Option<String>, LayerError> {
        self.count_entry()?;
        let shown: String = name.chars().take(200).collect();
        if name.len() > self.limits.path_bytes_max {
            self.complain(format!("{shown}…: the name is too long, the entry is left out"));
            return Ok(None);
        }
        let Some(path) = path::normalise(name) else {
            self.complain(format!("{shown}: the name leads out of the image, the entry is left out"));
            return Ok(None);
        };
        if path.split('/').count() > DEPTH_MAX {
            self.complain(format!("{shown}…: the entry lies in more than {DEPTH_MAX} folders, it is left out"));
            return Ok(None);
        }
        if path.is_empty() {
            return Ok(None);
        }
        let (folder, _) = path::split(&path);
        if folder != self.last_folder {
            for parent in path::parents(&path) {
                self.note(path::implied_folder(path::hash(parent)));
            }
            folder.clone_into(&mut self.last_folder);
        }
        Ok(Some(path))
    }

    fn count_entry(&mut self) -> Result<(), LayerError> {
        self.entries += 1;
        if self.entries > self.limits.entries_max {
            return Err(LayerError::TooMuch { what: "entries", limit: self.limits.entries_max });
        }
        Ok(())
    }

    /// Tells whether a file only marks what is gone, and notes it.
    fn is_whiteout(&mut self, path: &str) -> bool {
        let (folder, name) = path::split(path);
        let Some(gone) = name.strip_prefix(WHITEOUT) else { return false };
        match gone {
            _ if name == OPAQUE => self.opaque.push(folder.to_owned()),
            _ if name.starts_with(NOTES) => {}
            "" | "." | ".." => self.complain(format!("{path}: the entry deletes nothing that has a name")),
            _ => self.whiteouts.push(path::join(folder, gone)),
        }
        true
    }

    /// Notes a path that is no folder.
    fn replace(&mut self, path: &str) {
        self.forget(path);
        for map in [&mut self.links, &mut self.hard_links] {
            forget_below(map, path);
        }
        forget_below(&mut self.files, path);
        self.loose.forget_below(path);
        self.note(path::hash(path));
    }

    /// Takes out what an earlier entry of the same path gave.
    fn forget(&mut self, path: &str) {
        self.files.remove(path);
        self.links.remove(path);
        self.hard_links.remove(path);
        self.loose.forget(path);
    }

    fn note(&mut self, hash: u64) {
        self.paths.push(hash);
        if self.paths.len() > self.paths_max {
            self.paths.sort_unstable();
            self.paths.dedup();
            self.paths_max = self.paths.len().saturating_mul(2).max(1 << 16);
        }
    }

    /// Has a file read by those who claim it, and what is within it by those who claim that.
    fn read(
        &mut self,
        path: &str,
        claimants: &[&dyn Ecosystem],
        mode: u32,
        length: u64,
        content: &mut dyn ReadSeek,
    ) -> Result<(), LayerError> {
        let mut parts = Vec::new();
        let mut nested_bytes: u64 = 0;
        let mut found = Found::default();
        for ecosystem in claimants {
            content.rewind().map_err(LayerError::Io)?;
            ecosystem.read(&mut File { path, length, mode, content: &mut *content }, &mut found);
        }
        let mut waiting = self.keep(path, None, found, &mut nested_bytes, 1, &mut parts)?;
        while let Some(inner) = waiting.pop() {
            self.count_entry()?;
            let whole = format!("{path}!{}", inner.within);
            let mut found = Found::default();
            for ecosystem in self.ecosystems {
                let head = &inner.bytes[..inner.bytes.len().min(HEAD_BYTES)];
                if ecosystem.claims(&whole, head, 0o644) {
                    let length = inner.bytes.len() as u64;
                    let content = &mut Cursor::new(&inner.bytes);
                    ecosystem.read(&mut File { path: &whole, length, mode: 0o644, content }, &mut found);
                }
            }
            let (depth, within) = (inner.depth, inner.within);
            // Its bytes are given back before those within it are taken up.
            drop(inner.bytes);
            waiting.extend(self.keep(path, Some(within), found, &mut nested_bytes, depth, &mut parts)?);
        }
        if !parts.is_empty() {
            self.files.insert(path.to_owned(), parts);
        }
        Ok(())
    }

    /// Keeps what was found, and returns what is to be read within it, the first last.
    fn keep(
        &mut self,
        path: &str,
        within: Option<String>,
        mut found: Found,
        nested_bytes: &mut u64,
        depth: u32,
        parts: &mut Vec<LayerFile>,
    ) -> Result<Vec<Nested>, LayerError> {
        let mut waiting = Vec::new();
        for (name, bytes) in std::mem::take(&mut found.nested) {
            *nested_bytes = nested_bytes.saturating_add(bytes.len() as u64);
            if depth >= self.limits.nesting_max {
                found.complaints.push(format!("{name}: archives lie in each other too deep, it is not read"));
            } else if *nested_bytes > self.limits.nested_bytes_max {
                found.complaints.push(format!("{name}: the files within are too long together, it is not read"));
            } else if within.as_ref().map_or(0, String::len) + name.len() > self.limits.path_bytes_max {
                found.complaints.push("a file within has too long a name, it is not read".to_owned());
            } else {
                let within = within.as_ref().map_or_else(|| name.clone(), |outer| format!("{outer}!{name}"));
                waiting.push(Nested { within, bytes, depth: depth + 1 });
            }
        }
        waiting.reverse();
        found.complaints.truncate(COMPLAINTS_MAX);
        self.packages = self.packages.saturating_add(found.packages.len());
        if self.packages > self.limits.packages_max {
            return Err(LayerError::TooMuch { what: "packages", limit: self.limits.packages_max as u64 });
        }
        let owners = Owners::of(std::mem::take(&mut found.owned));
        if !is_empty(&found) || !owners.is_empty() {
            parts.push(LayerFile { path: path.to_owned(), within, found, owners, ..LayerFile::default() });
        }
        Ok(waiting)
    }

    /// Tells whether a link may lead to a folder, to another layer, or to a file that is worth reading under the link's name.
    fn is_worth_following(&self, path: &str, target: &str, paths: &Hashes) -> bool {
        if !claimants(self.ecosystems, path, &[], 0o777).is_empty() {
            return true;
        }
        let (mut path, mut target) = (path.to_owned(), target);
        for _ in 0..8 {
            let Some(next) = path::follow(&path, target) else { return true };
            match self.links.get(&next) {
                Some(further) => (path, target) = (next, further),
                None => {
                    let hash = path::hash(&next);
                    return !paths.contains(hash) || paths.contains(path::folder(hash));
                }
            }
        }
        true
    }

    fn complain(&mut self, complaint: String) {
        match self.complaints.len() {
            ..COMPLAINTS_MAX => self.complaints.push(complaint),
            COMPLAINTS_MAX => self.complaints.push("there is more to complain about in this layer".to_owned()),
            _ => {}
        }
    }
}

/// A file within a file that waits to be read.
struct Nested {
    within: String,
    bytes: Vec<u8>,
    depth: u32,
}

fn claimants<'e>(ecosystems: &[&'e dyn Ecosystem], path: &str, head: &[u8], mode: u32) -> Vec<&'e dyn Ecosystem> {
    ecosystems.iter().copied().filter(|ecosystem| ecosystem.claims(path, head, mode)).collect()
}

fn is_empty(found: &Found) -> bool {
    let Found { packages, owned: _, licences, distribution, complaints, nested: _ } = found;
    packages.is_empty() && licences.is_empty() && distribution.is_none() && complaints.is_empty()
}

/// Takes out everything that lies in a folder.
pub(super) fn forget_below<V>(map: &mut BTreeMap<String, V>, folder: &str) {
    let begin = format!("{folder}/");
    let range = (Bound::Included(begin.clone()), Bound::Unbounded);
    let below: Vec<String> =
        map.range(range).map(|(path, _)| path).take_while(|path| path.starts_with(&begin)).cloned().collect();
    below.iter().for_each(|path| drop(map.remove(path)));
}

fn sorted(mut paths: Vec<String>) -> Vec<String> {
    paths.sort_unstable();
    paths.dedup();
    paths
}

use super::source::{Damage, Found, FoundByName, Kind, Opened, Source, SourceError};
use crate::moving::{Files, FilesError, INDEX_BYTES_MAX, blob_name, read_index};
use gantry_oci::{Algorithm, Digest};
use gantry_words::{Moment, REPOSITORY_NAME_BYTES_MAX, RepositoryName};
use std::{collections::HashMap, io::Read, path::PathBuf};

const MARK: &str = "oci-layout";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs";
/// zot's own folder with the blobs that repositories have in common; those in them are hard links to it, or empty.
const COMMON: &str = "_blobstore";
/// What zot's own folders begin with, which no component of a name does: `_trivy`, `_blobstore`, `.uploads`, `.sync`.
const OWN: [char; 2] = ['_', '.'];
/// Repositories at most, and folders that are looked into for them.
const FOLDERS_MAX: usize = 1_000_000;
/// Folders that are looked into to tell whether there is any repository.
const FIRST_FOLDERS_MAX: usize = 10_000;
/// Blobs at most, each once for every repository that has it.
const BLOBS_MAX: usize = 20_000_000;

/// The data folder of zot: an OCI layout for each repository (zot's documentation, Storage Planning). What it keeps beside the
/// layouts (its databases, `_trivy`, uploads) is not read.
pub(super) const KIND: Kind = Kind { name: "zot folder", has_names: true, is_it, open };

struct ZotFolder {
    files: Files,
    /// The repositories, by their number.
    repositories: Vec<String>,
    /// In which of them a blob lies.
    places: HashMap<Digest, Vec<u32>>,
}

fn is_it(files: &Files) -> bool {
    let mut looked = 0;
    let mut is_found = false;
    let walked = walk(files, &mut |name| {
        looked += 1;
        is_found = !name.is_empty() && is_layout(files, name);
        is_found || looked >= FIRST_FOLDERS_MAX
    });
    walked.is_ok() && is_found
}

fn is_layout(files: &Files, name: &str) -> bool {
    files.has(&under(name, MARK)) && files.has(&under(name, INDEX))
}

/// Looks into one folder after the other that may be a repository or hold some, until `seen` has had enough.
fn walk(files: &Files, seen: &mut dyn FnMut(&str) -> bool) -> Result<(), SourceError> {
    let (mut folders, mut looked) = (vec![String::new()], 0);
    while let Some(name) = folders.pop() {
        looked += 1;
        if looked > FOLDERS_MAX {
            return Err(SourceError::TooMany { what: "folders", most: FOLDERS_MAX });
        }
        if seen(&name) {
            return Ok(());
        }
        let is_repository = !name.is_empty() && is_layout(files, &name);
        let nested = files.folders(&name)?.into_iter();
        let nested = nested.filter(|folder| !(folder.starts_with(OWN) || is_repository && folder == BLOBS));
        let nested = nested.map(|folder| under(&name, &folder)).filter(|name| name.len() <= REPOSITORY_NAME_BYTES_MAX);
        folders.extend(nested);
    }
    Ok(())
}

fn open(files: Files, _: &dyn Fn(u64)) -> Result<Opened, SourceError> {
    let mut repositories = Vec::new();
    walk(&files, &mut |name| {
        if !name.is_empty() && is_layout(&files, name) {
            repositories.push(name.to_owned());
        }
        false
    })?;
    let (mut found, mut damages) = (FoundByName::new(), Vec::new());
    for name in &repositories {
        let concerns = format!("repository {}", name.chars().take(150).collect::<String>());
        match (name.parse::<RepositoryName>(), repository(&files, name)) {
            (Ok(parsed), Ok(images)) => drop(found.insert(Some(parsed), images)),
            (Err(error), _) => damages.push(Damage::new(concerns, error.to_string())),
            (_, Err(error)) => damages.push(Damage::new(concerns, error.to_string())),
        }
    }
    repositories.push(COMMON.to_owned());
    let places = places(&files, &repositories)?;
    Ok(Opened { source: Box::new(ZotFolder { files, repositories, places }), found, damages })
}

/// Reads what a repository lists: its tags, images without one, and what refers to them.
fn repository(files: &Files, name: &str) -> Result<Found, SourceError> {
    let missing = SourceError::Document { name: INDEX, problem: "it is gone".into() };
    let entries = read_index(&files.document(&under(name, INDEX), INDEX_BYTES_MAX)?.ok_or(missing)?)?;
    let mut found = Found::default();
    for entry in entries {
        // The file was written when the manifest was pushed, or linked to the same one of another repository.
        if let Ok(Some(at)) = files.written_at(&under(name, &blob_name(&entry.digest))) {
            found.past.pushed(entry.digest.clone(), Moment::estimated(at));
        }
        found.add(entry.digest, Some(entry.media_type), entry.name.tag);
    }
    Ok(found)
}

/// Finds out where blobs lie: one that a repository shares with another may be a file of no bytes there.
fn places(files: &Files, repositories: &[String]) -> Result<HashMap<Digest, Vec<u32>>, SourceError> {
    let (mut places, mut count) = (HashMap::<Digest, Vec<u32>>::new(), 0);
    for (number, name) in repositories.iter().enumerate() {
        let number = u32::try_from(number).map_err(|_| too_many())?;
        for algorithm in Algorithm::ALL {
            for hex in files.names(&under(name, &format!("{BLOBS}/{algorithm}")))? {
                let Ok(digest) = format!("{algorithm}:{hex}").parse() else { continue };
                count += 1;
                if count > BLOBS_MAX {
                    return Err(too_many());
                }
                places.entry(digest).or_default().push(number);
            }
        }
    }
    Ok(places)
}

fn too_many() -> SourceError {
    SourceError::TooMany { what: "blobs", most: BLOBS_MAX }
}

fn under(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

impl ZotFolder {
    /// Returns the name of the first file of a blob that has bytes, or of an empty one where no other is.
    fn place(&self, digest: &Digest) -> Result<Option<String>, FilesError> {
        let mut empty = None;
        for number in self.places.get(digest).into_iter().flatten() {
            let Some(repository) = self.repositories.get(*number as usize) else { continue };
            let name = under(repository, &blob_name(digest));
            match self.files.length(&name)? {
                Some(1..) => return Ok(Some(name)),
                Some(0) => empty = empty.or(Some(name)),
                None => {}
            }
        }
        Ok(empty)
    }
}

impl Source for ZotFolder {
    fn length(&self, digest: &Digest) -> Result<Option<u64>, FilesError> {
        self.place(digest)?.map_or(Ok(None), |name| self.files.length(&name))
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        self.place(digest)?.map_or(Ok(None), |name| self.files.open_file(&name))
    }

    fn path(&self, digest: &Digest) -> Result<Option<PathBuf>, FilesError> {
        self.place(digest)?.map_or(Ok(None), |name| self.files.path(&name))
    }
}

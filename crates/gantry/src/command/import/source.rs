use super::{api_client::ApiError, distribution, docker_archive, oci_layout, past::Past, zot};
use crate::moving::{Files, FilesError, RegistryError};
use gantry_oci::{Digest, ManifestError, Tag};
use gantry_words::RepositoryName;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

/// Where images come from, once it was looked through.
pub(super) trait Source: Send + Sync {
    /// Returns how many bytes a blob or a manifest has; `None` where it is not there.
    fn length(&self, digest: &Digest) -> Result<Option<u64>, FilesError>;

    /// Opens a blob or a manifest; `None` where it is not there. Its bytes are not compared with the digest.
    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError>;

    /// Opens a manifest, where that is another question than for a blob.
    fn open_manifest(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        self.open(digest)
    }

    /// Returns the file that a blob is; `None` where it is not there, or not a file of its own.
    fn path(&self, _digest: &Digest) -> Result<Option<PathBuf>, FilesError> {
        Ok(None)
    }

    /// Asks how many bytes a blob has now, where reading it is too much for a dry run; `None` where it is read for that.
    fn look(&self, _digest: &Digest) -> Option<Result<Option<u64>, FilesError>> {
        None
    }

    /// Asks where the tags of the source point now, which pointed there `before`; `None` where they cannot have moved.
    fn tags_now(&self, _before: &BTreeMap<Tag, Digest>) -> Result<Option<BTreeMap<Tag, Digest>>, FilesError> {
        Ok(None)
    }

    /// Sees that the source can still be asked.
    ///
    /// # Errors
    /// It is gone: what was not found there since may be there all the same.
    fn check(&self) -> Result<(), FilesError> {
        Ok(())
    }
}

/// A kind of source.
pub(super) struct Kind {
    /// What it is called. Its first word is the system whose people pushed and tagged, wherever that keeps its files.
    pub(super) name: &'static str,
    /// Whether each of its repositories has a name of its own, which it keeps.
    pub(super) has_names: bool,
    /// Tells it by what is there.
    pub(super) is_it: fn(&Files) -> bool,
    /// Looks through it. The function learns of bytes that are read meanwhile.
    pub(super) open: Open,
}

type Open = fn(Files, &dyn Fn(u64)) -> Result<Opened, SourceError>;

/// Every kind, the first that fits is taken. A new one is a file and a line here.
const KINDS: &[&Kind] = &[&distribution::KIND, &oci_layout::KIND, &docker_archive::KIND, &zot::KIND];

/// A source and what it says to hold.
pub(super) struct Opened {
    /// Its bytes.
    pub(super) source: Box<dyn Source>,
    /// Its repositories.
    pub(super) found: FoundByName,
    /// What is wrong with repositories that have no name here.
    pub(super) damages: Vec<Damage>,
}

/// What a source holds under one name, or under none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Its manifests, with what each is said to be; those that others list need not be among them.
    pub(super) roots: BTreeMap<Digest, Option<String>>,
    /// Its tags; each names one of the manifests.
    pub(super) tags: BTreeMap<Tag, Digest>,
    /// What is known of them beside their bytes.
    pub(super) past: Past,
    /// What is wrong already.
    pub(super) damages: Vec<Damage>,
}

/// What a source holds, by the name that it says.
pub(super) type FoundByName = BTreeMap<Option<RepositoryName>, Found>;

/// Something that is left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Damage {
    /// What it is about: `tag v1`, `manifest sha256:…`.
    pub(super) concerns: String,
    /// What is wrong.
    pub(super) problem: String,
}

impl Damage {
    pub(super) fn new(concerns: impl Into<String>, problem: impl Into<String>) -> Damage {
        Damage { concerns: concerns.into(), problem: problem.into() }
    }
}

/// Why a source cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// A file.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The API of a registry.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nothing here is known.
    #[error(
        "it is neither an OCI layout nor a `docker save` archive nor the data folder of a distribution registry or of zot"
    )]
    Unknown,
    /// `index.json`.
    #[error("index.json is not understood: {0}")]
    Index(#[from] ManifestError),
    /// Another document.
    #[error("{name} is not understood: {problem}")]
    Document {
        /// Which.
        name: &'static str,
        /// Why.
        problem: String,
    },
    /// Too many of something.
    #[error("it holds more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
}

/// Finds out what lies at a path, and looks through it.
pub(super) fn open(path: &Path, seen: &dyn Fn(u64)) -> Result<(&'static Kind, Opened), SourceError> {
    look_through(Files::open(path)?, seen)
}

/// Finds out what files are, and looks through them.
pub(super) fn look_through(files: Files, seen: &dyn Fn(u64)) -> Result<(&'static Kind, Opened), SourceError> {
    let kind = KINDS.iter().copied().find(|kind| (kind.is_it)(&files)).ok_or(SourceError::Unknown)?;
    Ok((kind, (kind.open)(files, seen)?))
}

impl Found {
    /// Adds a manifest under a tag, or under none; what was there under the same tag keeps it.
    pub(super) fn add(&mut self, digest: Digest, media_type: Option<String>, tag: Option<Tag>) {
        self.roots.entry(digest.clone()).or_insert(media_type);
        if let Some(tag) = tag {
            self.point(tag, digest);
        }
    }

    fn point(&mut self, tag: Tag, digest: Digest) {
        let known = self.tags.entry(tag.clone()).or_insert_with(|| digest.clone());
        if *known != digest {
            let problem = format!("it names {known} and {digest}; only the first is taken");
            self.damages.push(Damage::new(format!("tag {tag}"), problem));
        }
    }

    /// Takes in what another holds.
    pub(super) fn join(&mut self, other: Found) {
        for (digest, media_type) in other.roots {
            self.roots.entry(digest).or_insert(media_type);
        }
        other.tags.into_iter().for_each(|(tag, digest)| self.point(tag, digest));
        self.past.join(other.past);
        self.damages.extend(other.damages);
    }
}

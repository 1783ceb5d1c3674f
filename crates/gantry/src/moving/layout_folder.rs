use super::{Hasher, INDEX_BYTES_MAX, REF_NAME, blob_name, hash, read_index};
use gantry_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestLimits, referrers_index};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

const MARK: &str = "oci-layout";
const MARK_TEXT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX: &str = "index.json";
const BUFFER_BYTES: usize = 64 << 10;

/// An OCI layout (OCI Image 1.1.1, Image Layout) that is written, or written on: each file beside its place, synced, and
/// then renamed, `index.json` last. So what is there is whole, and a second run goes on where the first one ended.
pub(crate) struct LayoutFolder {
    path: PathBuf,
    /// How many files were begun: two may be on their way to the same place.
    begun: AtomicUsize,
}

/// Why a layout cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    /// The system says so.
    #[error("{path} cannot be written: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Something else is there.
    #[error("{path} holds other things than an OCI layout")]
    Other {
        /// The folder.
        path: String,
    },
    /// Its `index.json` is none.
    #[error("{path} is not understood: {problem}")]
    Index {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// The bytes ended before they were all there.
    #[error("the bytes of {digest} broke off: {source}")]
    Broken {
        /// Whose.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// What came is not what was asked for.
    #[error("the bytes that came for {digest} are others: {found}")]
    Damaged {
        /// What was asked for.
        digest: Digest,
        /// What came.
        found: Digest,
    },
}

impl LayoutFolder {
    /// Opens a folder, or makes it.
    pub(crate) fn open(path: &Path) -> Result<LayoutFolder, LayoutError> {
        if !path.join(MARK).is_file() && has_anything(path) {
            return Err(LayoutError::Other { path: path.display().to_string() });
        }
        let layout = LayoutFolder { path: path.to_owned(), begun: AtomicUsize::new(0) };
        fs::create_dir_all(path).map_err(|source| fail(path, source))?;
        // First, so that whoever is interrupted here finds the folder to be a layout.
        layout.write(MARK, MARK_TEXT)?;
        let folder = path.join("blobs").join(Algorithm::Sha256.as_str());
        fs::create_dir_all(&folder).map_err(|source| fail(&folder, source))?;
        Ok(layout)
    }

    /// Tells whether a blob is there, all of it.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        let Ok(mut file) = OpenOptions::new().read(true).open(self.path.join(blob_name(digest))) else { return false };
        hash(digest.algorithm(), &mut file, &|_| {}).is_ok_and(|(found, _)| found == *digest)
    }

    /// Reads a manifest that is there.
    pub(crate) fn read_manifest(&self, digest: &Digest, bytes_max: u64) -> Option<Vec<u8>> {
        let file = OpenOptions::new().read(true).open(self.path.join(blob_name(digest))).ok()?;
        let mut bytes = Vec::new();
        file.take(bytes_max).read_to_end(&mut bytes).ok()?;
        (super::digest_of(digest.algorithm(), &bytes) == *digest).then_some(bytes)
    }

    /// Writes a blob; returns how many bytes it has.
    pub(crate) fn write_blob(&self, digest: &Digest, bytes: &mut dyn Read) -> Result<u64, LayoutError> {
        let name = blob_name(digest);
        let (path, beside) = self.places(&name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| fail(folder, source))?;
        }
        let (mut hasher, mut length, mut buffer) = (Hasher::new(digest.algorithm()), 0, vec![0; BUFFER_BYTES]);
        let mut file = create(&beside)?;
        loop {
            let count = bytes.read(&mut buffer);
            let count = count.map_err(|source| LayoutError::Broken { digest: digest.clone(), source })?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(|source| fail(&beside, source))?;
            length += count as u64;
        }
        let found = hasher.finish();
        if found != *digest {
            // What cannot be removed is written over next time.
            let _ = fs::remove_file(&beside);
            return Err(LayoutError::Damaged { digest: digest.clone(), found });
        }
        settle(&file, &beside, &path)?;
        Ok(length)
    }

    /// Writes `index.json`: what it named before stays, but for names that are given anew.
    pub(crate) fn finish(&self, images: Vec<Descriptor>) -> Result<(), LayoutError> {
        let mut all = self.named_before()?;
        all.retain(|known| match known.annotations.get(REF_NAME) {
            Some(name) => images.iter().all(|image| image.annotations.get(REF_NAME) != Some(name)),
            None => images.iter().all(|image| image.digest != known.digest),
        });
        all.extend(images);
        // The blobs are to be there before anything names them, after a power cut too.
        for algorithm in Algorithm::ALL {
            let folder = self.path.join("blobs").join(algorithm.as_str());
            if folder.is_dir() {
                sync_folder(&folder)?;
            }
        }
        self.write(INDEX, &referrers_index(&all))?;
        sync_folder(&self.path)
    }

    fn named_before(&self) -> Result<Vec<Descriptor>, LayoutError> {
        let path = self.path.join(INDEX);
        let file = match OpenOptions::new().read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(source) => return Err(fail(&path, source)),
        };
        let mut bytes = Vec::new();
        file.take(INDEX_BYTES_MAX).read_to_end(&mut bytes).map_err(|source| fail(&path, source))?;
        let index = |problem: String| LayoutError::Index { path: path.display().to_string(), problem };
        read_index(&bytes).map_err(|error| index(error.to_string()))?;
        let limits = ManifestLimits {
            bytes_max: bytes.len(),
            descriptors_max: usize::MAX,
            values_max: usize::MAX,
            annotations_bytes_max: usize::MAX,
            ..ManifestLimits::default()
        };
        Ok(Manifest::parse(&bytes, None, &limits).map_err(|error| index(error.to_string()))?.manifests)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LayoutError> {
        let (path, beside) = self.places(name);
        let mut file = create(&beside)?;
        file.write_all(bytes).map_err(|source| fail(&beside, source))?;
        settle(&file, &beside, &path)
    }

    /// Where a file belongs, and where it is until it is whole: a name that the next run has too, and writes over.
    fn places(&self, name: &str) -> (PathBuf, PathBuf) {
        let path = self.path.join(name);
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = path.with_file_name(format!(".{file}.{}.part", self.begun.fetch_add(1, Relaxed)));
        (path, beside)
    }
}

fn fail(path: &Path, source: io::Error) -> LayoutError {
    LayoutError::Io { path: path.display().to_string(), source }
}

fn has_anything(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn create(path: &Path) -> Result<File, LayoutError> {
    let opened = OpenOptions::new().create(true).truncate(true).write(true).open(path);
    opened.map_err(|source| fail(path, source))
}

fn settle(file: &File, beside: &Path, path: &Path) -> Result<(), LayoutError> {
    file.sync_all().map_err(|source| fail(beside, source))?;
    fs::rename(beside, path).map_err(|source| fail(path, source))
}

fn sync_folder(folder: &Path) -> Result<(), LayoutError> {
    let opened = OpenOptions::new().read(true).open(folder);
    opened.and_then(|folder| folder.sync_all()).map_err(|source| fail(folder, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moving::digest_of;

    fn named(digest: &Digest, name: Option<&str>) -> Descriptor {
        let mut descriptor = Descriptor::new(gantry_oci::media_type::OCI_MANIFEST, digest.clone(), 7);
        descriptor.annotations.extend(name.map(|name| (REF_NAME.to_owned(), name.to_owned())));
        descriptor
    }

    #[test]
    fn what_is_written_is_there_and_what_is_other_is_not() {
        let home = tempfile::tempdir().unwrap();
        let layout = LayoutFolder::open(&home.path().join("new")).unwrap();
        let digest = digest_of(Algorithm::Sha256, b"hello");

        let refused = layout.write_blob(&digest, &mut &b"hallo"[..]);
        let was_there = layout.has(&digest);
        let length = layout.write_blob(&digest, &mut &b"hello"[..]).unwrap();

        assert!(matches!(refused, Err(LayoutError::Damaged { .. })) && !was_there);
        assert_eq!((length, layout.has(&digest)), (5, true));
        assert_eq!(fs::read_dir(home.path().join("new/blobs/sha256")).unwrap().count(), 1);
    }

    #[test]
    fn names_that_were_there_stay_unless_they_are_given_anew() {
        let home = tempfile::tempdir().unwrap();
        let [one, two] = [b"1", b"2"].map(|bytes| digest_of(Algorithm::Sha256, bytes));
        let layout = LayoutFolder::open(home.path()).unwrap();
        layout.finish(vec![named(&one, Some("v1")), named(&one, Some("v2")), named(&one, None)]).unwrap();

        LayoutFolder::open(home.path()).unwrap().finish(vec![named(&two, Some("v1")), named(&one, None)]).unwrap();

        let index = read_index(&fs::read(home.path().join("index.json")).unwrap()).unwrap();
        let tags: Vec<_> =
            index.into_iter().map(|entry| (entry.name.tag.map(|tag| tag.to_string()), entry.digest)).collect();
        assert_eq!(tags, [(Some("v2".into()), one.clone()), (Some("v1".into()), two), (None, one)]);
    }

    #[test]
    fn a_folder_with_other_things_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("notes.txt"), "mine").unwrap();

        assert!(matches!(LayoutFolder::open(home.path()), Err(LayoutError::Other { .. })));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}

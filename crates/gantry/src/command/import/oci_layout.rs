use super::source::{FoundByName, Kind, Opened, Source, SourceError};
use crate::moving::{Files, FilesError, INDEX_BYTES_MAX, blob_name, read_index};
use gantry_oci::Digest;
use std::{io::Read, path::PathBuf};

const MARK: &str = "oci-layout";
const INDEX: &str = "index.json";

/// An OCI layout (OCI Image 1.1.1, Image Layout), as a folder or as an archive of one.
pub(super) const KIND: Kind = Kind { name: "OCI layout", has_names: false, is_it, open };

struct Layout(Files);

fn is_it(files: &Files) -> bool {
    files.has(MARK) && files.has(INDEX)
}

fn open(files: Files, _: &dyn Fn(u64)) -> Result<Opened, SourceError> {
    let missing = SourceError::Document { name: INDEX, problem: "it is gone".into() };
    let entries = read_index(&files.document(INDEX, INDEX_BYTES_MAX)?.ok_or(missing)?)?;
    let mut found = FoundByName::new();
    for entry in entries {
        let images = found.entry(entry.name.repository).or_default();
        images.add(entry.digest, Some(entry.media_type), entry.name.tag);
    }
    Ok(Opened { source: Box::new(Layout(files)), found, damages: vec![] })
}

impl Source for Layout {
    fn length(&self, digest: &Digest) -> Result<Option<u64>, FilesError> {
        self.0.length(&blob_name(digest))
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, FilesError> {
        self.0.open_file(&blob_name(digest))
    }

    fn path(&self, digest: &Digest) -> Result<Option<PathBuf>, FilesError> {
        self.0.path(&blob_name(digest))
    }
}

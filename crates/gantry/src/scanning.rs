//! What lies in an image, on this disk or on a server, and what is wrong with it.
//!
//! | file | what |
//! |---|---|
//! | `root_folder.rs` | walks a root folder as if it were a layer |
//! | `advisory_folder.rs` | a folder of advisories, compiled once |
//! | `on_server.rs` | what a server knows of an image |

mod advisory_folder;
mod on_server;
mod root_folder;

use crate::{
    local_image::{self, Input, InputError, LocalImage, Wanted},
    output::Progress,
};
use advisory_folder::open_folder;
use gantry_findings::FeedsError;
use gantry_rest::{BaseImageDocument, FindingDocument, ImageFindingsDocument};
use gantry_scan::{
    Finding, Inventory, KernelHeaders, Layer, LayerError, Limits, LooseFile, Matched, Options, Spool, documents,
    read_attached,
    vex::{Bearer, Lookup},
};
pub(crate) use on_server::{ask, ask_for_base};
use std::{
    collections::BTreeMap,
    io::{self, BufReader, Read},
    path::Path,
    sync::Arc,
};

/// Bytes read from a layer at once.
const BUFFER_BYTES: usize = 256 << 10;

/// What was looked at.
pub(crate) struct Subject {
    /// Its name: as the file says, or the file's own.
    pub(crate) name: String,
    /// The digest of its manifest, where there is one.
    pub(crate) digest: Option<String>,
    /// When a server read its layers, RFC 3339.
    pub(crate) scanned_at: Option<String>,
    /// When a server's advisories were brought up to date, RFC 3339.
    pub(crate) advisories_at: Option<String>,
    /// From which image it was made, as far as a server knows.
    pub(crate) base: Option<BaseImageDocument>,
    /// What it holds.
    pub(crate) inventory: Inventory,
    /// Its files that belong to no package; `None` of an image on a server.
    pub(crate) files: Option<Vec<LooseFile>>,
    /// What only a server knows of it.
    pub(crate) on_server: OnServer,
}

/// What only a server knows of an image.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnServer {
    /// Its ARN.
    pub(crate) arn: Option<String>,
    /// Its tags.
    pub(crate) tags: Vec<String>,
    /// When it was pushed, RFC 3339.
    pub(crate) pushed_at: Option<String>,
    /// Since when each finding is known, RFC 3339: by its id, and the kind, name and version of the package.
    first_seen: BTreeMap<[String; 4], String>,
}

impl OnServer {
    /// Takes what a server says.
    fn of(report: &ImageFindingsDocument) -> OnServer {
        let since = report.findings.iter().filter_map(|found| {
            let FindingDocument { id, kind, package, version, first_seen_at, .. } = found;
            Some(([id, kind, package, version].map(String::clone), first_seen_at.clone()?))
        });
        OnServer {
            arn: report.arn.clone(),
            tags: report.tags.clone(),
            pushed_at: report.pushed_at.clone(),
            first_seen: since.collect(),
        }
    }

    /// Since when a finding is known, RFC 3339.
    pub(crate) fn first_seen(&self, finding: &Finding) -> Option<&str> {
        let Finding { id, package, .. } = finding;
        let key = [id.clone(), package.kind.name().to_owned(), package.name.clone(), package.version.clone()];
        self.first_seen.get(&key).map(String::as_str)
    }
}

impl Subject {
    /// One that was found on this disk.
    fn found(name: String, digest: Option<String>, inventory: Inventory, files: Vec<LooseFile>) -> Subject {
        Subject {
            name,
            digest,
            scanned_at: None,
            advisories_at: None,
            base: None,
            inventory,
            files: Some(files),
            on_server: OnServer::default(),
        }
    }

    /// Which image documents are about.
    pub(crate) fn image<'a>(&'a self, created: &'a str) -> documents::Image<'a> {
        let digest = self.digest.as_deref().unwrap_or_default();
        documents::Image { reference: &self.name, digest, created }
    }

    /// Suppresses findings that VEX documents speak against which hang on it.
    pub(crate) fn suppress(&self, findings: &mut [Finding]) {
        let borne = Lookup::new(vec![Arc::new(self.inventory.statements.clone())]);
        borne.apply(findings, self.digest.as_deref().unwrap_or_default());
    }
}

/// Why an input cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    /// It is no image.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A layer is not what it should be.
    #[error("layer {number} cannot be read: {error}")]
    Layer {
        /// Counted from 1 at the bottom.
        number: usize,
        /// Why.
        error: LayerError,
    },
    /// A root folder cannot be walked.
    #[error("{path} cannot be read: {error}")]
    Root {
        /// Where.
        path: String,
        /// Why.
        error: LayerError,
    },
}

/// Reads all layers of what lies at a path, and puts them together.
///
/// # Errors
/// [`ScanError`].
pub(crate) fn look(path: &Path, wanted: &Wanted) -> Result<Subject, ScanError> {
    match local_image::open(path, wanted)? {
        Input::Image(image) => look_at_image(path, image),
        Input::Root(root) => {
            let layer = root_folder::read(&root, &Limits::default(), &mut spool);
            let layer = layer.map_err(|error| ScanError::Root { path: root.display().to_string(), error })?;
            let inventory = gantry_scan::put_together(&[&layer]);
            let files = gantry_scan::loose_files(&[&layer], &inventory);
            Ok(Subject::found(path.display().to_string(), None, inventory, files))
        }
    }
}

fn look_at_image(path: &Path, image: LocalImage) -> Result<Subject, ScanError> {
    let limits = Limits::default();
    let progress = Progress::bytes("reading layers", None);
    let mut layers: Vec<Layer> = Vec::new();
    for index in 0..image.layers() {
        let counted = Counted { inner: image.open_layer(index)?, progress: &progress };
        let mut input = BufReader::with_capacity(BUFFER_BYTES, counted);
        let layer = gantry_scan::read_layer(&mut input, &limits, &mut spool);
        layers.push(layer.map_err(|error| ScanError::Layer { number: index + 1, error })?);
    }
    let all: Vec<&Layer> = layers.iter().collect();
    let mut inventory = gantry_scan::put_together(&all);
    let files = gantry_scan::loose_files(&all, &inventory);
    inventory.judge(&image.config, layers.len());
    add_attached(&image, &mut inventory);
    let name = image.name.clone().unwrap_or_else(|| path.display().to_string());
    let digest = image.digest.as_ref().map(ToString::to_string);
    Ok(Subject::found(name, digest, inventory, files))
}

/// Adds what documents say that hang on an image.
fn add_attached(image: &LocalImage, inventory: &mut Inventory) {
    let Some(digest) = &image.digest else { return };
    let repository = image.name.as_deref().map_or("", repository_of);
    let bearer = Bearer { digest: digest.as_str(), indexes: &image.indexes, repository };
    for (origin, bytes) in image.documents() {
        let read = bytes.map_err(|error| error.to_string());
        match read.and_then(|bytes| read_attached(&origin, &bytes, &bearer).map_err(|error| error.to_string())) {
            Ok(document) => inventory.attach(&origin, document),
            Err(reason) => inventory.complaints.push(format!("{origin}: {reason}")),
        }
    }
}

/// The repository of an image's name, without server and tag.
pub(crate) fn repository_of(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or_default();
    let name = match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        Some(_) | None => name,
    };
    match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        Some(_) | None => name,
    }
}

/// A place for a file that is too long for memory.
fn spool() -> io::Result<Box<dyn Spool>> {
    Ok(Box::new(tempfile::tempfile()?))
}

/// Tells the progress bar what was read.
struct Counted<'a> {
    inner: Box<dyn Read>,
    progress: &'a Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}

/// Says what is wrong with the packages of an inventory, by the advisories of a folder.
///
/// # Errors
/// [`FeedsError`].
pub(crate) fn matched(folder: &Path, inventory: &Inventory, kernel_headers: bool) -> Result<Matched, FeedsError> {
    let knowledge = open_folder(folder)?;
    let kernel_headers = if kernel_headers { KernelHeaders::Matched } else { KernelHeaders::LeftOut };
    Ok(gantry_scan::find(inventory, &knowledge, &Options { kernel_headers })?)
}

use crate::scans::Scans;
use futures_util::StreamExt;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, Trail, Tx, Write, attached, manifests,
    scans::{self, ScanState},
};
use gantry_oci::{Descriptor, Digest, Kind, Manifest, ManifestLimits, Reference};
use gantry_registry::Repository;
use gantry_scan::{
    ATTACHED_BYTES_MAX, ATTACHED_DOCUMENTS_MAX, ATTACHED_TYPES, AttachedDocument, Inventory, read_attached, vex::Bearer,
};
use gantry_words::Cx;

/// Indexes of an image that are looked at, at most.
const INDEXES_MAX: usize = 8;
/// Images of an index that are read again at most when something is said of the index.
const CHILDREN_MAX: usize = 256;
/// What an index says of an entry that BuildKit made (Docker, Attestation storage).
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// Of which image that entry is.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";
/// What kind of predicate a layer holds: BuildKit's word, and cosign's.
const PREDICATE_TYPES: [&str; 2] = ["in-toto.io/predicate-type", "predicateType"];

/// What hangs on an image.
pub(crate) struct Hanging {
    /// The artifacts that may say something of it, sorted; with [`ATTACHED_DOCUMENTS_MAX`] of them there may be more.
    pub(crate) artifacts: Vec<String>,
    /// The indexes that name it.
    indexes: Vec<String>,
    has_more: bool,
}

/// Finds what hangs on an image: artifacts that refer to it or to an index that names it, cosign's attestations of either, and those
/// that BuildKit put into the index.
pub(crate) fn hanging(rows: &mut Reader, repository: i64, digest: &str) -> Result<Hanging, Fault> {
    let indexes = manifests::parents(rows, repository, digest, INDEXES_MAX)?;
    let subjects: Vec<String> = std::iter::once(digest.to_string()).chain(indexes.iter().cloned()).collect();
    let mut artifacts = attached::referring(rows, repository, &subjects, ATTACHED_TYPES, ATTACHED_DOCUMENTS_MAX + 1)?;
    for subject in &subjects {
        artifacts.extend(attached::tagged(rows, repository, subject)?);
    }
    for index in &indexes {
        let Some(index) = parse(rows, repository, index)? else { continue };
        let of_image = index.manifests.iter().filter(|entry| attests(entry) == Some(digest));
        artifacts.extend(of_image.map(|entry| entry.digest.to_string()));
    }
    let mut known = std::collections::BTreeSet::new();
    artifacts.retain(|artifact| known.insert(artifact.clone()));
    let has_more = artifacts.len() > ATTACHED_DOCUMENTS_MAX;
    artifacts.truncate(ATTACHED_DOCUMENTS_MAX);
    artifacts.sort_unstable();
    Ok(Hanging { artifacts, indexes, has_more })
}

/// Returns of which image an entry of an index is an attestation that BuildKit made, by digest; `None` where it is none.
pub fn attests(entry: &Descriptor) -> Option<&str> {
    let word = |key: &str| entry.annotations.get(key).map(String::as_str);
    word(REFERENCE_DIGEST).filter(|_| word(REFERENCE_TYPE) == Some("attestation-manifest"))
}

/// Returns the images of which something may be said anew, when an artifact came or went that refers to this: itself, or the images of
/// an index.
pub(crate) fn bearers(rows: &mut Reader, repository: i64, subject: &str) -> Result<Vec<String>, Fault> {
    Ok(match parse(rows, repository, subject)? {
        Some(Manifest { kind: Kind::Index, manifests, .. }) => {
            manifests.iter().take(CHILDREN_MAX).map(|entry| entry.digest.to_string()).collect()
        }
        Some(_) => vec![subject.to_string()],
        None => vec![],
    })
}

/// Returns the images of which something may be said anew, when an index came: those of which it has attestations, and all of them where
/// something refers to it already.
pub(crate) fn told_of_by(rows: &mut Reader, repository: i64, index: &str) -> Result<Vec<String>, Fault> {
    let Some(Manifest { manifests, .. }) = parse(rows, repository, index)? else { return Ok(vec![]) };
    if !attached::referring(rows, repository, &[index.to_string()], ATTACHED_TYPES, 1)?.is_empty() {
        return Ok(manifests.iter().take(CHILDREN_MAX).map(|entry| entry.digest.to_string()).collect());
    }
    Ok(manifests.iter().filter_map(attests).take(CHILDREN_MAX).map(str::to_string).collect())
}

fn parse(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<Manifest>, Fault> {
    let row = manifests::body(rows, repository, digest)?;
    Ok(row.and_then(|row| Manifest::parse(&row.body, Some(&row.media_type), &ManifestLimits::default()).ok()))
}

/// Tells whether other artifacts hang on an image than when it was read. One that is being read is looked at after that.
pub(crate) fn is_outdated(rows: &mut Reader, repository: i64, digest: &str) -> Result<bool, Fault> {
    let scan = scans::find(rows, repository, digest)?;
    if scan.is_none_or(|scan| scan.state != ScanState::Complete) {
        return Ok(false);
    }
    let Some(packed) = scans::inventory(rows, repository, digest)? else { return Ok(false) };
    let Some(inventory) = crate::packing::unpack::<Inventory>(&packed) else { return Ok(false) };
    Ok(hanging(rows, repository, digest)?.artifacts != inventory.attached)
}

impl Scans {
    /// Adds to an inventory what documents say that hang on the image. One that cannot be read is complained about.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub(crate) async fn add_attached(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        inventory: &mut Inventory,
    ) -> Result<(), Fault> {
        let (id, wanted) = (repository.id, digest.to_string());
        let hanging = self.metadata.read(move |rows| hanging(rows, id, &wanted)).await?;
        if hanging.has_more {
            let why =
                format!("more than {ATTACHED_DOCUMENTS_MAX} artifacts with documents hang on it; not all are read");
            inventory.complaints.push(why);
        }
        let mut documents_left = ATTACHED_DOCUMENTS_MAX;
        for artifact in &hanging.artifacts {
            let origin = format!("referrer {artifact}");
            let layers = match self.documents_in(cx, repository, artifact).await? {
                Ok(layers) => layers,
                Err(reason) => {
                    inventory.complaints.push(format!("{origin}: {reason}"));
                    continue;
                }
            };
            for layer in layers {
                if documents_left == 0 {
                    let why = format!("there are more than {ATTACHED_DOCUMENTS_MAX} documents; the rest is not read");
                    inventory.complaints.push(format!("{origin}: {why}"));
                    break;
                }
                documents_left -= 1;
                let names = (digest.as_str(), hanging.indexes.as_slice());
                match self.document(cx, repository, &layer, &origin, names).await? {
                    Ok(document) => inventory.attach(&origin, document),
                    Err(reason) => inventory.complaints.push(format!("{origin}: {reason}")),
                }
            }
        }
        inventory.attached = hanging.artifacts;
        Ok(())
    }

    /// Returns the layers of an artifact that may be documents.
    async fn documents_in(
        &self,
        cx: &Cx,
        repository: &Repository,
        artifact: &str,
    ) -> Result<Result<Vec<Descriptor>, String>, Fault> {
        let Ok(digest) = artifact.parse::<Digest>() else { return Ok(Err("its digest cannot be read".into())) };
        let found = match self.registry.images.load(cx, repository, &Reference::Digest(digest)).await {
            Ok(found) => found,
            Err(fault) if crate::reading::is_about_the_image(&fault) => return Ok(Err(fault.message)),
            Err(fault) => return Err(fault),
        };
        let manifest = Manifest::parse(&found.body, Some(&found.media_type), &ManifestLimits::default());
        Ok(manifest
            .map_err(|error| error.to_string())
            .map(|manifest| manifest.layers.into_iter().filter(may_say_something).collect()))
    }

    /// Reads one document.
    async fn document(
        &self,
        cx: &Cx,
        repository: &Repository,
        layer: &Descriptor,
        origin: &str,
        (digest, indexes): (&str, &[String]),
    ) -> Result<Result<AttachedDocument, String>, Fault> {
        let reading = match self.open_blob(cx, repository, &layer.digest).await? {
            Ok(reading) => reading,
            Err(reason) => return Ok(Err(reason)),
        };
        let length = reading.length();
        if length > ATTACHED_BYTES_MAX {
            return Ok(Err(format!("the document has {length} bytes, more than {ATTACHED_BYTES_MAX}")));
        }
        let (mut body, mut bytes) = (reading.body(0..length), Vec::new());
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => return Ok(Err(format!("the document cannot be read: {error}"))),
            }
        }
        let (origin, digest, indexes) = (origin.to_string(), digest.to_string(), indexes.to_vec());
        let name = repository.name.to_string();
        let read = tokio::task::spawn_blocking(move || {
            let bearer = Bearer { digest: &digest, indexes: &indexes, repository: &name };
            read_attached(&origin, &bytes, &bearer).map_err(|error| error.to_string())
        });
        // A reader that falls over a document must not take the server with it.
        Ok(read.await.unwrap_or_else(|panic| Err(format!("the reader fell over it: {panic}"))))
    }
}

/// Tells whether a layer of an artifact may be a document that says something of an image: not where its annotations name another
/// predicate than OpenVEX, SPDX or CycloneDX, such as provenance.
pub fn may_say_something(layer: &Descriptor) -> bool {
    let kind = PREDICATE_TYPES.iter().find_map(|key| layer.annotations.get(*key));
    let known = ["https://openvex.dev/ns", "https://spdx.dev/Document", "https://cyclonedx.org/bom"];
    kind.is_none_or(|kind| known.iter().any(|known| kind.starts_with(known)))
}

/// Has an image read again on which other documents hang than before.
pub(crate) struct ReadAgain {
    pub(crate) repository: i64,
    pub(crate) digest: String,
}

impl Write for ReadAgain {
    type Answer = ();
    const NAME: &'static str = "findings.read_again";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = "each statement says itself what must hold, and a row is all it touches";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        attached::read_again(tx, self.repository, &self.digest, now)
    }
}

#[cfg(test)]
mod tests;

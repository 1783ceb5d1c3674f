use super::{
    InputError,
    members::Members,
    oci_layout::{blob, is, read},
};
use crate::moving::blob_name;
use gantry_findings::{attests, may_say_something};
use gantry_oci::{Descriptor, Digest, Manifest};
use gantry_scan::{ATTACHED_BYTES_MAX, ATTACHED_DOCUMENTS_MAX, ATTACHED_TYPES};

/// Manifests of a layout that are looked at for what hangs on the image, at most.
const LOOKED_AT_MAX: usize = 1_000;

/// A document that hangs on an image.
pub(super) struct Attached {
    /// The artifact that it is in.
    artifact: Digest,
    document: Digest,
}

impl Attached {
    /// Which document it is: `referrer sha256:…`.
    pub(super) fn origin(&self) -> String {
        format!("referrer {}", self.artifact)
    }

    /// Reads it.
    pub(super) fn read(&self, members: &Members) -> Result<Vec<u8>, InputError> {
        members.whole(&blob_name(&self.document), ATTACHED_BYTES_MAX)
    }
}

/// Finds the documents that hang on an image or on the indexes on the way to it: `entries` are those of the layout. What cannot be read
/// hangs nowhere.
pub(super) fn find(
    members: &Members,
    entries: &[Descriptor],
    image: &Digest,
    indexes: &[(Digest, Manifest)],
) -> Vec<Attached> {
    let chain: Vec<&Digest> = std::iter::once(image).chain(indexes.iter().map(|(digest, _)| digest)).collect();
    let hangs = |entry: &Descriptor, manifest: &Manifest| {
        let is_type = manifest.listed_artifact_type().is_some_and(|kind| ATTACHED_TYPES.contains(&kind));
        let is_referrer = manifest.subject.as_ref().is_some_and(|subject| chain.contains(&&subject.digest));
        let tag = |digest: &&Digest| is(entry, &format!("{}.att", digest.as_str().replace(':', "-")));
        (is_type && is_referrer) || chain.iter().any(tag)
    };
    let of_layout = entries.iter().take(LOOKED_AT_MAX).filter(|entry| !chain.contains(&&entry.digest));
    let of_layout = of_layout.filter_map(|entry| {
        let manifest = manifest(members, entry)?;
        hangs(entry, &manifest).then(|| (entry.digest.clone(), manifest))
    });
    let of_indexes = indexes.iter().flat_map(|(_, index)| &index.manifests);
    let of_indexes = of_indexes.filter(|entry| attests(entry) == Some(image.as_str())).take(LOOKED_AT_MAX);
    let of_indexes = of_indexes.filter_map(|entry| Some((entry.digest.clone(), manifest(members, entry)?)));
    let documents = of_layout.chain(of_indexes).flat_map(|(artifact, manifest)| {
        let layers = manifest.layers.into_iter().filter(may_say_something);
        layers.map(move |layer| Attached { artifact: artifact.clone(), document: layer.digest })
    });
    documents.take(ATTACHED_DOCUMENTS_MAX).collect()
}

/// Tells whether an entry of a layout refers to another manifest: it is no image that somebody may mean.
pub(super) fn is_referrer(members: &Members, entry: &Descriptor) -> bool {
    manifest(members, entry).is_some_and(|manifest| manifest.subject.is_some())
}

fn manifest(members: &Members, entry: &Descriptor) -> Option<Manifest> {
    read(entry.digest.as_str(), &blob(members, &entry.digest).ok()?).ok()
}

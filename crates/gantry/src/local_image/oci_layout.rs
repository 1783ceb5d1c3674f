use super::{InputError, LocalImage, Wanted, attached, is_platform, members::Members, own_platform};
use crate::moving::{IMAGE_NAME, REF_NAME, blob_name, digest_of};
use gantry_oci::{Descriptor, Digest, Kind, Manifest, ManifestLimits};
use std::collections::BTreeMap;

const INDEX: &str = "index.json";
/// Indexes within indexes at most.
const DEPTH_MAX: usize = 4;

/// Opens the image of an OCI layout.
pub(super) fn open(members: Members, wanted: &Wanted) -> Result<LocalImage, InputError> {
    let index = read(INDEX, &members.document(INDEX)?)?;
    let fits = |descriptor: &&Descriptor| wanted.image.as_deref().is_none_or(|image| is(descriptor, image));
    let mut fitting: Vec<Descriptor> = index.manifests.iter().filter(fits).cloned().collect();
    if fitting.len() > 1 {
        fitting.retain(|descriptor| !attached::is_referrer(&members, descriptor));
    }
    let chosen = match (&fitting[..], wanted.image.as_deref()) {
        ([only], _) => only.clone(),
        // One image for several platforms may stand in the index itself.
        ([_, _, ..], None) if fitting.iter().all(|descriptor| descriptor.platform.is_some()) => {
            by_platform(&fitting, wanted)?
        }
        (_, image) => return Err(which(&index.manifests, image, fitting.len())),
    };
    let name = name(&chosen.annotations).map(str::to_owned);
    let Resolved { digest, manifest, indexes } = resolve(&members, chosen, wanted)?;
    let config = match &manifest.config {
        Some(config) => blob(&members, &config.digest)?,
        None => Vec::new(),
    };
    let layers = manifest.layers.iter().map(|layer| blob_name(&layer.digest)).collect();
    let attached = attached::find(&members, &index.manifests, &digest, &indexes);
    let indexes = indexes.into_iter().map(|(digest, _)| digest.to_string()).collect();
    Ok(LocalImage { name, digest: Some(digest), config, indexes, layers, attached, members })
}

/// An image, and the indexes on the way to it.
struct Resolved {
    digest: Digest,
    manifest: Manifest,
    indexes: Vec<(Digest, Manifest)>,
}

/// Follows indexes down to an image.
fn resolve(members: &Members, first: Descriptor, wanted: &Wanted) -> Result<Resolved, InputError> {
    let (mut digest, mut indexes) = (first.digest, Vec::new());
    for _ in 0..DEPTH_MAX {
        let manifest = read(digest.as_str(), &blob(members, &digest)?)?;
        match manifest.kind {
            Kind::Image => return Ok(Resolved { digest, manifest, indexes }),
            Kind::Index => {
                let next = by_platform(&manifest.manifests, wanted)?.digest;
                indexes.push((std::mem::replace(&mut digest, next), manifest));
            }
        }
    }
    Err(InputError::Malformed { name: INDEX.into(), problem: format!("more than {DEPTH_MAX} indexes in each other") })
}

/// Chooses the image for a platform; what is the only one needs no choice.
pub(crate) fn by_platform(manifests: &[Descriptor], wanted: &Wanted) -> Result<Descriptor, InputError> {
    if let [only] = manifests
        && wanted.platform.is_none()
    {
        return Ok(only.clone());
    }
    let platform = wanted.platform.clone().unwrap_or_else(own_platform);
    let is_wanted = |descriptor: &&Descriptor| {
        descriptor.platform.as_ref().is_some_and(|candidate| is_platform(candidate, &platform))
    };
    manifests.iter().find(is_wanted).cloned().ok_or_else(|| InputError::Which {
        problem: format!("there is no image for {platform}"),
        names: manifests.iter().map(describe).collect(),
    })
}

fn which(manifests: &[Descriptor], wanted: Option<&str>, count: usize) -> InputError {
    let problem = match wanted {
        Some(wanted) => format!("{count} images are called {wanted}"),
        None => format!("it holds {count} images"),
    };
    InputError::Which { problem, names: manifests.iter().map(describe).collect() }
}

fn describe(descriptor: &Descriptor) -> String {
    let platform = descriptor.platform.as_ref();
    match (name(&descriptor.annotations), platform) {
        (Some(name), _) => name.to_owned(),
        (None, Some(platform)) => format!("{}/{}", platform.os, platform.architecture),
        (None, None) => descriptor.digest.as_str().to_owned(),
    }
}

fn name(annotations: &BTreeMap<String, String>) -> Option<&str> {
    annotations.get(IMAGE_NAME).or_else(|| annotations.get(REF_NAME)).map(String::as_str)
}

pub(super) fn is(descriptor: &Descriptor, wanted: &str) -> bool {
    let names = [IMAGE_NAME, REF_NAME].into_iter().filter_map(|key| descriptor.annotations.get(key));
    let mut names = names.map(String::as_str);
    descriptor.digest.as_str() == wanted
        || names.any(|name| name == wanted || name.rsplit_once(':').is_some_and(|(_, tag)| tag == wanted))
}

/// Reads a small blob, and compares it with its digest.
pub(super) fn blob(members: &Members, digest: &Digest) -> Result<Vec<u8>, InputError> {
    let bytes = members.document(&blob_name(digest))?;
    if digest_of(digest.algorithm(), &bytes) == *digest { Ok(bytes) } else { Err(InputError::Corrupt(digest.clone())) }
}

pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Manifest, InputError> {
    Manifest::parse(bytes, None, &ManifestLimits::default())
        .map_err(|error| InputError::Malformed { name: name.into(), problem: error.to_string() })
}

//! What of a repository can be sent, in which order, and what cannot: decided by the source alone.

use super::{
    past::Past,
    source::{Damage, Found, Source},
};
use crate::moving::{DEPTH_MAX, MANIFEST_BYTES_MAX, digest_of};
use gantry_oci::{Digest, Manifest, ManifestLimits, Tag};
use gantry_words::{Moment, Precision};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Read,
};

/// What is sent to a repository.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Manifests, each after those it lists.
    pub(super) manifests: Vec<Planned>,
    /// Tags of some of them.
    pub(super) tags: BTreeMap<Tag, Digest>,
    /// What the source knows of them beside their bytes.
    pub(super) past: Past,
    /// What is left out.
    pub(super) damages: Vec<Damage>,
}

/// A manifest that is whole, as far as can be told without reading its blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) digest: Digest,
    pub(super) media_type: String,
    pub(super) length: u64,
    /// How many manifests lie below it in a line: those of one level can be sent at once.
    pub(super) level: usize,
    pub(super) children: Vec<Digest>,
    /// With the bytes of each.
    pub(super) blobs: Vec<(Digest, u64)>,
}

/// What is wrong with blobs and manifests that were looked at closer.
pub(super) type Bad = HashMap<Digest, String>;

impl Planned {
    /// Says why it cannot go in, where something that it names is bad.
    pub(super) fn problem(&self, bad: &Bad) -> Option<String> {
        let mut below = self.blobs.iter().map(|(digest, _)| digest).chain(&self.children);
        below.find_map(|digest| bad.get(digest).cloned())
    }
}

/// Reads a manifest whole, and compares it with its digest.
pub(super) fn read_manifest(source: &dyn Source, digest: &Digest) -> Result<Vec<u8>, String> {
    let opened = source.open_manifest(digest).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = opened.ok_or("it is not there")?.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(format!("it is longer than the {MANIFEST_BYTES_MAX} bytes that a manifest may have"));
    }
    let found = digest_of(digest.algorithm(), &bytes);
    if found == *digest { Ok(bytes) } else { Err(format!("its bytes are those of {found}")) }
}

/// Looks through everything that a repository of the source names.
pub(super) fn plan(source: &dyn Source, found: Found) -> Plan {
    let mut planner = Planner { source, seen: HashMap::new(), lengths: HashMap::new(), plan: Plan::default() };
    planner.plan.damages = found.damages;
    planner.plan.past = found.past;
    for (digest, media_type) in &found.roots {
        planner.visit(digest, media_type.as_deref(), 1);
    }
    for (tag, digest) in found.tags {
        if planner.level(&digest).is_some() {
            planner.plan.tags.insert(tag, digest);
        } else {
            planner
                .plan
                .damages
                .push(Damage::new(format!("tag {tag}"), format!("{digest}, which it names, is left out")));
        }
    }
    date_children(&mut planner.plan);
    planner.plan
}

/// What an index lists was there when the index came, at the latest.
pub(super) fn date_children(plan: &mut Plan) {
    let images = &mut plan.past.images;
    let told: HashSet<Digest> =
        images.iter().filter(|(_, image)| image.pushed.is_some()).map(|(digest, _)| digest.clone()).collect();
    // Backwards, so that an index is dated before what it lists.
    for planned in plan.manifests.iter().rev() {
        let Some(pushed) = images.get(&planned.digest).and_then(|image| image.pushed) else { continue };
        for child in planned.children.iter().filter(|child| !told.contains(*child)) {
            let known = &mut images.entry(child.clone()).or_default().pushed;
            if known.is_none_or(|known| pushed.at < known.at) {
                *known = Some(Moment { at: pushed.at, precision: Precision::Estimated });
            }
        }
    }
}

struct Planner<'s> {
    source: &'s dyn Source,
    /// The level of each manifest that was looked at; `None` where it is left out.
    seen: HashMap<Digest, Option<usize>>,
    /// The bytes of each blob that was looked for; `None` where it is not there.
    lengths: HashMap<Digest, Option<u64>>,
    plan: Plan,
}

impl Planner<'_> {
    fn level(&self, digest: &Digest) -> Option<usize> {
        self.seen.get(digest).copied().flatten()
    }

    /// Plans a manifest with all below it; returns its level, where it can be sent.
    fn visit(&mut self, digest: &Digest, media_type: Option<&str>, depth: usize) -> Option<usize> {
        if let Some(known) = self.seen.get(digest) {
            return *known;
        }
        let planned = self.look(digest, media_type, depth);
        let level = planned.as_ref().ok().map(|planned| planned.level);
        self.seen.insert(digest.clone(), level);
        match planned {
            Ok(planned) => self.plan.manifests.push(planned),
            Err(problem) => self.plan.damages.push(Damage::new(format!("manifest {digest}"), problem)),
        }
        level
    }

    fn look(&mut self, digest: &Digest, media_type: Option<&str>, depth: usize) -> Result<Planned, String> {
        if depth > DEPTH_MAX {
            return Err(format!("it lies within more than {DEPTH_MAX} indexes"));
        }
        let bytes = read_manifest(self.source, digest)?;
        let manifest =
            Manifest::parse(&bytes, media_type, &ManifestLimits::default()).map_err(|error| error.to_string())?;
        let mut level = 0;
        let mut missing = None;
        // All are looked at, so that each of them goes in for itself.
        for child in &manifest.manifests {
            match self.visit(&child.digest, Some(&child.media_type), depth + 1) {
                Some(below) => level = level.max(below + 1),
                None => missing = missing.or(Some(format!("{}, which it lists, is left out", child.digest))),
            }
        }
        if let Some(missing) = missing {
            return Err(missing);
        }
        let required: HashSet<&Digest> = manifest.required_blobs().map(|blob| &blob.digest).collect();
        let mut blobs = Vec::new();
        for blob in manifest.blobs() {
            match self.blob_length(&blob.digest)? {
                // Where names are trusted nobody hashes it: its length is all that can tell.
                Some(length) if length != blob.size => {
                    return Err(format!("its blob {} has {length} of {} bytes", blob.digest, blob.size));
                }
                Some(length) => blobs.push((blob.digest.clone(), length)),
                None if required.contains(&blob.digest) => {
                    return Err(format!("its blob {} is not there", blob.digest));
                }
                // Layers that may not be distributed lie elsewhere.
                None => {}
            }
        }
        Ok(Planned {
            digest: digest.clone(),
            media_type: manifest.media_type,
            length: bytes.len() as u64,
            level,
            children: manifest.manifests.into_iter().map(|child| child.digest).collect(),
            blobs,
        })
    }

    fn blob_length(&mut self, digest: &Digest) -> Result<Option<u64>, String> {
        if let Some(known) = self.lengths.get(digest) {
            return Ok(*known);
        }
        let length = self.source.length(digest).map_err(|error| format!("its blob {digest}: {error}"))?;
        self.lengths.insert(digest.clone(), length);
        Ok(length)
    }
}

//! What hangs on an image: the manifests that it lists, what refers to it, and so on.

use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Reader, Tx, blobs, manifests,
    manifests::{ManifestRow, Referring},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Images that one call moves; where more hang together it is refused.
const IMAGES_MAX: usize = 10_000;
/// Parents of one image that are looked at.
const PARENTS_MAX: usize = 1_000;

/// An image that moves, with what has to be counted then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) digest: String,
    /// The blobs that it names and that are linked.
    pub(crate) blobs: Vec<String>,
    /// The manifests that it lists and that live.
    pub(crate) children: Vec<String>,
    /// The first one that it lists and that does not live.
    pub(crate) gone: Option<String>,
}

impl Member {
    /// Counts it among the manifests in the archive that name its blobs (1), or no more among them (-1), and the other way
    /// round among the parents of its children.
    pub(crate) fn count(&self, tx: &mut Tx, repository: i64, archived: i64) -> Result<(), Fault> {
        blobs::count_archived(tx, repository, self.blobs.iter().map(String::as_str), archived)?;
        manifests::count_parents(tx, repository, self.children.iter().map(String::as_str), -archived)
    }
}

/// Returns the image and what hangs on it and goes with it to the archive: nothing else outside reaches it, no tag names it,
/// and nobody holds it.
pub(crate) fn going(rows: &mut Reader, repository: i64, image: &ManifestRow) -> Result<Vec<Member>, Fault> {
    let mut members = vec![member(rows, repository, &image.digest)?];
    let mut going = BTreeSet::from([image.digest.clone()]);
    let mut candidates: BTreeMap<String, ManifestRow> = BTreeMap::new();
    let mut looked_at = 0;
    loop {
        for member in &members[looked_at..] {
            let rows = below(rows, repository, member)?;
            let stays = |row: &ManifestRow| row.tag_count > 0 || row.hold.is_some() || row.is_archived();
            let wanted = rows.into_iter().filter(|row| !stays(row) && !going.contains(&row.digest));
            candidates.extend(wanted.map(|row| (row.digest.clone(), row)));
        }
        looked_at = members.len();
        let mut more = Vec::new();
        for row in candidates.values() {
            if hangs_only_on(rows, repository, row, &going)? {
                more.push(row.digest.clone());
            }
        }
        if more.is_empty() {
            return Ok(members);
        }
        for digest in more {
            candidates.remove(&digest);
            members.push(member(rows, repository, &digest)?);
            going.insert(digest);
        }
        refuse_too_many(members.len(), &image.digest)?;
    }
}

/// Returns the image and what hangs on it and is in the archive.
pub(crate) fn coming(rows: &mut Reader, repository: i64, digest: &str) -> Result<Vec<Member>, Fault> {
    let (mut members, mut known) = (Vec::new(), BTreeSet::from([digest.to_string()]));
    let mut waiting = VecDeque::from([digest.to_string()]);
    while let Some(digest) = waiting.pop_front() {
        let member = member(rows, repository, &digest)?;
        let archived = below(rows, repository, &member)?.into_iter().filter(ManifestRow::is_archived);
        waiting.extend(archived.map(|row| row.digest).filter(|digest| known.insert(digest.clone())));
        members.push(member);
        refuse_too_many(members.len(), &digest)?;
    }
    Ok(members)
}

fn hangs_only_on(
    rows: &mut Reader,
    repository: i64,
    row: &ManifestRow,
    going: &BTreeSet<String>,
) -> Result<bool, Fault> {
    if let Some(subject) = row.subject.as_ref().filter(|subject| !going.contains(*subject))
        && manifests::standing(rows, repository, subject)?.is_some_and(|found| found.is_live && !found.is_archived)
    {
        return Ok(false);
    }
    if row.parent_count == 0 {
        return Ok(true);
    }
    let parents = manifests::parents(rows, repository, &row.digest, PARENTS_MAX)?;
    Ok(parents.len() < PARENTS_MAX && parents.iter().all(|parent| going.contains(parent)))
}

fn member(rows: &mut Reader, repository: i64, digest: &str) -> Result<Member, Fault> {
    let edges = manifests::edges(rows, repository, digest)?;
    let of = |kinds: &[&str]| -> BTreeSet<String> {
        edges.iter().filter(|edge| kinds.contains(&edge.kind.as_str())).map(|edge| edge.child.clone()).collect()
    };
    let (named, listed) = (of(&["config", "layer"]), of(&["child"]));
    let links = blobs::links(rows, repository, named.iter().map(String::as_str))?;
    let living = manifests::held(rows, repository, listed.iter().map(String::as_str))?;
    let children: BTreeSet<String> = living.into_iter().map(|child| child.digest).collect();
    Ok(Member {
        digest: digest.into(),
        blobs: links.into_iter().map(|link| link.digest).collect(),
        gone: listed.into_iter().find(|child| !children.contains(child)),
        children: children.into_iter().collect(),
    })
}

/// Returns the living images that one lists, and those that refer to it.
fn below(rows: &mut Reader, repository: i64, member: &Member) -> Result<Vec<ManifestRow>, Fault> {
    let referring = Referring { subject: &member.digest, artifact_type: None, storage_class: "" };
    let referrers = manifests::referrers(rows, repository, referring, "", IMAGES_MAX + 1)?;
    let digests = member.children.iter().map(String::as_str).chain(referrers.iter().map(|row| row.digest.as_str()));
    manifests::among(rows, repository, digests)
}

fn refuse_too_many(images: usize, digest: &str) -> Result<(), Fault> {
    if images <= IMAGES_MAX {
        return Ok(());
    }
    let message = format!("More than {IMAGES_MAX} images hang on {digest}: too many to be moved with it at once");
    Err(Fault::new(FaultKind::StorageClassUpdateUnsupported, message))
}

use crate::{
    desk::Desk,
    keys,
    promises::{Held, Thing},
    quotas,
    stock::Stock,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, archive, blobs,
    consistency::{self, Counted, Named},
    manifests, repositories, tags,
};
use gantry_oci::Digest;
use gantry_store::MemoryControl;
use gantry_words::Timestamp;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const ALL: usize = 1_000_000;

/// What an invariant looks at: the truth of the tables and of the store, past the registry.
pub(crate) struct Sight<'a> {
    pub(crate) desk: &'a Arc<Desk>,
    pub(crate) control: &'a MemoryControl,
    /// For how long an unnamed blob is kept.
    pub(crate) grace: Duration,
}

impl Sight<'_> {
    /// What must hold at every step.
    pub(crate) fn always(&self) -> Vec<String> {
        let mut broken = self.every_name_leads_somewhere();
        broken.extend(self.every_count_is_right());
        broken.extend(self.every_linked_copy_has_its_bytes());
        broken.extend(self.every_acknowledged_push_is_there());
        broken.extend(quotas::passed(self.desk));
        broken
    }

    /// Every tag names a held manifest, every required edge a link, every link a whole copy.
    fn every_name_leads_somewhere(&self) -> Vec<String> {
        let lost = self.desk.look(|rows| {
            let mut lost = Vec::new();
            for named in Named::ALL {
                lost.extend(consistency::dangling(rows, named, ALL)?.into_iter().map(|from| (named, from)));
            }
            Ok(lost)
        });
        lost.into_iter().map(|(named, from)| format!("a name leads nowhere: {named:?} {from:?}")).collect()
    }

    fn every_count_is_right(&self) -> Vec<String> {
        let wrong = self.desk.look(|rows| {
            let mut wrong = Vec::new();
            for counted in Counted::ALL {
                wrong.extend(consistency::wrong_counts(rows, counted, ALL)?.into_iter().map(|count| (counted, count)));
            }
            Ok(wrong)
        });
        wrong.into_iter().map(|(counted, count)| format!("a count is wrong: {counted:?} {count:?}")).collect()
    }

    fn every_linked_copy_has_its_bytes(&self) -> Vec<String> {
        let copies = self.desk.look(|rows| blobs::each_copy(rows, 0, ALL));
        let find = |copy: &blobs::CopyRow| {
            let bytes = self.control.bytes(&copy.location.parse().expect("only keys are written as locations"))?;
            match &copy.sealed {
                None => Some(bytes),
                Some(sealed) => keys::open(copy, sealed, &bytes),
            }
        };
        let present = copies.iter().filter(|copy| copy.state == "present");
        let wrong = present.map(|copy| (copy, find(copy)));
        let wrong = wrong.filter(|(copy, found)| found.as_ref() != self.desk.stock.find_bytes(&copy.digest));
        let describe = |found: Option<bytes::Bytes>| found.map_or("none".to_string(), |bytes| bytes.len().to_string());
        wrong.map(|(copy, found)| format!("bytes are missing or wrong: {copy:?}, found {}", describe(found))).collect()
    }

    /// Every push that was acknowledged, and not removed since, is there; the collection took nothing that was named or
    /// young.
    fn every_acknowledged_push_is_there(&self) -> Vec<String> {
        let (desk, now, grace) = (self.desk.clone(), self.desk.env.now(), self.grace);
        let ids = self.desk.places().ids();
        // In one look: a look of its own for each promise takes most of a world's time.
        self.desk.look(move |rows| {
            let mut broken = Vec::new();
            for (thing, held) in desk.promises().each().filter(|(_, held)| is_due(held, now, grace)) {
                if !is_kept(rows, &desk.stock, &ids, thing, held)? {
                    broken.push(format!("an acknowledged push is lost at {now}: {thing:?} {held:?}"));
                }
            }
            Ok(broken)
        })
    }

    /// Once nothing is under way and all is collected: the store holds the copies that are linked, and nothing else.
    pub(crate) fn the_store_holds_what_is_linked(&self) -> Vec<String> {
        let copies = self.desk.look(|rows| blobs::each_copy(rows, 0, ALL));
        let linked: BTreeSet<String> =
            copies.iter().filter(|copy| copy.link_count > 0).map(|copy| copy.location.clone()).collect();
        let stored: BTreeSet<String> = self.control.keys().iter().map(ToString::to_string).collect();
        let unlinked = stored.difference(&linked).map(|key| format!("collected, but still stored: {key}"));
        let rows =
            copies.iter().filter(|copy| copy.link_count == 0).map(|copy| format!("a row is left over: {copy:?}"));
        let lost = linked.difference(&stored).map(|key| format!("linked, but not stored: {key}"));
        unlinked.chain(rows).chain(lost).chain(self.every_blob_is_in_its_class()).collect()
    }

    /// Once all bytes have moved: each blob lies where it belongs, and no image is on its way.
    fn every_blob_is_in_its_class(&self) -> Vec<String> {
        self.desk.look(|rows| {
            let mut wrong = Vec::new();
            for copy in blobs::each_copy(rows, 0, ALL)?.into_iter().filter(|copy| copy.state == "present") {
                let need = archive::need(rows, &copy.digest, copy.domain())?;
                let is_right = match copy.storage_class.as_str() {
                    "ARCHIVE" => need.named == 0,
                    _ => copy.link_count == 0 || need.named + need.unnamed > 0,
                };
                if !is_right {
                    wrong.push(format!("in the wrong storage class: {copy:?} {need:?}"));
                }
            }
            let waiting = archive::ready(rows, ALL)?.into_iter();
            wrong.extend(waiting.map(|image| format!("its bytes are back, but it is not: {image:?}")));
            Ok(wrong)
        })
    }
}

/// Whether a promise still stands: an unnamed blob is kept for the grace time only.
fn is_due(held: &Held, now: Timestamp, grace: Duration) -> bool {
    match held {
        Held::Since(since) => now < since.plus(grace),
        Held::Until | Held::At(_) => true,
    }
}

fn is_kept(rows: &mut Reader, stock: &Stock, ids: &[i64], thing: &Thing, held: &Held) -> Result<bool, Fault> {
    match thing {
        Thing::Repository(at) => Ok(repositories::by_id(rows, ids[*at])?.is_some()),
        Thing::Blob(at, digest) => is_linked(rows, ids[*at], digest),
        Thing::Manifest(at, digest) => {
            let (id, manifest) = (ids[*at], stock.manifest(digest));
            // In the archive it is as well.
            let is_live = manifests::find(rows, id, digest.as_str())?.is_some();
            let body = manifests::stored_body(rows, id, digest.as_str())?;
            let mut is_kept = is_live && body.is_some_and(|row| row.body == manifest.body);
            for blob in &manifest.blobs {
                is_kept = is_kept && is_linked(rows, id, blob)?;
            }
            if let Some(subject) = &manifest.subject {
                let referrers = manifests::referrers(
                    rows,
                    id,
                    manifests::Referring { subject: subject.as_str(), artifact_type: None, storage_class: "" },
                    "",
                    ALL,
                )?;
                is_kept = is_kept && referrers.iter().any(|row| row.digest == digest.as_str());
            }
            Ok(is_kept)
        }
        Thing::Tag(at, tag) => {
            let found = tags::digest(rows, ids[*at], tag.as_str())?;
            Ok(matches!(held, Held::At(digest) if found.as_deref() == Some(digest.as_str())))
        }
    }
}

/// Whether a repository has a link to a whole copy; another invariant looks at the bytes.
fn is_linked(rows: &mut Reader, repository: i64, blob: &Digest) -> Result<bool, Fault> {
    Ok(blobs::located(rows, repository, blob.as_str())?.is_some_and(|row| row.state == "present"))
}

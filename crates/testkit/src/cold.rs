use crate::{client::Client, places::Here};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    blobs,
    manifests::{self, Tagged},
};
use gantry_oci::Digest;
use gantry_registry::ImageStatus;
use gantry_words::Timestamp;

/// What clients move to the archive and back. Whatever was acknowledged of such an image stands.
impl Client {
    pub(crate) async fn archive(&self, here: &Here, digest: &Digest) -> Result<(), Fault> {
        let archived = self.registry().archive.put(&self.desk.cx("archive"), &here.repository, digest).await;
        if archived.is_ok() {
            self.desk.count("image archived");
        }
        Self::unless_it_cannot(archived)
    }

    /// Asks an image back, if there is one: one whose bytes have moved before one whose bytes are still at hand.
    pub(crate) async fn activate_some(&self, here: &Here) -> Result<(), Fault> {
        let (id, newest, desk) = (here.repository.id, Timestamp::from_millis(i64::MAX), self.desk.clone());
        let (away, at_hand) = self.desk.look(move |rows| {
            let (mut away, mut at_hand) = (Vec::new(), Vec::new());
            for row in manifests::list(rows, id, Tagged::Any, "ARCHIVE", newest, "", 100)? {
                let digest: Digest = row.digest.parse().expect("only digests are stored");
                let blobs = desk.stock.manifest(&digest).blobs.iter().map(Digest::as_str);
                let is_away = blobs::held(rows, id, blobs)?.iter().any(|blob| blob.is_archived);
                if is_away { away.push(digest) } else { at_hand.push(digest) }
            }
            Ok((away, at_hand))
        });
        let from = if away.is_empty() { at_hand } else { away };
        if from.is_empty() { Ok(()) } else { self.activate(here, self.desk.sim.pick(&from)).await }
    }

    async fn activate(&self, here: &Here, digest: &Digest) -> Result<(), Fault> {
        let taken = self.registry().archive.take(&self.desk.cx("activate"), &here.repository, digest).await;
        if taken.as_ref().is_ok_and(|status| *status == ImageStatus::Activating) {
            self.desk.count("image activating");
        }
        Self::unless_it_cannot(taken)
    }

    /// It may not be there, be a child, or lack one.
    fn unless_it_cannot(moved: Result<ImageStatus, Fault>) -> Result<(), Fault> {
        match moved {
            Err(fault) if matches!(fault.kind, FaultKind::ImageNotFound | FaultKind::StorageClassUpdateUnsupported) => {
                Ok(())
            }
            moved => moved.map(drop),
        }
    }
}

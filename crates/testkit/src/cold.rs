use crate::{client::Client, places::Here};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::manifests::{self, Tagged};
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

    /// Asks an image back, if there is one.
    pub(crate) async fn activate_some(&self, here: &Here) -> Result<(), Fault> {
        let (id, newest) = (here.repository.id, Timestamp::from_millis(i64::MAX));
        let found = self.desk.look(move |rows| manifests::list(rows, id, Tagged::Any, "ARCHIVE", newest, "", 100));
        if found.is_empty() {
            return Ok(());
        }
        let digest = self.desk.sim.pick(&found).digest.parse().expect("only digests are stored");
        self.activate(here, &digest).await
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

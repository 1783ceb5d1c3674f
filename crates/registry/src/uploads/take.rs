//! How a request gets an upload into its hands: from this process, from its file, from another server.

use super::{
    HOLD, HoldUpload, Uploads, check_owner,
    turn::{Claimed, Session, Slot, Turn, Writing},
    upload_busy, upload_not_found,
};
use crate::{
    admit::{store_fault, upload_fault},
    images::store_algorithm,
    repositories::Repository,
};
use gantry_fault::Fault;
use gantry_metadata::uploads::UploadRow;
use gantry_oci::Algorithm;
use gantry_store::UploadId;
use gantry_words::Cx;
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

/// How long the one that goes on waits for the other to end.
const INTERRUPT_WITHIN: Duration = Duration::from_secs(10);

impl Uploads {
    /// Takes an upload into the hands of one request, which says where it goes on.
    pub(super) async fn take(
        &self,
        cx: &Cx,
        repository: &Repository,
        id: &UploadId,
        start: Option<u64>,
    ) -> Result<Turn, Fault> {
        let (session, writing) = match self.claim(cx, repository, id) {
            Ok(claimed) => claimed,
            Err(other) => {
                self.interrupt(cx, repository, id, start, &other).await?;
                self.claim(cx, repository, id).map_err(|_| upload_busy())?
            }
        };
        // From here on the turn puts the slot right, however this ends.
        let mut turn = Turn::new(self.clone(), cx.clone(), id.clone(), session, writing);
        turn.is_limited = repository.is_limited;
        match &self.holder {
            Some(holder) => self.hold(&mut turn, repository, holder).await?,
            None if turn.session.is_none() => {
                let row = self.row(id).await?;
                turn.session = Some(Box::new(self.resume(cx, id, row).await?));
            }
            None => {}
        }
        let session = turn.session();
        check_owner(cx, repository, id, session.repository, &session.opened_by)?;
        turn.writing.note(session.upload.offset(), session.upload.data_key().is_some());
        Ok(turn)
    }

    /// Takes the slot of an upload and what lay in it; where a request is at it, answers with what that does.
    fn claim(&self, cx: &Cx, repository: &Repository, id: &UploadId) -> Result<Claimed, Arc<Writing>> {
        let mut slots = self.slots();
        if let Some(Slot::Busy(other)) = slots.get(id.as_str()) {
            return Err(other.clone());
        }
        let writing = Arc::new(Writing::new(repository.id, cx.actor.clone()));
        match slots.insert(id.to_string(), Slot::Busy(writing.clone())) {
            Some(Slot::Idle(session)) => Ok((Some(session), writing)),
            Some(Slot::Busy(_)) | None => Ok((None, writing)),
        }
    }

    /// Ends a request of the same principal whose body is silent, if `start` is where its bytes end. When this returns,
    /// it has ended.
    async fn interrupt(
        &self,
        cx: &Cx,
        repository: &Repository,
        id: &UploadId,
        start: Option<u64>,
        other: &Writing,
    ) -> Result<(), Fault> {
        // What a sealed upload has, its file does not say.
        let offset = match other.begun_at().filter(|_| other.is_sealed()) {
            Some(offset) => offset,
            None => self.stored(id).await?,
        };
        if start != Some(offset) {
            return Err(upload_busy());
        }
        let ended = other.ended.notified();
        if !other.interrupt(repository.id, &cx.actor, self.ports.env.elapsed()) {
            return Err(upload_busy());
        }
        self.ports.env.within(INTERRUPT_WITHIN, ended).await.ok_or_else(upload_busy)
    }

    /// Keeps other servers from an upload, and takes up what it has.
    async fn hold(&self, turn: &mut Turn, repository: &Repository, holder: &Arc<str>) -> Result<(), Fault> {
        let (cx, id, now) = (turn.cx.clone(), turn.id.clone(), self.ports.env.now());
        let act = HoldUpload {
            id: id.clone(),
            repository: repository.id,
            actor: cx.actor.clone(),
            holder: holder.clone(),
            now,
            until: now.plus(HOLD),
        };
        let row = self.ports.metadata.perform(&cx, act).await?;
        turn.hold = Some(row.revision + 1);
        turn.touched_at = row.touched_at;
        let reserved = row.reserved_bytes;
        let taking_up = async {
            let mut kept = turn.session.take();
            if let Some(session) = kept.take_if(|session| session.revision == row.revision)
                && let Some(session) = session.open().await
            {
                return Ok(session);
            }
            // A server that did not say that it ended may still be writing.
            if row.holder.as_ref().is_some_and(|other| **other != **holder) {
                self.ports.store.detach(&id, &self.fresh_id()).await.map_err(upload_fault)?;
            }
            // Others have held it since: of what they added the hash is not known here, of what came before it is.
            if let Some(session) = kept
                && let Some(session) = session.catch_up().await
            {
                return Ok(session);
            }
            self.resume(&cx, &id, row).await.map(Box::new)
        };
        let session = self.holding(&cx, &id, turn.hold, taking_up).await?;
        session.reserved.store(reserved, Relaxed);
        turn.session = Some(session);
        Ok(())
    }

    /// Takes an upload up again that this process has not at hand.
    async fn resume(&self, cx: &Cx, id: &UploadId, row: UploadRow) -> Result<Session, Fault> {
        let algorithm = if row.algorithm == "sha512" { Algorithm::Sha512 } else { Algorithm::Sha256 };
        let (store, algorithm) = (&self.ports.store, store_algorithm(algorithm));
        let resumed = match &row.sealed {
            Some((domain, wrapped)) => {
                let data_key = self.ports.unwrap_of_upload(cx, id.as_str(), (domain, wrapped)).await?;
                store.resume_sealed(id, algorithm, data_key).await
            }
            None => store.resume(id, algorithm).await,
        };
        let upload = match resumed {
            Ok(upload) => upload,
            Err(error) if error.is_missing() => return Err(upload_not_found(id).because(error)),
            Err(error) => return Err(store_fault(error)),
        };
        let (repository, opened_by, touched_at) = (row.repository, row.opened_by.into(), row.touched_at);
        let reserved = Arc::new(row.reserved_bytes.into());
        Ok(Session { upload, repository, opened_by, touched_at, revision: row.revision, reserved })
    }
}

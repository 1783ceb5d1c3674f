use super::{upload_busy, upload_not_found};
use crate::{
    quotas::{self, Adds, Blob},
    repositories,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Locks, Reader, Trail, Tx, quotas as quota_rows, repositories as repository_rows,
    uploads::{self, UploadRow},
};
use gantry_words::{AccountId, RepositoryName, Timestamp};
use std::sync::Arc;

/// The act that opens an upload.
pub(super) struct OpenUpload {
    pub(super) account: AccountId,
    pub(super) id: String,
    pub(super) repository: i64,
    pub(super) name: RepositoryName,
    pub(super) algorithm: &'static str,
    pub(super) actor: Arc<str>,
    /// Its encryption, and its data key wrapped; `None` where it is plain.
    pub(super) sealed: Option<(String, Vec<u8>)>,
}

impl Act for OpenUpload {
    type Seen = (bool, Vec<quota_rows::QuotaRow>);
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "registry.open_upload";
    const TRAIL: Trail = Trail::Housekeeping;
    const LOCKS: Locks = Locks::Unlocked("an upload to a repository that goes at this moment expires like any other");

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        let Some(repository) = repository_rows::by_id(rows, self.repository)? else { return Ok((false, vec![])) };
        Ok((true, quotas::gather(rows, &repository, Blob::UNKNOWN)?))
    }

    fn decide(&self, (repository_exists, quotas): Self::Seen, now: Timestamp) -> Result<Timestamp, Fault> {
        if !repository_exists {
            return Err(repositories::not_found(&self.name, self.account));
        }
        // How much comes is not known yet; where there is no room for a byte, none need be sent.
        quotas::decide(&quotas, Adds { bytes: 1, ..Adds::default() })?;
        Ok(now)
    }

    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        let sealed = self.sealed.as_ref().map(|(domain, data_key)| (domain.as_str(), data_key.as_slice()));
        uploads::insert(tx, (&self.id, self.repository), self.algorithm, &self.actor, now, sealed)
    }
}

/// Of the room that quotas have left, one upload is given this part ahead of its bytes: others that come at once need some too.
const AHEAD_SHARE: u64 = 16;

/// The act that has quotas keep room for the bytes of an upload. Answers for how many they do.
pub(super) struct ReserveUpload {
    pub(super) id: String,
    /// For how many they must, those that have come included.
    pub(super) bytes: u64,
    /// For how many more they may, where there is plenty of room.
    pub(super) ahead: u64,
}

/// What is kept for an upload.
pub(super) struct Reservation {
    bytes: u64,
    /// Whether its row says otherwise until now.
    is_new: bool,
}

impl Act for ReserveUpload {
    /// The upload, and the quotas that mean its repository.
    type Seen = Option<(UploadRow, Vec<quota_rows::QuotaRow>)>;
    type Plan = Reservation;
    type Answer = u64;
    const NAME: &'static str = "registry.reserve_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("upload {}", self.id))?;
        let Some(upload) = uploads::find(rows, &self.id)? else { return Ok(None) };
        let Some(repository) = repository_rows::by_id(rows, upload.repository)? else { return Ok(None) };
        Ok(Some((upload, quotas::gather(rows, &repository, Blob::UNKNOWN)?)))
    }

    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<Reservation, Fault> {
        // Without its upload the request fails by itself, later.
        let Some((upload, quotas)) = seen else { return Ok(Reservation { bytes: self.bytes, is_new: false }) };
        let adds = Adds { bytes: self.bytes.saturating_sub(upload.reserved_bytes), ..Adds::default() };
        quotas::decide(&quotas, adds)?;
        let ahead = self.ahead.min(quotas::room(&quotas, adds) / AHEAD_SHARE);
        let bytes = self.bytes.saturating_add(ahead);
        Ok(Reservation { bytes, is_new: upload.reserved_bytes != bytes && !quotas.is_empty() })
    }

    fn apply(&self, tx: &mut Tx, plan: Reservation) -> Result<u64, Fault> {
        if plan.is_new {
            uploads::reserve(tx, &self.id, plan.bytes)?;
        }
        Ok(plan.bytes)
    }
}

/// The act that notes that bytes came.
pub(super) struct TouchUpload {
    pub(super) id: String,
    pub(super) now: Timestamp,
}

impl Act for TouchUpload {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.touch_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        uploads::touch(tx, &self.id, self.now)
    }
}

/// The act that ends an upload.
pub(super) struct CloseUpload {
    pub(super) id: String,
}

impl Act for CloseUpload {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.close_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        uploads::delete(tx, &self.id)
    }
}

/// The act that gives an upload up which got no new byte since `until`, unless a server writes to it. Answers whether it did.
pub(crate) struct ExpireUpload {
    pub(crate) id: String,
    pub(crate) until: Timestamp,
    /// The moment it is: a hold that has run out by then does not count.
    pub(crate) now: Timestamp,
}

impl Act for ExpireUpload {
    type Seen = Option<UploadRow>;
    type Plan = bool;
    type Answer = bool;
    const NAME: &'static str = "registry.expire_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("upload {}", self.id))?;
        uploads::find(rows, &self.id)
    }
    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<bool, Fault> {
        Ok(seen.is_some_and(|row| row.touched_at <= self.until && !row.is_held(self.now)))
    }
    fn apply(&self, tx: &mut Tx, expires: bool) -> Result<bool, Fault> {
        if expires {
            uploads::delete(tx, &self.id)?;
        }
        Ok(expires)
    }
}

/// The act by which a server takes hold of an upload that others could write to as well. Answers with the row as it was
/// before.
pub(crate) struct HoldUpload {
    pub(crate) id: gantry_store::UploadId,
    pub(crate) repository: i64,
    pub(crate) actor: Arc<str>,
    pub(crate) holder: Arc<str>,
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
}

impl Act for HoldUpload {
    type Seen = Option<UploadRow>;
    type Plan = UploadRow;
    type Answer = UploadRow;
    const NAME: &'static str = "registry.hold_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("upload {}", self.id))?;
        uploads::find(rows, self.id.as_str())
    }
    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<UploadRow, Fault> {
        let is_ours = |row: &UploadRow| row.repository == self.repository && *row.opened_by == *self.actor;
        match seen.filter(is_ours) {
            None => Err(upload_not_found(&self.id)),
            // One that this server holds belongs to a request that was given up: there is no other here.
            Some(row) if row.is_held(self.now) && row.holder.as_deref() != Some(&*self.holder) => Err(upload_busy()),
            Some(row) => Ok(row),
        }
    }
    fn apply(&self, tx: &mut Tx, row: UploadRow) -> Result<UploadRow, Fault> {
        uploads::hold(tx, self.id.as_str(), &self.holder, self.until)?;
        Ok(row)
    }
}

/// The act that prolongs a hold. Answers false where another server has taken the upload over, or it is gone.
pub(super) struct RenewUpload {
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) until: Timestamp,
}

impl Act for RenewUpload {
    type Seen = Option<UploadRow>;
    type Plan = bool;
    type Answer = bool;
    const NAME: &'static str = "registry.renew_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("upload {}", self.id))?;
        uploads::find(rows, &self.id)
    }
    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<bool, Fault> {
        Ok(seen.is_some_and(|row| row.revision == self.revision))
    }
    fn apply(&self, tx: &mut Tx, is_ours: bool) -> Result<bool, Fault> {
        if is_ours {
            uploads::renew(tx, &self.id, self.revision, self.until)?;
        }
        Ok(is_ours)
    }
}

/// The act that ends a hold, and notes that bytes came. Answers false where another server has taken the upload over
/// meanwhile, or it is gone.
pub(super) struct ReleaseUpload {
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) now: Timestamp,
}

impl Act for ReleaseUpload {
    type Seen = Option<UploadRow>;
    type Plan = bool;
    type Answer = bool;
    const NAME: &'static str = "registry.release_upload";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("upload {}", self.id))?;
        uploads::find(rows, &self.id)
    }
    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<bool, Fault> {
        Ok(seen.is_some_and(|row| row.revision == self.revision))
    }
    fn apply(&self, tx: &mut Tx, is_ours: bool) -> Result<bool, Fault> {
        if is_ours {
            uploads::release(tx, &self.id, self.revision, self.now)?;
        }
        Ok(is_ours)
    }
}

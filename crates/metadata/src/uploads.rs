//! Every statement on `upload`.

use crate::{Change, Query, Reader, Row, Tx, change, query, quotas, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// An open upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Its name in the store and in addresses.
    pub id: String,
    /// The repository it is for.
    pub repository: i64,
    /// The hash that is kept while bytes arrive.
    pub algorithm: String,
    /// Who opened it.
    pub opened_by: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// About when its last byte came: written at most once a minute.
    pub touched_at: Timestamp,
    /// Which server writes to it, or did and never said that it ended. Only where several share the database.
    pub holder: Option<String>,
    /// Until when that is believed.
    pub held_until: Option<Timestamp>,
    /// The number of the last hold: it grows with each.
    pub revision: i64,
    /// Under which key its bytes are encrypted, and their own key wrapped under that; `None` where they are plain.
    pub sealed: Option<(String, Vec<u8>)>,
    /// How many bytes quotas keep for it, those that have come included.
    pub reserved_bytes: u64,
}

impl UploadRow {
    /// Whether a server writes to it, as far as others can know at `now`.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }
}

static FIND: Query = query(
    "SELECT id, repository, algorithm, opened_by, opened_at, touched_at, holder, held_until, revision, encryption_key,
         data_key, reserved_bytes FROM upload WHERE id = $1",
);
static EXPIRED: Query = query(
    "SELECT id, repository, algorithm, opened_by, opened_at, touched_at, holder, held_until, revision, encryption_key,
         data_key, reserved_bytes FROM upload
     WHERE touched_at <= $1 AND id > $2 ORDER BY id LIMIT $3",
);
static EACH: Query = query(
    "SELECT id, repository, algorithm, opened_by, opened_at, touched_at, holder, held_until, revision, encryption_key,
         data_key, reserved_bytes FROM upload
     WHERE id > $1 ORDER BY id LIMIT $2",
);
static HOLD: Change = change("UPDATE upload SET holder = $2, held_until = $3, revision = revision + 1 WHERE id = $1");
static RENEW: Change = change("UPDATE upload SET held_until = $3 WHERE id = $1 AND revision = $2");
static RELEASE: Change =
    change("UPDATE upload SET holder = NULL, held_until = NULL, touched_at = $3 WHERE id = $1 AND revision = $2");
static INSERT: Change = change(
    "INSERT INTO upload(id, repository, algorithm, opened_by, opened_at, touched_at, encryption_key, data_key)
     VALUES ($1, $2, $3, $4, $5, $5, $6, $7)",
);
static RESERVE: Change = change("UPDATE upload SET reserved_bytes = $2 WHERE id = $1");
static TOUCH: Change = change("UPDATE upload SET touched_at = $2 WHERE id = $1");
static DELETE: Change = change("DELETE FROM upload WHERE id = $1");

fn row(row: Row) -> Result<UploadRow, Fault> {
    Ok(UploadRow {
        id: row.text(0)?.into(),
        repository: row.int(1)?,
        algorithm: row.text(2)?.into(),
        opened_by: row.text(3)?.into(),
        opened_at: row.time(4)?,
        touched_at: row.time(5)?,
        holder: row.opt_text(6)?.map(str::to_string),
        held_until: row.opt_int(7)?.map(Timestamp::from_millis),
        revision: row.int(8)?,
        sealed: match row.text(9)? {
            "" => None,
            domain => Some((domain.into(), row.bytes(10)?.to_vec())),
        },
        reserved_bytes: row.count(11)?,
    })
}

/// Looks an upload up.
pub fn find(rows: &mut Reader, id: &str) -> Result<Option<UploadRow>, Fault> {
    rows.one(&FIND, values![id])?.map(row).transpose()
}

/// Returns up to `count` uploads after `after` that were last touched at `until` or before.
pub fn expired(rows: &mut Reader, until: Timestamp, after: &str, count: usize) -> Result<Vec<UploadRow>, Fault> {
    rows.all(&EXPIRED, values![until, after, count as i64])?.into_iter().map(row).collect()
}

/// Returns up to `count` uploads after `after`: for repair, which walks.
pub fn each(rows: &mut Reader, after: &str, count: usize) -> Result<Vec<UploadRow>, Fault> {
    rows.all(&EACH, values![after, count as i64])?.into_iter().map(row).collect()
}

/// Writes a new upload; `sealed` is its encryption and its wrapped key.
pub fn insert(
    tx: &mut Tx,
    (id, repository): (&str, i64),
    algorithm: &str,
    by: &str,
    at: Timestamp,
    sealed: Option<(&str, &[u8])>,
) -> Result<(), Fault> {
    let (domain, data_key) = sealed.map_or(("", None), |(domain, data_key)| (domain, Some(data_key)));
    tx.write(&INSERT, values![id, repository, algorithm, by, at, domain, data_key])
}

/// Has the quotas of its repository keep so many bytes for an upload, instead of what they kept before.
pub fn reserve(tx: &mut Tx, id: &str, bytes: u64) -> Result<(), Fault> {
    quotas::reserve(tx, id, bytes)?;
    tx.write(&RESERVE, values![id, bytes])
}

/// Notes that bytes came.
pub fn touch(tx: &mut Tx, id: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&TOUCH, values![id, at])
}

/// Gives an upload to a server, and raises its revision.
pub fn hold(tx: &mut Tx, id: &str, holder: &str, until: Timestamp) -> Result<(), Fault> {
    tx.write(&HOLD, values![id, holder, until])
}

/// Prolongs the hold of a revision, if it is still the last.
pub fn renew(tx: &mut Tx, id: &str, revision: i64, until: Timestamp) -> Result<(), Fault> {
    tx.write(&RENEW, values![id, revision, until])
}

/// Ends the hold of a revision, if it is still the last, and notes that bytes came.
pub fn release(tx: &mut Tx, id: &str, revision: i64, at: Timestamp) -> Result<(), Fault> {
    tx.write(&RELEASE, values![id, revision, at])
}

/// Removes an upload: it is finished, or given up. What quotas kept for it is free.
pub fn delete(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    quotas::give_back(tx, id)?;
    delete_unreserved(tx, id)
}

/// Removes an upload for which quotas keep nothing.
pub fn delete_unreserved(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    tx.write(&DELETE, values![id])
}

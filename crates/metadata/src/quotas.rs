//! Every statement on `quota`, `quota_repository` and `quota_blob`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};

/// How the bytes of a quota are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Measure {
    /// What several of its repositories hold counts in each.
    #[default]
    Logical,
    /// What several of its repositories hold counts once, as it is stored once.
    Physical,
}

impl Measure {
    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Logical => "logical",
            Measure::Physical => "physical",
        }
    }
}

/// How much repositories may hold together. What is `None` has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits {
    /// How bytes are counted.
    pub measure: Measure,
    /// Bytes beyond which nothing is taken.
    pub bytes_hard: Option<u64>,
    /// Bytes beyond which is told of it.
    pub bytes_soft: Option<u64>,
    /// Images beyond which nothing is taken.
    pub images_hard: Option<u64>,
    /// Images beyond which is told of it.
    pub images_soft: Option<u64>,
}

/// A quota as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaRow {
    /// Its number.
    pub id: i64,
    /// `*`, `team/*` or `team/app`.
    pub scope: String,
    /// What it allows.
    pub limits: QuotaLimits,
    /// Bytes that its repositories link, by its measure.
    pub used_bytes: u64,
    /// Their images.
    pub used_images: u64,
    /// Bytes that it keeps for open uploads to them, those that have come included.
    pub reserved_bytes: u64,
    /// Whether it counts the blob already that was asked about, so that one more link of it needs no room.
    pub holds_blob: bool,
    /// By how many logical bytes its repositories grow in a day together, where that was asked for, and that of one is known.
    pub growth_bytes_per_day: Option<i64>,
    /// When it was last set.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
}

/// Which quota.
#[derive(Clone, Copy, Debug)]
pub struct QuotaOf<'a> {
    /// Of which account.
    pub account: AccountId,
    /// In which region.
    pub region: &'a Region,
    /// `*`, `team/*` or `team/app`.
    pub scope: &'a str,
}

static OF_REPOSITORY: Query = query("SELECT quota FROM quota_repository WHERE repository = $1 ORDER BY quota");
static STANDING: Query = query(
    "SELECT q.id, q.scope, q.measure, q.bytes_hard, q.bytes_soft, q.images_hard, q.images_soft, q.used_bytes, q.used_images,
         q.reserved_bytes, q.changed_at, q.changed_by, CASE WHEN EXISTS (SELECT 1 FROM quota_blob AS b
             WHERE b.quota = q.id AND b.digest = $2 AND b.domain = $3) THEN 1 ELSE 0 END,
         CAST(NULL AS BIGINT)
     FROM quota AS q WHERE q.id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j) ORDER BY q.id",
);
static LIST: Query = query(
    "SELECT id, scope, measure, bytes_hard, bytes_soft, images_hard, images_soft, used_bytes, used_images, reserved_bytes,
         changed_at, changed_by, 0, (SELECT CAST(sum(r.growth_bytes_per_day) AS BIGINT)
             FROM quota_repository AS m JOIN repository AS r ON r.id = m.repository WHERE m.quota = quota.id)
     FROM quota WHERE account = $1 AND region = $2 ORDER BY id LIMIT $3",
);
static FULLEST: Query = query(
    "SELECT id, scope, measure, bytes_hard, bytes_soft, images_hard, images_soft, used_bytes, used_images, reserved_bytes,
         changed_at, changed_by, 0, CAST(NULL AS BIGINT), account
     FROM (SELECT q.*,
             COALESCE(q.used_bytes * 1.0 / NULLIF(COALESCE(q.bytes_hard, q.bytes_soft), 0), 0) AS bytes_share,
             COALESCE(q.used_images * 1.0 / NULLIF(COALESCE(q.images_hard, q.images_soft), 0), 0) AS images_share
         FROM quota AS q WHERE q.region = $1) AS s
     ORDER BY CASE WHEN bytes_share > images_share THEN bytes_share ELSE images_share END DESC, id LIMIT $2",
);
static COUNT: Query = query("SELECT count(*) FROM quota WHERE account = $1 AND region = $2");
static FIND: Query = query("SELECT id, measure FROM quota WHERE account = $1 AND region = $2 AND scope = $3");
static INSERT: Change = change(
    "INSERT INTO quota(id, account, region, scope, measure, bytes_hard, bytes_soft, images_hard, images_soft, used_bytes,
         used_images, reserved_bytes, changed_at, changed_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, $10, $11)",
);
static SET_LIMITS: Change = change(
    "UPDATE quota SET measure = $2, bytes_hard = $3, bytes_soft = $4, images_hard = $5, images_soft = $6, changed_at = $7,
         changed_by = $8
     WHERE id = $1",
);
// Whoever changes the counts of one of them at this moment waits behind it, on PostgreSQL, and knows the quota then.
static COUNT_IN: Change = change(
    "UPDATE repository SET quota_count = quota_count + 1 WHERE account = $1 AND region = $2 AND name >= $3 AND name < $4",
);
static TAKE_IN: Change = change(
    "INSERT INTO quota_repository(repository, quota)
     SELECT id, CAST($1 AS BIGINT) FROM repository WHERE account = $2 AND region = $3 AND name >= $4 AND name < $5",
);
static HOLD_ALL: Change = change(
    "UPDATE repository SET revision = revision WHERE id IN (SELECT repository FROM quota_repository WHERE quota = $1)",
);
static DELETE_BLOBS: Change = change("DELETE FROM quota_blob WHERE quota = $1");
static TAKE_BLOBS_IN: Change = change(
    "INSERT INTO quota_blob(quota, digest, domain, size, link_count)
     SELECT q.id, l.digest, c.encryption_key, min(l.size), count(*)
     FROM quota AS q JOIN quota_repository AS m ON m.quota = q.id JOIN blob_link AS l ON l.repository = m.repository
         JOIN blob_copy AS c ON c.id = l.copy
     WHERE q.id = $1 AND q.measure = 'physical' GROUP BY q.id, l.digest, c.encryption_key",
);
static SUM_UP: Change = change(
    "UPDATE quota SET
         used_bytes = CASE WHEN measure = 'physical'
             THEN (SELECT CAST(COALESCE(sum(b.size), 0) AS BIGINT) FROM quota_blob AS b WHERE b.quota = $1)
             ELSE (SELECT CAST(COALESCE(sum(r.blob_bytes), 0) AS BIGINT)
                 FROM quota_repository AS m JOIN repository AS r ON r.id = m.repository WHERE m.quota = $1) END,
         used_images = (SELECT CAST(COALESCE(sum(r.image_count), 0) AS BIGINT)
             FROM quota_repository AS m JOIN repository AS r ON r.id = m.repository WHERE m.quota = $1),
         reserved_bytes = (SELECT CAST(COALESCE(sum(u.reserved_bytes), 0) AS BIGINT)
             FROM quota_repository AS m JOIN upload AS u ON u.repository = m.repository WHERE m.quota = $1)
     WHERE id = $1",
);
static JOIN: Change = change(
    "INSERT INTO quota_repository(repository, quota)
     SELECT CAST($1 AS BIGINT), id FROM quota
     WHERE account = $2 AND region = $3 AND scope IN (SELECT j.value ->> 0 FROM json_each($4) AS j)",
);
static COUNT_JOINED: Change = change(
    "UPDATE repository SET quota_count = (SELECT count(*) FROM quota_repository AS m WHERE m.repository = $1)
     WHERE id = $1 RETURNING quota_count",
);
static UNLINK_ALL: Change = change(
    "UPDATE quota_blob SET link_count = link_count - 1
     WHERE (quota, digest, domain) IN (
         SELECT m.quota, l.digest, c.encryption_key
         FROM quota_repository AS m JOIN blob_link AS l ON l.repository = m.repository JOIN blob_copy AS c ON c.id = l.copy
         WHERE m.repository = $1)",
);
static GIVE_ALL_BACK: Change = change(
    "UPDATE quota SET
         used_bytes = used_bytes - CASE WHEN measure = 'physical'
             THEN (SELECT CAST(COALESCE(sum(b.size), 0) AS BIGINT) FROM quota_blob AS b
                 WHERE b.quota = quota.id AND b.link_count = 0)
             ELSE (SELECT COALESCE(max(r.blob_bytes), 0) FROM repository AS r WHERE r.id = $1) END,
         used_images = used_images - (SELECT COALESCE(max(r.image_count), 0) FROM repository AS r WHERE r.id = $1),
         reserved_bytes = reserved_bytes - (SELECT CAST(COALESCE(sum(u.reserved_bytes), 0) AS BIGINT)
             FROM upload AS u WHERE u.repository = $1)
     WHERE id IN (SELECT m.quota FROM quota_repository AS m WHERE m.repository = $1)",
);
static LEAVE: Change = change("DELETE FROM quota_repository WHERE repository = $1");
static COUNT_IMAGES: Change = change(
    "UPDATE quota SET used_images = used_images + $2
     WHERE id IN (SELECT m.quota FROM quota_repository AS m WHERE m.repository = $1)",
);
static LINK: Change = change(
    "INSERT INTO quota_blob(quota, digest, domain, size, link_count)
     SELECT m.quota, c.digest, c.encryption_key, c.size, 1
     FROM quota_repository AS m JOIN quota AS q ON q.id = m.quota CROSS JOIN blob_copy AS c
     WHERE m.repository = $1 AND q.measure = 'physical'
         AND c.id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($2) AS j)
     ON CONFLICT (quota, digest, domain) DO UPDATE SET link_count = quota_blob.link_count + 1",
);
static COUNT_LINKED: Change = change(
    "UPDATE quota SET used_bytes = used_bytes + CASE WHEN measure = 'physical'
         THEN (SELECT CAST(COALESCE(sum(b.size), 0) AS BIGINT) FROM blob_copy AS c CROSS JOIN quota_blob AS b
             WHERE c.id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($3) AS j)
                 AND b.quota = quota.id AND b.digest = c.digest AND b.domain = c.encryption_key AND b.link_count = 1)
         ELSE CAST($2 AS BIGINT) END
     WHERE id IN (SELECT m.quota FROM quota_repository AS m WHERE m.repository = $1)",
);
static UNLINK: Change = change(
    "UPDATE quota_blob SET link_count = link_count - 1
     WHERE (quota, digest, domain) IN (
         SELECT m.quota, c.digest, c.encryption_key FROM quota_repository AS m CROSS JOIN blob_copy AS c
         WHERE m.repository = $1 AND c.id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($2) AS j))",
);
static COUNT_UNLINKED: Change = change(
    "UPDATE quota SET used_bytes = used_bytes - CASE WHEN measure = 'physical'
         THEN (SELECT CAST(COALESCE(sum(b.size), 0) AS BIGINT) FROM quota_blob AS b
             WHERE b.quota = quota.id AND b.link_count = 0)
         ELSE CAST($2 AS BIGINT) END
     WHERE id IN (SELECT m.quota FROM quota_repository AS m WHERE m.repository = $1)",
);
static FORGET_UNLINKED: Change = change(
    "DELETE FROM quota_blob
     WHERE link_count = 0 AND quota IN (SELECT m.quota FROM quota_repository AS m WHERE m.repository = $1)",
);
// As COUNT_IN: a quota that is made at this moment knows what is kept for the upload, or that nothing is.
static HOLD_OF_UPLOAD: Change = change(
    "UPDATE repository SET revision = revision WHERE id = (SELECT u.repository FROM upload AS u WHERE u.id = $1)",
);
static COUNT_RESERVED: Change = change(
    "UPDATE quota SET reserved_bytes = reserved_bytes + $2 - (SELECT u.reserved_bytes FROM upload AS u WHERE u.id = $1)
     WHERE id IN (SELECT m.quota FROM upload AS u JOIN quota_repository AS m ON m.repository = u.repository WHERE u.id = $1)",
);
static HOLD_OF_RESERVED: Change = change(
    "UPDATE repository SET revision = revision
     WHERE id = (SELECT u.repository FROM upload AS u WHERE u.id = $1 AND u.reserved_bytes > 0)",
);
static GIVE_BACK: Change = change(
    "UPDATE quota SET reserved_bytes = reserved_bytes - (SELECT u.reserved_bytes FROM upload AS u WHERE u.id = $1)
     WHERE id IN (SELECT m.quota FROM upload AS u JOIN quota_repository AS m ON m.repository = u.repository
         WHERE u.id = $1 AND u.reserved_bytes > 0)",
);
static COUNT_OUT: Change = change(
    "UPDATE repository SET quota_count = quota_count - 1
     WHERE id IN (SELECT repository FROM quota_repository WHERE quota = $1)",
);
static DELETE_MEMBERS: Change = change("DELETE FROM quota_repository WHERE quota = $1");
static DELETE: Change = change("DELETE FROM quota WHERE id = $1");

fn quota(row: &Row) -> Result<QuotaRow, Fault> {
    let limit = |column| Ok::<_, Fault>(row.opt_int(column)?.and_then(|limit| u64::try_from(limit).ok()));
    Ok(QuotaRow {
        id: row.int(0)?,
        scope: row.text(1)?.into(),
        limits: QuotaLimits {
            measure: measure(row.text(2)?),
            bytes_hard: limit(3)?,
            bytes_soft: limit(4)?,
            images_hard: limit(5)?,
            images_soft: limit(6)?,
        },
        used_bytes: row.count(7)?,
        used_images: row.count(8)?,
        reserved_bytes: row.count(9)?,
        changed_at: row.time(10)?,
        changed_by: row.text(11)?.into(),
        holds_blob: row.int(12)? == 1,
        growth_bytes_per_day: row.opt_int(13)?,
    })
}

fn measure(text: &str) -> Measure {
    if text == Measure::Physical.as_str() { Measure::Physical } else { Measure::Logical }
}

/// Locks the quotas that a repository is under, and returns them, in the order of their numbers. `blob` is the one that they are asked
/// about: its digest and its encryption.
pub fn of_repository(
    rows: &mut Reader,
    repository: i64,
    (digest, domain): (&str, &str),
) -> Result<Vec<QuotaRow>, Fault> {
    let found = rows.all(&OF_REPOSITORY, values![repository])?;
    let ids = found.iter().map(|row| row.int(0)).collect::<Result<Vec<i64>, Fault>>()?;
    if ids.is_empty() {
        return Ok(vec![]);
    }
    for id in &ids {
        rows.lock(&lock_of(*id))?;
    }
    rows.all(&STANDING, values![column(ids), digest, domain])?.iter().map(quota).collect()
}

/// What is locked by whoever decides by a quota.
pub fn lock_of(id: i64) -> String {
    format!("quota {id}")
}

/// Returns how many quotas an account has in a region.
pub fn count(rows: &mut Reader, account: AccountId, region: &Region) -> Result<u64, Fault> {
    rows.one(&COUNT, values![account, region])?.map_or(Ok(0), |row| row.count(0))
}

/// Returns up to `count` quotas of an account in a region, in the order of their numbers.
pub fn list(rows: &mut Reader, account: AccountId, region: &Region, count: usize) -> Result<Vec<QuotaRow>, Fault> {
    rows.all(&LIST, values![account, region, count])?.iter().map(quota).collect()
}

/// Returns up to `count` quotas of all accounts, each with its account, those first that are nearest to a limit.
pub fn fullest(rows: &mut Reader, region: &Region, count: usize) -> Result<Vec<(String, QuotaRow)>, Fault> {
    let read = |row: &Row| Ok((row.text(14)?.to_string(), quota(row)?));
    rows.all(&FULLEST, values![region, count])?.iter().map(read).collect()
}

/// Returns the number of a quota, and how its bytes are counted.
pub fn find(rows: &mut Reader, of: QuotaOf<'_>) -> Result<Option<(i64, Measure)>, Fault> {
    let found = rows.one(&FIND, values![of.account, of.region, of.scope])?;
    found.map(|row| Ok((row.int(0)?, measure(row.text(1)?)))).transpose()
}

/// Writes a new quota, for the repositories whose names are `first` or come after it, and before `end`. Where its bytes are counted once,
/// it looks at every link of theirs.
pub fn insert(
    tx: &mut Tx,
    id: i64,
    of: QuotaOf<'_>,
    (first, end): (&str, &str),
    limits: QuotaLimits,
    (at, by): (Timestamp, &str),
) -> Result<(), Fault> {
    let QuotaOf { account, region, scope } = of;
    let QuotaLimits { measure, bytes_hard, bytes_soft, images_hard, images_soft } = limits;
    let limits = values![bytes_hard, bytes_soft, images_hard, images_soft];
    let values = values![id, account, region, scope, measure.as_str()].into_iter().chain(limits).chain(values![at, by]);
    tx.write(&INSERT, values.collect())?;
    tx.write(&COUNT_IN, values![account, region, first, end])?;
    tx.write(&TAKE_IN, values![id, account, region, first, end])?;
    tx.write(&TAKE_BLOBS_IN, values![id])?;
    tx.write(&SUM_UP, values![id])
}

/// Counts again what is used of a quota: because its measure has changed, or for repair.
pub fn recount(tx: &mut Tx, id: i64) -> Result<(), Fault> {
    for statement in [&HOLD_ALL, &DELETE_BLOBS, &TAKE_BLOBS_IN, &SUM_UP] {
        tx.write(statement, values![id])?;
    }
    Ok(())
}

/// Sets what a quota allows. Where the measure is another than before, [`recount`] comes next.
pub fn set_limits(tx: &mut Tx, id: i64, limits: QuotaLimits, (at, by): (Timestamp, &str)) -> Result<(), Fault> {
    let QuotaLimits { measure, bytes_hard, bytes_soft, images_hard, images_soft } = limits;
    tx.write(&SET_LIMITS, values![id, measure.as_str(), bytes_hard, bytes_soft, images_hard, images_soft, at, by])
}

/// Puts a new, empty repository under the quotas of these scopes. Returns how many there are.
pub fn join<'a>(
    tx: &mut Tx,
    repository: i64,
    (account, region): (AccountId, &Region),
    scopes: impl IntoIterator<Item = &'a str>,
) -> Result<i64, Fault> {
    tx.write(&JOIN, values![repository, account, region, column(scopes)])?;
    tx.returning(&COUNT_JOINED, values![repository])?.map_or(Ok(0), |row| row.int(0))
}

/// Takes a repository, which goes after this, out of all quotas, with the uploads to it.
pub(crate) fn leave(tx: &mut Tx, repository: i64) -> Result<(), Fault> {
    for statement in [&UNLINK_ALL, &GIVE_ALL_BACK, &FORGET_UNLINKED, &LEAVE] {
        tx.write(statement, values![repository])?;
    }
    Ok(())
}

/// Adds to the images of the quotas of a repository.
pub(crate) fn count_images(tx: &mut Tx, repository: i64, images: i64) -> Result<(), Fault> {
    tx.write(&COUNT_IMAGES, values![repository, images])
}

/// Counts new links of a repository to these copies, of so many bytes together. It comes after
/// [`repositories::count`](crate::repositories::count): who makes a quota waits behind that, and knows them all or none.
pub fn count_linked(
    tx: &mut Tx,
    repository: i64,
    bytes: i64,
    copies: impl IntoIterator<Item = i64>,
) -> Result<(), Fault> {
    let copies = column(copies);
    tx.write(&LINK, values![repository, copies.as_str()])?;
    tx.write(&COUNT_LINKED, values![repository, bytes, copies])
}

/// Counts links of a repository to these copies that are gone, of so many bytes together; after
/// [`repositories::count`](crate::repositories::count), and before the rows of the copies go.
pub fn count_unlinked(
    tx: &mut Tx,
    repository: i64,
    bytes: i64,
    copies: impl IntoIterator<Item = i64>,
) -> Result<(), Fault> {
    tx.write(&UNLINK, values![repository, column(copies)])?;
    tx.write(&COUNT_UNLINKED, values![repository, bytes])?;
    tx.write(&FORGET_UNLINKED, values![repository])
}

/// Has quotas keep so many bytes for an upload, before its row says so.
pub(crate) fn reserve(tx: &mut Tx, upload: &str, bytes: u64) -> Result<(), Fault> {
    tx.write(&HOLD_OF_UPLOAD, values![upload])?;
    tx.write(&COUNT_RESERVED, values![upload, bytes])
}

/// Has quotas keep nothing any more for an upload, before its row goes.
pub(crate) fn give_back(tx: &mut Tx, upload: &str) -> Result<(), Fault> {
    tx.write(&HOLD_OF_RESERVED, values![upload])?;
    tx.write(&GIVE_BACK, values![upload])
}

/// Removes a quota.
pub fn remove(tx: &mut Tx, id: i64) -> Result<(), Fault> {
    for statement in [&COUNT_OUT, &DELETE_MEMBERS, &DELETE_BLOBS, &DELETE] {
        tx.write(statement, values![id])?;
    }
    Ok(())
}

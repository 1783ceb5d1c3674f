//! Every statement on `image_scan` and `layer_content`: what is to be scanned, and what was found in layers and images.

use crate::{Change, Query, Reader, Row, Tx, change, query, site_settings, value::column, values};
use bytes::Bytes;
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};

const CONFIGURATIONS: &str = "scanning-configurations";

/// How a scan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanState {
    /// It was asked for.
    Pending,
    /// What the image holds is known.
    Complete,
    /// It could not be read.
    Failed,
    /// It is nothing that can be scanned.
    Unsupported,
}

impl ScanState {
    const ALL: [ScanState; 4] = [ScanState::Pending, ScanState::Complete, ScanState::Failed, ScanState::Unsupported];

    /// Its word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            ScanState::Pending => "pending",
            ScanState::Complete => "complete",
            ScanState::Failed => "failed",
            ScanState::Unsupported => "unsupported",
        }
    }

    fn parse(text: &str) -> Result<ScanState, Fault> {
        let found = ScanState::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Fault::internal(format!("a scan cannot be {text:?}")))
    }
}

/// A scan as it is stored, without what the image holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    /// How it stands.
    pub state: ScanState,
    /// Why it is so, where it failed or cannot be.
    pub reason: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it ended last; a scan that is asked for again keeps it until it ends.
    pub finished_at: Option<Timestamp>,
    /// Of the readers that did it last; 0 before the first end.
    pub revision: u32,
}

/// A scan that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRow {
    /// The repository's number.
    pub repository: i64,
    /// The image.
    pub digest: String,
    /// How often it was begun.
    pub attempts: u64,
}

/// An image for which a scan was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownScan {
    /// The repository's number.
    pub repository: i64,
    /// The image.
    pub digest: String,
    /// Whether it is still there.
    pub is_there: bool,
}

/// An image that can be pulled and was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// The repository's number.
    pub repository: i64,
    /// The image.
    pub digest: String,
    /// When its scan ended.
    pub finished_at: Timestamp,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Who pushed it.
    pub pushed_by: String,
}

/// An image that can be pulled, and what is known of its scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// The image.
    pub digest: String,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// Its scan; `None` where none was ever asked for.
    pub scan: Option<StoredScan>,
}

/// What is known of the scan of a stored image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredScan {
    /// How it stands.
    pub state: ScanState,
    /// Of the readers that did it last; 0 before the first end.
    pub revision: u32,
    /// When it ended last.
    pub finished_at: Option<Timestamp>,
}

/// How a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanEnd {
    /// How it stands now.
    pub state: ScanState,
    /// Why.
    pub reason: String,
    /// Of the readers.
    pub revision: u32,
    /// What the image holds, packed; empty where that is not known. Not looked at where it failed.
    pub inventory: Vec<u8>,
}

static FIND: Query = query(
    "SELECT state, reason, asked_at, finished_at, revision FROM image_scan WHERE repository = $1 AND digest = $2",
);
static INVENTORY: Query = query("SELECT inventory FROM image_scan WHERE repository = $1 AND digest = $2");
static SCANNED: Query = query(
    "SELECT state, reason, asked_at, finished_at, revision, digest FROM image_scan
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static DUE: Query = query(
    "SELECT repository, digest, attempts FROM image_scan WHERE state = 'pending' AND try_at <= $1
     ORDER BY try_at, repository, digest LIMIT $2",
);
static WAITING: Query = query("SELECT count(*) FROM image_scan WHERE state = 'pending'");
static NEWEST: Query = query(
    "SELECT r.id, r.account, r.name, s.digest, s.finished_at FROM repository AS r
     JOIN image_scan AS s ON s.repository = r.id AND s.digest = (
         SELECT i.digest FROM image_scan AS i JOIN manifest AS m ON m.repository = i.repository AND m.digest = i.digest
         WHERE i.repository = r.id AND i.finished_at IS NOT NULL AND i.state = 'complete' AND m.state = 'live'
         ORDER BY m.pushed_at DESC, m.digest LIMIT 1)
     WHERE r.region = $1 ORDER BY r.account, r.name LIMIT $2",
);
static ASK: Change = change(
    "INSERT INTO image_scan(repository, digest, state, reason, asked_at, attempts, try_at, revision, inventory)
     VALUES ($1, $2, 'pending', '', $3, 0, $3, 0, $4)
     ON CONFLICT (repository, digest) DO UPDATE SET state = 'pending', reason = '', asked_at = excluded.asked_at,
         attempts = 0, try_at = excluded.try_at WHERE image_scan.state <> 'pending'",
);
static ASK_ONCE: Change = change(
    "INSERT INTO image_scan(repository, digest, state, reason, asked_at, attempts, try_at, revision, inventory)
     SELECT $1, $2, 'pending', '', CAST($3 AS BIGINT), 0, CAST($3 AS BIGINT), 0, $4
     WHERE EXISTS (SELECT 1 FROM manifest WHERE repository = $1 AND digest = $2 AND state = 'live')
     ON CONFLICT (repository, digest) DO NOTHING",
);
static TAKE: Change = change(
    "UPDATE image_scan SET try_at = $4, attempts = attempts + 1
     WHERE repository = $1 AND digest = $2 AND state = 'pending' AND try_at <= $3 RETURNING attempts",
);
static END: Change = change(
    "UPDATE image_scan SET state = $3, reason = $4, finished_at = $5, revision = $6,
         inventory = CASE WHEN $3 = 'failed' THEN inventory ELSE $7 END
     WHERE repository = $1 AND digest = $2",
);
static RELEASE: Change = change("UPDATE image_scan SET try_at = $1 WHERE state = 'pending' AND try_at > $1");
static LAYER: Query = query("SELECT content FROM layer_content WHERE digest = $1 AND revision = $2");
static KNOWS_LAYER: Query = query("SELECT count(*) FROM layer_content WHERE digest = $1 AND revision = $2");
static PUT_LAYER: Change = change(
    "INSERT INTO layer_content(digest, revision, content, path_filter) VALUES ($1, $2, $3, $4)
     ON CONFLICT (digest) DO UPDATE SET revision = excluded.revision, content = excluded.content,
         path_filter = excluded.path_filter",
);
static PATH_FILTERS: Query = query(
    "SELECT digest, path_filter FROM layer_content
     WHERE path_filter IS NOT NULL AND digest IN (SELECT j.value ->> 0 FROM json_each($1) AS j)",
);
static CONTENTS: Query =
    query("SELECT digest, content FROM layer_content WHERE digest IN (SELECT j.value ->> 0 FROM json_each($1) AS j)");
static LAYERS_AFTER: Query = query(
    "SELECT c.digest, (SELECT count(*) FROM (SELECT 1 FROM blob_link AS l WHERE l.digest = c.digest LIMIT 1) AS one)
     FROM layer_content AS c WHERE c.digest > $1 ORDER BY c.digest LIMIT $2",
);
static FORGET_LAYER: Change =
    change("DELETE FROM layer_content WHERE digest = $1 AND NOT EXISTS (SELECT 1 FROM blob_link WHERE digest = $1)");
static SCANS_AFTER: Query = query(
    "SELECT s.repository, s.digest,
         (SELECT count(*) FROM manifest AS m WHERE m.repository = s.repository AND m.digest = s.digest)
     FROM image_scan AS s WHERE s.repository > $1 OR (s.repository = $1 AND s.digest > $2)
     ORDER BY s.repository, s.digest LIMIT $3",
);
static HELD_AFTER: Query = query(
    "SELECT s.repository, s.digest, s.finished_at, m.pushed_at, m.pushed_by
     FROM image_scan AS s JOIN manifest AS m ON m.repository = s.repository AND m.digest = s.digest
     WHERE s.finished_at IS NOT NULL AND m.state = 'live' AND m.storage_class = 'STANDARD'
         AND (s.repository > $1 OR (s.repository = $1 AND s.digest > $2))
     ORDER BY s.repository, s.digest LIMIT $3",
);
static STORED_BEFORE: Query = query(
    "SELECT m.digest, m.pushed_at, s.state, s.revision, s.finished_at
     FROM manifest AS m LEFT JOIN image_scan AS s ON s.repository = m.repository AND s.digest = m.digest
     WHERE m.repository = $1 AND m.state = 'live' AND m.storage_class = 'STANDARD'
         AND m.pushed_at <= $2 AND (m.pushed_at < $2 OR m.digest < $3)
     ORDER BY m.pushed_at DESC, m.digest DESC LIMIT $4",
);
static FORGET_SCAN: Change = change(
    "DELETE FROM image_scan WHERE repository = $1 AND digest = $2
     AND NOT EXISTS (SELECT 1 FROM manifest WHERE repository = $1 AND digest = $2)",
);

/// Returns the scan of an image.
pub fn find(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<ScanRow>, Fault> {
    rows.one(&FIND, values![repository, digest])?.as_ref().map(scan_row).transpose()
}

fn scan_row(row: &Row) -> Result<ScanRow, Fault> {
    Ok(ScanRow {
        state: ScanState::parse(row.text(0)?)?,
        reason: row.text(1)?.into(),
        asked_at: row.time(2)?,
        finished_at: row.opt_time(3)?,
        revision: revision(row.int(4)?)?,
    })
}

fn revision(number: i64) -> Result<u32, Fault> {
    u32::try_from(number).map_err(|_| Fault::internal(format!("{number} is no revision of readers")))
}

/// Returns the scans of those of these images for which one was ever asked, each with the image's digest.
pub fn of_images(rows: &mut Reader, repository: i64, digests: &[String]) -> Result<Vec<(String, ScanRow)>, Fault> {
    let found = rows.all(&SCANNED, values![repository, column(digests)])?;
    found.iter().map(|row| Ok((row.text(5)?.to_string(), scan_row(row)?))).collect()
}

/// Returns what an image holds, packed, as it was seen last; `None` where it was never read.
pub fn inventory(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<Bytes>, Fault> {
    let row = rows.one(&INVENTORY, values![repository, digest])?;
    let bytes = row.map(|mut row| row.take_bytes(0)).transpose()?;
    Ok(bytes.filter(|bytes| !bytes.is_empty()))
}

/// Returns up to `count` scans that may be taken at a time, those first that have waited longest.
pub fn due(rows: &mut Reader, at: Timestamp, count: usize) -> Result<Vec<DueRow>, Fault> {
    let due = |row: &Row| Ok(DueRow { repository: row.int(0)?, digest: row.text(1)?.into(), attempts: row.count(2)? });
    rows.all(&DUE, values![at, count])?.iter().map(due).collect()
}

/// The newest image of a repository that was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestScan {
    /// The repository's number.
    pub repository: i64,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// The image.
    pub digest: String,
    /// When its scan ended.
    pub finished_at: Timestamp,
}

/// Returns the newest scanned image of up to `count` repositories of all accounts, by account and name.
pub fn newest(rows: &mut Reader, region: &Region, count: usize) -> Result<Vec<NewestScan>, Fault> {
    let scan = |row: &Row| {
        Ok(NewestScan {
            repository: row.int(0)?,
            account: row.text(1)?.parse().map_err(Fault::internal)?,
            name: row.text(2)?.into(),
            digest: row.text(3)?.into(),
            finished_at: row.time(4)?,
        })
    };
    rows.all(&NEWEST, values![region.as_str(), count])?.iter().map(scan).collect()
}

/// Returns how many scans have not ended.
pub fn waiting(rows: &mut Reader) -> Result<u64, Fault> {
    rows.one(&WAITING, values![])?.map_or(Ok(0), |row| row.count(0))
}

/// Asks for a scan of an image, again where it has ended.
pub fn ask(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&ASK, values![repository, digest, at, &b""[..]])
}

/// Asks for a scan of an image that is there and was never scanned.
pub fn ask_once(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&ASK_ONCE, values![repository, digest, at, &b""[..]])
}

/// Takes a scan that is due; nobody else does before `until`. Says how often it was begun by now; `None` where another has
/// it.
pub fn take(tx: &mut Tx, due: &DueRow, at: Timestamp, until: Timestamp) -> Result<Option<u64>, Fault> {
    let row = tx.returning(&TAKE, values![due.repository, &due.digest, at, until])?;
    row.map(|row| row.count(0)).transpose()
}

/// Writes down how a scan ended. Where it failed, what was known of the image before goes on to be known: its digest says that it holds the
/// same, and nothing of it is gone.
pub fn end(tx: &mut Tx, repository: i64, digest: &str, end: &ScanEnd, at: Timestamp) -> Result<(), Fault> {
    let inventory = end.inventory.as_slice();
    let values = values![repository, digest, end.state.as_str(), &end.reason, at, end.revision, inventory];
    tx.write(&END, values)
}

/// Lets scans be taken again that somebody had begun. Only for who is alone with the database.
pub fn release(tx: &mut Tx, at: Timestamp) -> Result<(), Fault> {
    tx.write(&RELEASE, values![at])
}

/// Returns what a layer holds, packed, as the readers of a revision saw it.
pub fn layer(rows: &mut Reader, digest: &str, revision: u32) -> Result<Option<Bytes>, Fault> {
    rows.one(&LAYER, values![digest, revision])?.map(|mut row| row.take_bytes(0)).transpose()
}

/// Tells whether the readers of a revision have read a layer.
pub fn knows_layer(rows: &mut Reader, digest: &str, revision: u32) -> Result<bool, Fault> {
    rows.one(&KNOWS_LAYER, values![digest, revision])?.map_or(Ok(false), |row| row.bool(0))
}

/// Keeps what a layer holds, and by what it is known not to have a file; nothing where it has none that belongs to no package.
pub fn put_layer(
    tx: &mut Tx,
    digest: &str,
    revision: u32,
    content: &[u8],
    path_filter: Option<&[u8]>,
) -> Result<(), Fault> {
    tx.write(&PUT_LAYER, values![digest, revision, content, path_filter])
}

/// Returns by what those of these layers are known not to have a file that have any.
pub fn path_filters(rows: &mut Reader, digests: &[String]) -> Result<Vec<(String, Bytes)>, Fault> {
    by_digest(rows, &PATH_FILTERS, digests)
}

/// Returns what those of these layers hold that are known, packed, whichever readers saw it.
pub fn layer_contents(rows: &mut Reader, digests: &[String]) -> Result<Vec<(String, Bytes)>, Fault> {
    by_digest(rows, &CONTENTS, digests)
}

fn by_digest(rows: &mut Reader, query: &'static Query, digests: &[String]) -> Result<Vec<(String, Bytes)>, Fault> {
    let found = rows.all(query, values![column(digests)])?;
    found.into_iter().map(|mut row| Ok((row.text(0)?.to_string(), row.take_bytes(1)?))).collect()
}

/// Returns up to `count` layers after a digest, with whether any repository still has them.
pub fn layers_after(rows: &mut Reader, after: &str, count: usize) -> Result<Vec<(String, bool)>, Fault> {
    let layer = |row: &Row| Ok((row.text(0)?.into(), row.bool(1)?));
    rows.all(&LAYERS_AFTER, values![after, count])?.iter().map(layer).collect()
}

/// Forgets what a layer holds that no repository has.
pub fn forget_layer(tx: &mut Tx, digest: &str) -> Result<(), Fault> {
    tx.write(&FORGET_LAYER, values![digest])
}

/// Returns up to `count` scans after a repository and digest.
pub fn scans_after(rows: &mut Reader, after: (i64, &str), count: usize) -> Result<Vec<KnownScan>, Fault> {
    let scan =
        |row: &Row| Ok(KnownScan { repository: row.int(0)?, digest: row.text(1)?.into(), is_there: row.bool(2)? });
    rows.all(&SCANS_AFTER, values![after.0, after.1, count])?.iter().map(scan).collect()
}

/// Returns up to `count` images that can be pulled and were read, after a repository and digest.
pub fn held_after(rows: &mut Reader, after: (i64, &str), count: usize) -> Result<Vec<HeldRow>, Fault> {
    let held = |row: &Row| {
        Ok(HeldRow {
            repository: row.int(0)?,
            digest: row.text(1)?.into(),
            finished_at: row.time(2)?,
            pushed_at: row.time(3)?,
            pushed_by: row.text(4)?.into(),
        })
    };
    rows.all(&HELD_AFTER, values![after.0, after.1, count])?.iter().map(held).collect()
}

/// Returns up to `count` images of a repository that can be pulled and were pushed before a moment, or at it with a lesser digest: the
/// newest first.
pub fn stored_before(
    rows: &mut Reader,
    repository: i64,
    (pushed_at, digest): (Timestamp, &str),
    count: usize,
) -> Result<Vec<StoredRow>, Fault> {
    let stored = |row: &Row| {
        let scan = match (row.opt_text(2)?, row.opt_int(3)?) {
            (Some(state), Some(number)) => {
                let (state, revision) = (ScanState::parse(state)?, revision(number)?);
                Some(StoredScan { state, revision, finished_at: row.opt_time(4)? })
            }
            _ => None,
        };
        Ok(StoredRow { digest: row.text(0)?.into(), pushed_at: row.time(1)?, scan })
    };
    rows.all(&STORED_BEFORE, values![repository, pushed_at, digest, count])?.iter().map(stored).collect()
}

/// Returns a number that grows with each change of an account's scanning configuration.
pub fn configurations_number(rows: &mut Reader) -> Result<i64, Fault> {
    site_settings::number(rows, CONFIGURATIONS)
}

/// Raises it, as part of an act that changes one.
pub(crate) fn raise_configurations(tx: &mut Tx) -> Result<(), Fault> {
    site_settings::raise(tx, CONFIGURATIONS)
}

/// Forgets the scan of an image that is gone.
pub fn forget_scan(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&FORGET_SCAN, values![repository, digest])
}

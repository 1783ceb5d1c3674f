//! Every statement on `blob_copy` and `blob_link`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;
use serde_json::json;

/// Physical bytes of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRow {
    /// Its number.
    pub id: i64,
    /// The digest of its bytes.
    pub digest: String,
    /// Their length.
    pub size: i64,
    /// Its key in the store.
    pub location: String,
    /// `present`, `corrupt` or `deleting`.
    pub state: String,
    /// Links that point to it.
    pub link_count: i64,
    /// `STANDARD` or `ARCHIVE`.
    pub storage_class: String,
    /// How it is encrypted; `None` where it is plain.
    pub sealed: Option<SealedRow>,
}

/// How bytes on the disk are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// Under which key, and with whose blobs they may be shared: never empty.
    pub domain: String,
    /// The key of these bytes alone, wrapped under that one.
    pub data_key: Vec<u8>,
    /// How many bytes they take on the disk.
    pub stored_size: i64,
}

impl CopyRow {
    /// Returns under which key it is encrypted; empty where it is plain.
    pub fn domain(&self) -> &str {
        self.sealed.as_ref().map_or("", |sealed| sealed.domain.as_str())
    }

    /// Returns how many bytes it takes on the disk.
    pub fn stored_size(&self) -> u64 {
        let size = self.sealed.as_ref().map_or(self.size, |sealed| sealed.stored_size);
        u64::try_from(size).unwrap_or(0)
    }
}

/// A blob as a repository sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// The blob's digest.
    pub digest: String,
    /// Its length.
    pub size: i64,
    /// The copy with its bytes.
    pub copy: i64,
    /// Manifests of the repository that name it.
    pub manifest_count: i64,
    /// Of those, the ones in the archive.
    pub archived_count: i64,
    /// Since when it may be collected; `None` while a manifest names it.
    pub candidate_since: Option<Timestamp>,
}

/// A link that may be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateRow {
    /// Since when.
    pub since: Timestamp,
    /// Of which repository.
    pub repository: i64,
    /// The blob's digest.
    pub digest: String,
    /// Its length.
    pub size: i64,
}

/// A blob that a repository holds, as a manifest that names it wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// The blob's digest.
    pub digest: String,
    /// Its length.
    pub size: i64,
    /// Whether its bytes can be served: they were not found damaged, and are not in the archive.
    pub is_present: bool,
    /// Whether they are in the archive.
    pub is_archived: bool,
}

/// A link with the place of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedRow {
    /// The link.
    pub link: LinkRow,
    /// Key in the store.
    pub location: String,
    /// State of the copy.
    pub state: String,
    /// Storage class of the copy.
    pub storage_class: String,
    /// How the copy is encrypted; `None` where it is plain.
    pub sealed: Option<SealedRow>,
}

impl LinkRow {
    /// Whether every manifest that names the blob is in the archive.
    pub fn is_archived(&self) -> bool {
        self.manifest_count > 0 && self.archived_count == self.manifest_count
    }
}

impl LocatedRow {
    /// Whether its bytes can be served.
    pub fn is_at_hand(&self) -> bool {
        self.state == "present" && self.storage_class == "STANDARD"
    }
}

static PRESENT: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy
     WHERE digest = $1 AND encryption_key = $2 AND storage_class = 'STANDARD' AND state = 'present'",
);
static ABSENT: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy
     WHERE digest = $1 AND encryption_key = $2 AND state <> 'present'
     UNION ALL
     SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy
     WHERE digest = $1 AND encryption_key = $2 AND storage_class = 'ARCHIVE' AND state = 'present'",
);
static ARCHIVED: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy
     WHERE digest = $1 AND encryption_key = $2 AND storage_class = 'ARCHIVE' AND state = 'present'",
);
static COPY: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy WHERE id = $1",
);
static AT: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy WHERE location = $1",
);
static STORED: Query = query(
    "SELECT storage_class, count(*), CAST(COALESCE(sum(COALESCE(stored_size, size)), 0) AS BIGINT) FROM blob_copy
     WHERE state = 'present' GROUP BY storage_class",
);
static EACH_COPY: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy WHERE id > $1 ORDER BY id LIMIT $2",
);
static NEWEST_COPY: Query = query("SELECT COALESCE(max(id), 0) FROM blob_copy");
static DELETING: Query = query(
    "SELECT id, digest, size, location, state, link_count, storage_class, encryption_key, data_key,
         COALESCE(stored_size, size) FROM blob_copy WHERE state = 'deleting' AND id > $1 ORDER BY id LIMIT $2",
);
static LINK: Query = query(
    "SELECT digest, size, copy, manifest_count, candidate_since, archived_count FROM blob_link WHERE repository = $1 AND digest = $2",
);
static LINKS: Query = query(
    "SELECT digest, size, copy, manifest_count, candidate_since, archived_count FROM blob_link
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static HELD: Query = query(
    "SELECT l.digest, l.size, CASE WHEN c.state = 'present' AND c.storage_class = 'STANDARD' THEN 1 ELSE 0 END,
         CASE WHEN c.state = 'present' AND c.storage_class = 'ARCHIVE' THEN 1 ELSE 0 END
     FROM blob_link AS l LEFT JOIN blob_copy AS c ON c.id = l.copy
     WHERE l.repository = $1 AND l.digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static LOCATED: Query = query(
    "SELECT l.digest, l.size, l.copy, l.manifest_count, l.candidate_since, l.archived_count, c.location, c.state,
         c.storage_class, c.encryption_key, c.data_key, COALESCE(c.stored_size, c.size)
     FROM blob_link AS l JOIN blob_copy AS c ON c.id = l.copy WHERE l.repository = $1 AND l.digest = $2",
);
static HOLDERS: Query = query(
    "SELECT l.repository, r.name FROM blob_link AS l JOIN repository AS r ON r.id = l.repository
     WHERE l.digest = $1 AND r.account = $2 AND r.region = $3 AND l.repository > $4 ORDER BY l.repository LIMIT $5",
);
static CANDIDATES: Query = query(
    "SELECT candidate_since, repository, digest, size FROM blob_link
     WHERE candidate_since IS NOT NULL AND candidate_since <= $1 AND (candidate_since, repository, digest) > ($2, $3, $4)
     ORDER BY candidate_since, repository, digest LIMIT $5",
);
static EACH_LINK: Query = query(
    "SELECT digest, size, copy, manifest_count, candidate_since, archived_count FROM blob_link
     WHERE repository = $1 AND digest > $2 ORDER BY digest LIMIT $3",
);
static INSERT_COPY: Change = change(
    "INSERT INTO blob_copy(id, digest, size, location, storage_class, state, link_count, created_at, encryption_key,
         data_key, stored_size)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);
static DOMAINS: Query = query(
    "SELECT DISTINCT encryption_key FROM blob_copy WHERE digest = $1 AND state = 'present' ORDER BY encryption_key",
);
static NEXT_DOMAIN: Query = query(
    "SELECT encryption_key FROM blob_copy WHERE encryption_key > $1 AND encryption_key <> '' ORDER BY encryption_key LIMIT 1",
);
static WRAPPED: Query = query(
    "SELECT id, digest, data_key FROM blob_copy
     WHERE encryption_key = $1 AND encryption_key <> '' AND id > $2 ORDER BY id LIMIT $3",
);
static REWRAP: Change = change("UPDATE blob_copy SET data_key = $3 WHERE id = $1 AND data_key = $2");
static COUNT_COPY: Change = change("UPDATE blob_copy SET link_count = link_count + $2 WHERE id = $1");
static COUNT_COPIES: Change = change(
    "UPDATE blob_copy SET link_count = link_count - 1,
         state = CASE WHEN link_count = 1 THEN 'deleting' ELSE state END
     WHERE id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j)",
);
static SET_COPY_STATE: Change = change("UPDATE blob_copy SET state = $2 WHERE id = $1");
static SET_COPY_COUNT: Change = change("UPDATE blob_copy SET link_count = $2 WHERE id = $1");
static FORGET_COPIES: Change = change(
    "DELETE FROM blob_copy WHERE state = 'deleting' AND link_count = 0
     AND id IN (SELECT CAST(j.value ->> 0 AS BIGINT) FROM json_each($1) AS j)",
);
static INSERT_LINK: Change = change(
    "INSERT INTO blob_link(repository, digest, copy, size, manifest_count, candidate_since, archived_count)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
static KNOWN: Query = query(
    "SELECT digest FROM blob_copy WHERE state = 'present' AND digest IN (SELECT j.value ->> 0 FROM json_each($1) AS j)
     UNION SELECT digest FROM blob_copy WHERE state <> 'present' AND digest IN (SELECT j.value ->> 0 FROM json_each($1) AS j)
     ORDER BY digest",
);
static INSERT_COPIES: Change = change(
    "INSERT INTO blob_copy(id, digest, size, location, storage_class, state, link_count, created_at, encryption_key,
         data_key, stored_size)
     SELECT CAST(j.value ->> 0 AS BIGINT), j.value ->> 1, CAST(j.value ->> 2 AS BIGINT), j.value ->> 3, 'STANDARD', 'present', 1,
         CAST($2 AS BIGINT), '', NULL, NULL
     FROM json_each($1) AS j WHERE true",
);
static INSERT_LINKS: Change = change(
    "INSERT INTO blob_link(repository, digest, copy, size, manifest_count, candidate_since, archived_count)
     SELECT CAST($2 AS BIGINT), j.value ->> 1, CAST(j.value ->> 0 AS BIGINT), CAST(j.value ->> 2 AS BIGINT), 0,
         CAST($3 AS BIGINT), 0
     FROM json_each($1) AS j WHERE true",
);
static REPOINT: Change = change("UPDATE blob_link SET copy = $2 WHERE digest = $3 AND copy = $1");
static TOUCH: Change = change(
    "UPDATE blob_link SET candidate_since = $3 WHERE repository = $1 AND digest = $2 AND candidate_since IS NOT NULL",
);
static NAME: Change = change(
    "UPDATE blob_link SET manifest_count = manifest_count + 1, candidate_since = NULL
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static UNNAME: Change = change(
    "UPDATE blob_link SET manifest_count = manifest_count - 1, archived_count = archived_count - $4,
         candidate_since = CASE WHEN manifest_count = 1 THEN $3 ELSE candidate_since END
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static UNNAME_ALL: Change = change(
    "UPDATE blob_link SET manifest_count = 0, archived_count = 0, candidate_since = $2 WHERE repository = $1 AND manifest_count > 0",
);
static COUNT_ARCHIVED: Change = change(
    "UPDATE blob_link SET archived_count = archived_count + $3
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)",
);
static SET_ARCHIVED: Change = change("UPDATE blob_link SET archived_count = $3 WHERE repository = $1 AND digest = $2");
static SET_LINK: Change =
    change("UPDATE blob_link SET manifest_count = $3, candidate_since = $4 WHERE repository = $1 AND digest = $2");
static UNLINK: Change =
    change("DELETE FROM blob_link WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)");

fn copy_row(row: Row) -> Result<CopyRow, Fault> {
    Ok(CopyRow {
        id: row.int(0)?,
        digest: row.text(1)?.into(),
        size: row.int(2)?,
        location: row.text(3)?.into(),
        state: row.text(4)?.into(),
        link_count: row.int(5)?,
        storage_class: row.text(6)?.into(),
        sealed: sealed_row(&row, 7)?,
    })
}

/// Reads encryption, wrapped key and bytes on the disk from three columns.
fn sealed_row(row: &Row, first: usize) -> Result<Option<SealedRow>, Fault> {
    let domain = row.text(first)?;
    if domain.is_empty() {
        return Ok(None);
    }
    let (data_key, stored_size) = (row.bytes(first + 1)?.to_vec(), row.int(first + 2)?);
    Ok(Some(SealedRow { domain: domain.into(), data_key, stored_size }))
}

fn link_row(row: &Row) -> Result<LinkRow, Fault> {
    Ok(LinkRow {
        digest: row.text(0)?.into(),
        size: row.int(1)?,
        copy: row.int(2)?,
        manifest_count: row.int(3)?,
        candidate_since: row.opt_int(4)?.map(Timestamp::from_millis),
        archived_count: row.int(5)?,
    })
}

/// Returns the copy of a blob that new links of an encryption point to; of no other is anything found.
pub fn present_copy(rows: &mut Reader, digest: &str, domain: &str) -> Result<Option<CopyRow>, Fault> {
    rows.one(&PRESENT, values![digest, domain])?.map(copy_row).transpose()
}

/// Returns those of `digests` of which there is any copy, in whatever encryption and state.
pub fn known<'a>(rows: &mut Reader, digests: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, Fault> {
    rows.all(&KNOWN, values![column(digests)])?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns the copies of a blob in an encryption that may not be served: corrupt ones, those whose bytes are going, and the one
/// in the archive.
pub fn absent_copies(rows: &mut Reader, digest: &str, domain: &str) -> Result<Vec<CopyRow>, Fault> {
    rows.all(&ABSENT, values![digest, domain])?.into_iter().map(copy_row).collect()
}

/// Returns the copy of a blob in an encryption that is in the archive.
pub fn archived_copy(rows: &mut Reader, digest: &str, domain: &str) -> Result<Option<CopyRow>, Fault> {
    rows.one(&ARCHIVED, values![digest, domain])?.map(copy_row).transpose()
}

/// Returns a copy by its number.
pub fn copy(rows: &mut Reader, id: i64) -> Result<Option<CopyRow>, Fault> {
    rows.one(&COPY, values![id])?.map(copy_row).transpose()
}

/// Returns the copy that lies at a place of the store.
pub fn copy_at(rows: &mut Reader, location: &str) -> Result<Option<CopyRow>, Fault> {
    rows.one(&AT, values![location])?.map(copy_row).transpose()
}

/// Returns the encryptions in which there are copies of a blob that can be served or are in the archive; empty for plain ones.
pub fn domains(rows: &mut Reader, digest: &str) -> Result<Vec<String>, Fault> {
    rows.all(&DOMAINS, values![digest])?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns the first encryption of any copy after `after`, in the order of their bytes.
pub fn next_domain(rows: &mut Reader, after: &str) -> Result<Option<String>, Fault> {
    rows.one(&NEXT_DOMAIN, values![after])?.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// A data key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedRow {
    /// The copy it is of.
    pub copy: i64,
    /// The digest of that copy's bytes.
    pub digest: String,
    /// The data key, wrapped.
    pub data_key: Vec<u8>,
}

/// Returns up to `count` data keys of an encryption, those of the copies after the number `after`.
pub fn wrapped(rows: &mut Reader, domain: &str, after: i64, count: usize) -> Result<Vec<WrappedRow>, Fault> {
    let read =
        |row: &Row| Ok(WrappedRow { copy: row.int(0)?, digest: row.text(1)?.into(), data_key: row.bytes(2)?.to_vec() });
    rows.all(&WRAPPED, values![domain, after, count as i64])?.iter().map(read).collect()
}

/// Puts the data key of a copy in another wrapping, where it is still in that one.
pub fn rewrap(tx: &mut Tx, copy: i64, from: &[u8], to: &[u8]) -> Result<(), Fault> {
    tx.write(&REWRAP, values![copy, from, to])
}

/// Returns up to `count` copies after the number `after`: for repair, which walks.
pub fn each_copy(rows: &mut Reader, after: i64, count: usize) -> Result<Vec<CopyRow>, Fault> {
    rows.all(&EACH_COPY, values![after, count as i64])?.into_iter().map(copy_row).collect()
}

/// Returns the number of the newest copy; 0 where there is none.
pub fn newest_copy(rows: &mut Reader) -> Result<i64, Fault> {
    rows.one(&NEWEST_COPY, values![])?.map_or(Ok(0), |row| row.int(0))
}

/// What the store holds: each physical copy once, however many repositories link it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Copies.
    pub copies: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the copies, those in the archive.
    pub archive_copies: u64,
    /// Their bytes.
    pub archive_bytes: u64,
}

/// Counts what the store holds. It looks at every copy: for those who ask seldom.
pub fn stored(rows: &mut Reader) -> Result<Stored, Fault> {
    let mut stored = Stored::default();
    for row in rows.all(&STORED, values![])? {
        let (copies, bytes) = (row.count(1)?, row.count(2)?);
        stored.copies += copies;
        stored.bytes += bytes;
        if row.text(0)? == "ARCHIVE" {
            stored.archive_copies += copies;
            stored.archive_bytes += bytes;
        }
    }
    Ok(stored)
}

/// Returns up to `count` copies after the number `after` whose bytes are to go.
pub fn deleting_copies(rows: &mut Reader, after: i64, count: usize) -> Result<Vec<CopyRow>, Fault> {
    rows.all(&DELETING, values![after, count as i64])?.into_iter().map(copy_row).collect()
}

/// Looks a link up.
pub fn link(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<LinkRow>, Fault> {
    rows.one(&LINK, values![repository, digest])?.as_ref().map(link_row).transpose()
}

/// Returns those of `digests` that the repository holds.
pub fn links<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<LinkRow>, Fault> {
    rows.all(&LINKS, values![repository, column(digests)])?.iter().map(link_row).collect()
}

/// Returns those of `digests` that the repository holds, and whether the bytes of each are whole.
pub fn held<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<HeldRow>, Fault> {
    let held = |row: &Row| {
        Ok(HeldRow {
            digest: row.text(0)?.into(),
            size: row.int(1)?,
            is_present: row.int(2)? == 1,
            is_archived: row.int(3)? == 1,
        })
    };
    rows.all(&HELD, values![repository, column(digests)])?.iter().map(held).collect()
}

/// Looks a link up, with the place of its bytes.
pub fn located(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<LocatedRow>, Fault> {
    let Some(row) = rows.one(&LOCATED, values![repository, digest])? else { return Ok(None) };
    Ok(Some(LocatedRow {
        link: link_row(&row)?,
        location: row.text(6)?.into(),
        state: row.text(7)?.into(),
        storage_class: row.text(8)?.into(),
        sealed: sealed_row(&row, 9)?,
    }))
}

/// Returns up to `count` repositories of the account that hold a blob, those after the number `after`: number and name.
pub fn holders(
    rows: &mut Reader,
    digest: &str,
    account: &str,
    region: &str,
    after: i64,
    count: usize,
) -> Result<Vec<(i64, String)>, Fault> {
    let found = rows.all(&HOLDERS, values![digest, account, region, after, count as i64])?;
    found.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string()))).collect()
}

/// Returns up to `count` links that have been candidates since `until` or longer, oldest first, those behind `after`.
pub fn candidates(
    rows: &mut Reader,
    until: Timestamp,
    after: Option<&CandidateRow>,
    count: usize,
) -> Result<Vec<CandidateRow>, Fault> {
    let (since, repository, digest) =
        after.map_or((i64::MIN, i64::MIN, ""), |row| (row.since.millis(), row.repository, row.digest.as_str()));
    let found = rows.all(&CANDIDATES, values![until, since, repository, digest, count as i64])?;
    let candidate = |row: &Row| {
        Ok(CandidateRow {
            since: row.time(0)?,
            repository: row.int(1)?,
            digest: row.text(2)?.into(),
            size: row.int(3)?,
        })
    };
    found.iter().map(candidate).collect()
}

/// Returns up to `count` links of a repository after the digest `after`: for repair, which walks.
pub fn each_link(rows: &mut Reader, repository: i64, after: &str, count: usize) -> Result<Vec<LinkRow>, Fault> {
    rows.all(&EACH_LINK, values![repository, after, count as i64])?.iter().map(link_row).collect()
}

/// Writes a copy whose bytes are durable.
pub fn insert_copy(tx: &mut Tx, copy: &CopyRow, at: Timestamp) -> Result<(), Fault> {
    let CopyRow { id, digest, size, location, state, link_count, storage_class, sealed } = copy;
    let (domain, data_key, stored) = match sealed {
        Some(sealed) => (sealed.domain.as_str(), Some(sealed.data_key.as_slice()), Some(sealed.stored_size)),
        None => ("", None, None),
    };
    let values = values![*id, digest, *size, location, storage_class, state, *link_count, at, domain, data_key, stored];
    tx.write(&INSERT_COPY, values)
}

/// Adds to the links of a copy.
pub fn count_copy(tx: &mut Tx, id: i64, links: i64) -> Result<(), Fault> {
    tx.write(&COUNT_COPY, values![id, links])
}

/// Takes one link from each of `copies`; those that lose their last one become `deleting`.
pub fn release_copies(tx: &mut Tx, copies: impl IntoIterator<Item = i64>) -> Result<(), Fault> {
    tx.write(&COUNT_COPIES, values![column(copies)])
}

/// Sets the state of a copy.
pub fn set_copy_state(tx: &mut Tx, id: i64, state: &str) -> Result<(), Fault> {
    tx.write(&SET_COPY_STATE, values![id, state])
}

/// Sets the number of links of a copy: for repair.
pub fn set_copy_count(tx: &mut Tx, id: i64, links: i64) -> Result<(), Fault> {
    tx.write(&SET_COPY_COUNT, values![id, links])
}

/// Forgets copies whose bytes are gone.
pub fn forget_copies(tx: &mut Tx, copies: impl IntoIterator<Item = i64>) -> Result<(), Fault> {
    tx.write(&FORGET_COPIES, values![column(copies)])
}

/// Writes a link that is new in a repository.
pub fn insert_link(tx: &mut Tx, repository: i64, link: &LinkRow) -> Result<(), Fault> {
    let LinkRow { digest, size, copy, manifest_count, candidate_since, archived_count } = link;
    tx.write(
        &INSERT_LINK,
        values![repository, digest.as_str(), *copy, *size, *manifest_count, *candidate_since, *archived_count],
    )
}

/// A plain copy that is new, and linked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCopyRow {
    /// Its number.
    pub id: i64,
    /// The digest of its bytes.
    pub digest: String,
    /// Their length.
    pub size: i64,
    /// Its key in the store.
    pub location: String,
}

/// Writes copies whose bytes are durable, and a link to each in a repository, as candidates from `at`.
pub fn insert_linked<'a>(
    tx: &mut Tx,
    repository: i64,
    copies: impl IntoIterator<Item = &'a NewCopyRow>,
    at: Timestamp,
) -> Result<(), Fault> {
    let rows: Vec<_> = copies.into_iter().map(|copy| json!([copy.id, copy.digest, copy.size, copy.location])).collect();
    let rows = serde_json::Value::Array(rows).to_string();
    tx.write(&INSERT_COPIES, values![rows.as_str(), at])?;
    tx.write(&INSERT_LINKS, values![rows, repository, at])
}

/// Points every link of `digest` on the copy `from` at the copy `to`.
pub fn repoint(tx: &mut Tx, from: i64, to: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&REPOINT, values![from, to, digest])
}

/// Renews the grace time of a link, where it is a candidate.
pub fn touch(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&TOUCH, values![repository, digest, at])
}

/// Counts one more manifest that names each of `digests`.
pub fn name<'a>(tx: &mut Tx, repository: i64, digests: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
    tx.write(&NAME, values![repository, column(digests)])
}

/// Counts one manifest less that names each of `digests`, and that `was_archived` or not; those no longer named are candidates
/// from `at`.
pub fn unname<'a>(
    tx: &mut Tx,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    was_archived: bool,
    at: Timestamp,
) -> Result<(), Fault> {
    tx.write(&UNNAME, values![repository, column(digests), at, i64::from(was_archived)])
}

/// Counts so many more, or less, manifests in the archive that name each of `digests`.
pub fn count_archived<'a>(
    tx: &mut Tx,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    manifests: i64,
) -> Result<(), Fault> {
    tx.write(&COUNT_ARCHIVED, values![repository, column(digests), manifests])
}

/// Sets how many manifests in the archive name a blob: for repair.
pub fn set_archived(tx: &mut Tx, repository: i64, digest: &str, manifests: i64) -> Result<(), Fault> {
    tx.write(&SET_ARCHIVED, values![repository, digest, manifests])
}

/// Makes every link of a repository a candidate from `at`: its manifests are gone.
pub fn unname_all(tx: &mut Tx, repository: i64, at: Timestamp) -> Result<(), Fault> {
    tx.write(&UNNAME_ALL, values![repository, at])
}

/// Sets what a link should say: for repair.
pub fn set_link(
    tx: &mut Tx,
    repository: i64,
    digest: &str,
    manifest_count: i64,
    candidate_since: Option<Timestamp>,
) -> Result<(), Fault> {
    tx.write(&SET_LINK, values![repository, digest, manifest_count, candidate_since])
}

/// Removes links.
pub fn unlink<'a>(tx: &mut Tx, repository: i64, digests: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
    tx.write(&UNLINK, values![repository, column(digests)])
}

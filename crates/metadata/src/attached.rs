//! Which artifacts hang on an image: those that refer to it, by subject or by cosign's tag, and the statements on `image_scan` that
//! have it read again for them.

use crate::{Change, Query, Reader, Tx, change, query, tags, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;

static REFERRING: Query = query(
    "SELECT m.digest FROM manifest AS m
     WHERE m.repository = $1 AND m.state = 'live' AND m.storage_class = 'STANDARD'
         AND m.subject IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
         AND m.artifact_type IN (SELECT t.value ->> 0 FROM json_each($3) AS t)
     ORDER BY m.pushed_at DESC, m.digest LIMIT $4",
);
static ASK_AGAIN: Change = change(
    "UPDATE image_scan SET state = 'pending', reason = '', attempts = 0, try_at = $3
     WHERE repository = $1 AND digest = $2 AND state = 'complete'",
);

/// Returns up to `count` artifacts of these types that refer to one of these manifests and can be pulled, the youngest first.
pub fn referring(
    rows: &mut Reader,
    repository: i64,
    subjects: &[String],
    types: &[&str],
    count: usize,
) -> Result<Vec<String>, Fault> {
    let found = rows.all(&REFERRING, values![repository, column(subjects), column(types), count])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns the attestations of a manifest that cosign put under a tag made of its digest: `sha256-….att`.
pub fn tagged(rows: &mut Reader, repository: i64, subject: &str) -> Result<Option<String>, Fault> {
    tags::digest(rows, repository, &format!("{}.att", subject.replace(':', "-")))
}

/// Has an image read again that was read before. When it was asked for stays what it was: nobody asked.
pub fn read_again(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&ASK_AGAIN, values![repository, digest, at])
}

//! Every statement on `inventory_source` and `inventory_image`.

use crate::{Change, Query, Reader, Row, Tx, change, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region, Timestamp};
use serde_json::json;

/// Whose inventory it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryOf {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

/// Who reports which images he runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// His name.
    pub name: String,
    /// When he reported last.
    pub reported_at: Timestamp,
    /// Who sent that report.
    pub reported_by: String,
    /// Until when it counts.
    pub valid_until: Timestamp,
    /// How many images are in it.
    pub image_count: i64,
}

/// An image in a report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryRow {
    /// The repository; empty where any is meant that holds the digest.
    pub repository: String,
    /// Its digest.
    pub digest: String,
}

/// Who runs an image of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRow {
    /// Its digest.
    pub digest: String,
    /// The name of who reports it.
    pub source: String,
    /// When he reported last.
    pub reported_at: Timestamp,
    /// Until when that counts.
    pub valid_until: Timestamp,
}

static SOURCES: Query = query(
    "SELECT name, reported_at, reported_by, valid_until, image_count FROM inventory_source
     WHERE account = $1 AND region = $2",
);
static ENTRIES: Query =
    query("SELECT repository, digest FROM inventory_image WHERE account = $1 AND region = $2 AND source = $3");
static USED: Query = query(
    "SELECT DISTINCT m.digest FROM repository AS r
     JOIN inventory_image AS i ON i.account = r.account AND i.region = r.region AND i.repository IN (r.name, '')
     JOIN inventory_source AS s ON s.account = i.account AND s.region = i.region AND s.name = i.source
     JOIN manifest AS m ON m.repository = r.id AND m.digest = i.digest
     WHERE r.id = $1 AND s.valid_until > $2",
);
static USES: Query = query(
    "SELECT DISTINCT i.digest, s.name, s.reported_at, s.valid_until FROM repository AS r
     JOIN inventory_image AS i ON i.account = r.account AND i.region = r.region AND i.repository IN (r.name, '')
     JOIN inventory_source AS s ON s.account = i.account AND s.region = i.region AND s.name = i.source
     WHERE r.id = $1 AND s.valid_until > $2 AND i.digest IN (SELECT j.value ->> 0 FROM json_each($3) AS j)",
);
static USES_OF_INDEXES: Query = query(
    "SELECT DISTINCT e.child, s.name, s.reported_at, s.valid_until FROM repository AS r
     JOIN edge AS e ON e.repository = r.id AND e.kind = 'child'
     JOIN inventory_image AS i ON i.account = r.account AND i.region = r.region AND i.repository = r.name
         AND i.digest = e.parent
     JOIN inventory_source AS s ON s.account = i.account AND s.region = i.region AND s.name = i.source
     WHERE r.id = $1 AND s.valid_until > $2 AND e.child IN (SELECT j.value ->> 0 FROM json_each($3) AS j)",
);
static RUNNING: Query = query(
    "SELECT DISTINCT i.repository, i.digest FROM inventory_source AS s
     JOIN inventory_image AS i ON i.account = s.account AND i.region = s.region AND i.source = s.name
     WHERE s.account = $1 AND s.region = $2 AND s.valid_until > $3",
);
static RUNNING_BY_INDEX: Query = query(
    "SELECT DISTINCT r.name, e.child FROM inventory_source AS s
     JOIN inventory_image AS i ON i.account = s.account AND i.region = s.region AND i.source = s.name
     JOIN repository AS r ON r.account = i.account AND r.region = i.region AND r.name = i.repository
     JOIN edge AS e ON e.repository = r.id AND e.parent = i.digest AND e.kind = 'child'
     WHERE s.account = $1 AND s.region = $2 AND s.valid_until > $3",
);
static PUT_SOURCE: Change = change(
    "INSERT INTO inventory_source(account, region, name, reported_at, reported_by, valid_until, image_count)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (account, region, name) DO UPDATE SET reported_at = excluded.reported_at,
         reported_by = excluded.reported_by, valid_until = excluded.valid_until, image_count = excluded.image_count",
);
static PUT_ENTRIES: Change = change(
    "INSERT INTO inventory_image(account, region, source, repository, digest)
     SELECT $1, $2, $3, j.value ->> 0, j.value ->> 1 FROM json_each($4) AS j WHERE true",
);
static REMOVE_SOURCES: Change = change(
    "DELETE FROM inventory_source
     WHERE account = $1 AND region = $2 AND name IN (SELECT j.value ->> 0 FROM json_each($3) AS j)",
);
static REMOVE_ENTRIES: Change = change(
    "DELETE FROM inventory_image
     WHERE account = $1 AND region = $2 AND source IN (SELECT j.value ->> 0 FROM json_each($3) AS j)",
);

fn source(row: &Row) -> Result<SourceRow, Fault> {
    Ok(SourceRow {
        name: row.text(0)?.into(),
        reported_at: row.time(1)?,
        reported_by: row.text(2)?.into(),
        valid_until: row.time(3)?,
        image_count: row.int(4)?,
    })
}

fn entry(row: &Row) -> Result<EntryRow, Fault> {
    Ok(EntryRow { repository: row.text(0)?.into(), digest: row.text(1)?.into() })
}

fn use_row(row: &Row) -> Result<UseRow, Fault> {
    Ok(UseRow {
        digest: row.text(0)?.into(),
        source: row.text(1)?.into(),
        reported_at: row.time(2)?,
        valid_until: row.time(3)?,
    })
}

/// Returns all who report, in the order of the bytes of their names, those too whose report counts no longer.
pub fn sources(rows: &mut Reader, of: &InventoryOf) -> Result<Vec<SourceRow>, Fault> {
    let found = rows.all(&SOURCES, values![&of.account, &of.region])?;
    let mut sources = found.iter().map(source).collect::<Result<Vec<_>, _>>()?;
    sources.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(sources)
}

/// Returns the images of a report, by repository and digest.
pub fn entries(rows: &mut Reader, of: &InventoryOf, source: &str) -> Result<Vec<EntryRow>, Fault> {
    let found = rows.all(&ENTRIES, values![&of.account, &of.region, source])?;
    let mut entries = found.iter().map(entry).collect::<Result<Vec<_>, Fault>>()?;
    entries.sort_unstable();
    Ok(entries)
}

/// Returns the digests of a repository that are in a report which counts at a moment. Costs by the reports that name the
/// repository or none, not by the images that it holds.
pub fn used(rows: &mut Reader, repository: i64, at: Timestamp) -> Result<Vec<String>, Fault> {
    let found = rows.all(&USED, values![repository, at])?;
    found.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Returns who runs each of these images of a repository, by the reports which count at a moment: in the order of the
/// bytes of their names.
pub fn uses<'a>(
    rows: &mut Reader,
    repository: i64,
    at: Timestamp,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<UseRow>, Fault> {
    let found = rows.all(&USES, values![repository, at, column(digests)])?;
    let mut uses = found.iter().map(use_row).collect::<Result<Vec<_>, Fault>>()?;
    uses.sort_unstable_by(|one, other| one.source.cmp(&other.source));
    Ok(uses)
}

/// Returns who runs each of these images of a repository or an index that names it, by the reports which count at a moment: in the
/// order of the bytes of their names, each once for an image. An index counts where its report names the repository too.
pub fn uses_with_indexes(
    rows: &mut Reader,
    repository: i64,
    at: Timestamp,
    digests: &[String],
) -> Result<Vec<UseRow>, Fault> {
    let mut found = uses(rows, repository, at, digests.iter().map(String::as_str))?;
    let by_index = rows.all(&USES_OF_INDEXES, values![repository, at, column(digests)])?;
    found.extend(by_index.iter().map(use_row).collect::<Result<Vec<_>, Fault>>()?);
    found.sort_unstable_by(|one, other| (&one.source, &one.digest).cmp(&(&other.source, &other.digest)));
    found.dedup_by(|one, other| one.source == other.source && one.digest == other.digest);
    Ok(found)
}

/// Returns the images that are in a report of an account which counts at a moment, and those of the indexes that are named there with
/// their repository.
pub fn running(rows: &mut Reader, of: &InventoryOf, at: Timestamp) -> Result<Vec<EntryRow>, Fault> {
    let mut found = rows.all(&RUNNING, values![&of.account, &of.region, at])?;
    found.extend(rows.all(&RUNNING_BY_INDEX, values![&of.account, &of.region, at])?);
    found.iter().map(entry).collect()
}

/// Writes a report in the place of the one before. No image stands twice in `entries`.
pub fn put(tx: &mut Tx, of: &InventoryOf, source: &SourceRow, entries: &[EntryRow]) -> Result<(), Fault> {
    let SourceRow { name, reported_at, reported_by, valid_until, image_count } = source;
    tx.write(&REMOVE_ENTRIES, values![&of.account, &of.region, column([name])])?;
    let values = values![&of.account, &of.region, name, *reported_at, reported_by, *valid_until, *image_count];
    tx.write(&PUT_SOURCE, values)?;
    if entries.is_empty() {
        return Ok(());
    }
    let entries: Vec<_> = entries.iter().map(|entry| json!([entry.repository, entry.digest])).collect();
    let entries = serde_json::Value::Array(entries).to_string();
    tx.write(&PUT_ENTRIES, values![&of.account, &of.region, name, entries])
}

/// Removes those who report, with their reports.
pub fn remove<'a>(tx: &mut Tx, of: &InventoryOf, sources: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
    let names = column(sources);
    tx.write(&REMOVE_ENTRIES, values![&of.account, &of.region, &names])?;
    tx.write(&REMOVE_SOURCES, values![&of.account, &of.region, &names])
}

//! Every statement on `image_label`: the labels that people give images here. Those of configurations are in `search_index.rs`.

use crate::{Change, Query, Reader, Tx, change, query, search_index::ImageKey, value::column, values};
use gantry_fault::Fault;
use serde_json::json;

static OF_IMAGES: Query = query(
    "SELECT digest, name, value FROM image_label
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY digest, name",
);
static NAMED: Query = query(
    "SELECT digest, name, value FROM image_label
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
         AND name IN (SELECT n.value ->> 0 FROM json_each($3) AS n)
     ORDER BY digest, name",
);
static HAVING: Query = query(
    "SELECT repository, digest FROM image_label WHERE name = $1 AND value >= $2 AND value <= $3
     ORDER BY value, repository, digest LIMIT $4",
);
static PUT: Change = change(
    "INSERT INTO image_label(repository, digest, name, value)
     SELECT CAST($1 AS BIGINT), $2, j.value ->> 0, j.value ->> 1 FROM json_each($3) AS j WHERE true
     ON CONFLICT (repository, digest, name) DO UPDATE SET value = excluded.value",
);
static REMOVE: Change = change(
    "DELETE FROM image_label WHERE repository = $1 AND digest = $2
         AND name IN (SELECT j.value ->> 0 FROM json_each($3) AS j)",
);
static FORGET: Change = change("DELETE FROM image_label WHERE repository = $1 AND digest = $2");
static FORGET_ALL: Change = change("DELETE FROM image_label WHERE repository = $1");
static COPY: Change = change(
    "INSERT INTO image_label(repository, digest, name, value)
     SELECT CAST($2 AS BIGINT), digest, name, value FROM image_label WHERE repository = $1 AND digest = $3
     ON CONFLICT (repository, digest, name) DO NOTHING",
);

/// A label of an image: the image's digest, the label's name and its value.
pub type LabelRow = (String, String, String);

/// Returns the labels of images of a repository, in the trash or not, in the order of digests and names.
pub fn of_images<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<LabelRow>, Fault> {
    let found = rows.all(&OF_IMAGES, values![repository, column(digests)])?;
    found.into_iter().map(|mut row| Ok((row.take_text(0)?, row.take_text(1)?, row.take_text(2)?))).collect()
}

/// Returns those of these names; `digests` and `names` are columns of values.
pub(crate) fn named(rows: &mut Reader, repository: i64, digests: &str, names: &str) -> Result<Vec<LabelRow>, Fault> {
    let found = rows.all(&NAMED, values![repository, digests, names])?;
    found.into_iter().map(|mut row| Ok((row.take_text(0)?, row.take_text(1)?, row.take_text(2)?))).collect()
}

/// Returns up to `count` images of all repositories that have a label of this name with a value between two, both among them.
pub(crate) fn having(
    rows: &mut Reader,
    name: &str,
    (from, to): (&str, &str),
    count: usize,
) -> Result<Vec<ImageKey>, Fault> {
    let found = rows.all(&HAVING, values![name, from, to, count])?;
    found.into_iter().map(|mut row| Ok((row.int(0)?, row.take_text(1)?))).collect()
}

/// Gives an image labels, in place of those of the same names.
pub fn put(tx: &mut Tx, repository: i64, digest: &str, labels: &[(String, String)]) -> Result<(), Fault> {
    let list = labels.iter().map(|(name, value)| json!([name, value])).collect();
    tx.write(&PUT, values![repository, digest, serde_json::Value::Array(list).to_string()])
}

/// Takes labels of these names from an image.
pub fn remove<'a>(
    tx: &mut Tx,
    repository: i64,
    digest: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), Fault> {
    tx.write(&REMOVE, values![repository, digest, column(names)])
}

/// Forgets the labels of an image, which goes.
pub(crate) fn forget(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&FORGET, values![repository, digest])
}

/// Forgets the labels of all images of a repository.
pub(crate) fn forget_all(tx: &mut Tx, repository: i64) -> Result<(), Fault> {
    tx.write(&FORGET_ALL, values![repository])
}

/// Writes the labels of an image of the repository `from` once more, for the same image of `to`.
pub(crate) fn copy(tx: &mut Tx, from: i64, to: i64, digest: &str) -> Result<(), Fault> {
    tx.write(&COPY, values![from, to, digest])
}

//! Every statement on what searches look in: `image_order`, in which all images are read in an order, `image_property`, their labels and
//! platforms, and `image_unread`, those of which these could not be read. Questions along an order are in `image_search.rs`.

use crate::{Change, Query, Reader, Row, Tx, change, image_labels, query, value::column, values};
use gantry_fault::Fault;
use gantry_words::Timestamp;
use serde_json::json;

/// What the configuration of an image says of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// A label.
    Label {
        /// Its name.
        name: String,
        /// Its value, from the beginning.
        value: String,
    },
    /// A platform that it runs on: `os/architecture`, or `os/architecture/variant`.
    Platform(String),
}

/// An image, by the number of its repository and its digest.
pub type ImageKey = (i64, String);

/// Of which images something is asked: those that have it.
#[derive(Clone, Copy, Debug)]
pub enum Having<'a> {
    /// A label of this name, of the configuration or given here, whose value lies between two, both among them.
    Label {
        /// Its name.
        name: &'a str,
        /// The first value, in the order of bytes.
        from: &'a str,
        /// The last.
        to: &'a str,
    },
    /// A platform that lies between two, both among them.
    Platform {
        /// The first, in the order of bytes.
        from: &'a str,
        /// The last.
        to: &'a str,
    },
}

const LABEL: &str = "label";
const PLATFORM: &str = "platform";

static LABELLED: Query = query(
    "SELECT repository, digest FROM image_property WHERE kind = 'label' AND name = $1 AND value >= $2 AND value <= $3
     ORDER BY value, repository, digest LIMIT $4",
);
static OF_PLATFORM: Query = query(
    "SELECT repository, digest FROM image_property WHERE kind = 'platform' AND name >= $1 AND name <= $2
     ORDER BY name, value, repository, digest LIMIT $3",
);
static LABELS: Query = query(
    "SELECT digest, name, value FROM image_property
     WHERE repository = $1 AND kind = 'label' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
         AND name IN (SELECT n.value ->> 0 FROM json_each($3) AS n)
     ORDER BY digest, name",
);
static PLATFORMS: Query = query(
    "SELECT digest, name FROM image_property
     WHERE repository = $1 AND kind = 'platform' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
     ORDER BY digest, name",
);
static THERE: Query = query(
    "SELECT digest FROM manifest
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY digest",
);
static MISSING: Query = query(
    "SELECT m.repository, m.digest FROM json_each($1) AS j CROSS JOIN manifest AS m
         LEFT JOIN image_order AS o ON o.repository = m.repository AND o.digest = m.digest
     WHERE m.repository = CAST(j.value ->> 0 AS BIGINT) AND m.digest = j.value ->> 1 AND o.digest IS NULL
     ORDER BY m.repository, m.digest",
);
static EACH: Query = query(
    "SELECT repository, digest FROM manifest WHERE (repository, digest) > ($1, $2) ORDER BY repository, digest LIMIT $3",
);
static UNREAD: Query = query(
    "SELECT repository, digest FROM image_unread WHERE due_at <= $1
     ORDER BY due_at DESC, repository DESC, digest DESC LIMIT $2",
);
static PUT_ORDER: Change = change(
    "INSERT INTO image_order(repository, digest, pushed_at, tagged_at, pulled_at, bytes)
     SELECT repository, digest, pushed_at, COALESCE(tagged_at, -1), COALESCE(last_pulled_at, -1), bytes FROM manifest
     WHERE repository = $1 AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
     ON CONFLICT (repository, digest) DO NOTHING",
);
static TAGGED: Change = change("UPDATE image_order SET tagged_at = $3 WHERE repository = $1 AND digest = $2");
static PULLED: Change =
    change("UPDATE image_order SET pulled_at = $3 WHERE repository = $1 AND digest = $2 AND pulled_at < $3");
static POSTPONE: Change = change(
    "INSERT INTO image_unread(repository, digest, due_at) VALUES ($1, $2, $3)
     ON CONFLICT (repository, digest) DO UPDATE SET due_at = excluded.due_at",
);
static READ: Change = change("DELETE FROM image_unread WHERE repository = $1 AND digest = $2");
static PUT: Change = change(
    "INSERT INTO image_property(repository, digest, kind, name, value)
     SELECT CAST($1 AS BIGINT), $2, j.value ->> 0, j.value ->> 1, j.value ->> 2 FROM json_each($3) AS j WHERE true
     ON CONFLICT (repository, digest, kind, name) DO NOTHING",
);
static FORGET_ORDER: Change = change("DELETE FROM image_order WHERE repository = $1 AND digest = $2");
static FORGET_ALL_ORDER: Change = change("DELETE FROM image_order WHERE repository = $1");
static COPY_ORDER: Change = change(
    "INSERT INTO image_order(repository, digest, pushed_at, tagged_at, pulled_at, bytes)
     SELECT CAST($2 AS BIGINT), digest, pushed_at, tagged_at, pulled_at, bytes FROM image_order
     WHERE repository = $1 AND digest = $3
     ON CONFLICT (repository, digest) DO NOTHING",
);
static FORGET: Change = change("DELETE FROM image_property WHERE repository = $1 AND digest = $2");
static FORGET_ALL: Change = change("DELETE FROM image_property WHERE repository = $1");
static FORGET_ALL_UNREAD: Change = change("DELETE FROM image_unread WHERE repository = $1");
static COPY: Change = change(
    "INSERT INTO image_property(repository, digest, kind, name, value)
     SELECT CAST($2 AS BIGINT), digest, kind, name, value FROM image_property WHERE repository = $1 AND digest = $3
     ON CONFLICT (repository, digest, kind, name) DO NOTHING",
);
static COPY_UNREAD: Change = change(
    "INSERT INTO image_unread(repository, digest, due_at)
     SELECT CAST($2 AS BIGINT), digest, due_at FROM image_unread WHERE repository = $1 AND digest = $3
     ON CONFLICT (repository, digest) DO NOTHING",
);

fn image_keys(found: Vec<Row>) -> Result<Vec<ImageKey>, Fault> {
    found.into_iter().map(|mut row| Ok((row.int(0)?, row.take_text(1)?))).collect()
}

/// Returns up to `count` images of all repositories that have this, those in the trash included; one more than once where several
/// of its platforms are meant, or its configuration and somebody here say the same.
pub fn having(rows: &mut Reader, having: Having<'_>, count: usize) -> Result<Vec<ImageKey>, Fault> {
    match having {
        Having::Label { name, from, to } => {
            let mut found = image_keys(rows.all(&LABELLED, values![name, from, to, count])?)?;
            found.extend(image_labels::having(rows, name, (from, to), count - found.len())?);
            Ok(found)
        }
        Having::Platform { from, to } => image_keys(rows.all(&OF_PLATFORM, values![from, to, count])?),
    }
}

/// Returns the labels with these names of images of a repository, of configurations and given here: a digest, a name and a value each.
pub fn labels<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, String, String)>, Fault> {
    let (digests, names) = (column(digests), column(names));
    let mut labels = image_labels::named(rows, repository, &digests, &names)?;
    for mut row in rows.all(&LABELS, values![repository, digests, names])? {
        labels.push((row.take_text(0)?, row.take_text(1)?, row.take_text(2)?));
    }
    Ok(labels)
}

/// Returns the platforms of images of a repository: a digest and a platform each.
pub fn platforms<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(String, String)>, Fault> {
    let found = rows.all(&PLATFORMS, values![repository, column(digests)])?;
    found.into_iter().map(|mut row| Ok((row.take_text(0)?, row.take_text(1)?))).collect()
}

/// Returns those of `digests` that a repository holds, in the trash or not.
pub fn there<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, Fault> {
    let found = rows.all(&THERE, values![repository, column(digests)])?;
    found.into_iter().map(|mut row| row.take_text(0)).collect()
}

/// Returns those of `images` that are there, in the trash or not, and not in the index.
pub fn missing(rows: &mut Reader, images: &[ImageKey]) -> Result<Vec<ImageKey>, Fault> {
    let list: Vec<_> = images.iter().map(|(repository, digest)| json!([repository, digest])).collect();
    let found = rows.all(&MISSING, values![serde_json::Value::Array(list).to_string()])?;
    image_keys(found)
}

/// Returns up to `count` images of all repositories after one, in the trash or not.
pub fn each(rows: &mut Reader, (repository, digest): (i64, &str), count: usize) -> Result<Vec<ImageKey>, Fault> {
    let found = rows.all(&EACH, values![repository, digest, count])?;
    image_keys(found)
}

/// Returns up to `count` images whose configuration is to be tried again now.
pub fn unread(rows: &mut Reader, now: Timestamp, count: usize) -> Result<Vec<ImageKey>, Fault> {
    let found = rows.all(&UNREAD, values![now, count])?;
    image_keys(found)
}

/// Puts images that are there into the order of all, as they are now.
pub fn put_order<'a>(tx: &mut Tx, repository: i64, digests: impl IntoIterator<Item = &'a str>) -> Result<(), Fault> {
    tx.write(&PUT_ORDER, values![repository, column(digests)])
}

/// Notes that a tag was set on an image, if it is in the order of all.
pub(crate) fn tagged(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&TAGGED, values![repository, digest, at])
}

/// Notes that an image was pulled, if it is in the order of all.
pub(crate) fn pulled(tx: &mut Tx, repository: i64, digest: &str, at: Timestamp) -> Result<(), Fault> {
    tx.write(&PULLED, values![repository, digest, at])
}

/// Has the configuration of an image tried again later.
pub fn postpone(tx: &mut Tx, repository: i64, digest: &str, until: Timestamp) -> Result<(), Fault> {
    tx.write(&POSTPONE, values![repository, digest, until])
}

/// Notes what the configuration of an image says, which was not read before.
pub fn put(tx: &mut Tx, repository: i64, digest: &str, properties: &[Property]) -> Result<(), Fault> {
    tx.write(&READ, values![repository, digest])?;
    if properties.is_empty() {
        return Ok(());
    }
    let list: Vec<_> = properties
        .iter()
        .map(|property| match property {
            Property::Label { name, value } => json!([LABEL, name, value]),
            Property::Platform(name) => json!([PLATFORM, name, ""]),
        })
        .collect();
    tx.write(&PUT, values![repository, digest, serde_json::Value::Array(list).to_string()])
}

/// Forgets an image.
pub fn forget(tx: &mut Tx, repository: i64, digest: &str) -> Result<(), Fault> {
    for statement in [&READ, &FORGET_ORDER, &FORGET] {
        tx.write(statement, values![repository, digest])?;
    }
    Ok(())
}

/// Forgets all images of a repository.
pub(crate) fn forget_all(tx: &mut Tx, repository: i64) -> Result<(), Fault> {
    for statement in [&FORGET_ALL_UNREAD, &FORGET_ALL_ORDER, &FORGET_ALL] {
        tx.write(statement, values![repository])?;
    }
    Ok(())
}

/// Writes what is known of an image of the repository `from` once more, for the same image of `to`.
pub(crate) fn copy(tx: &mut Tx, from: i64, to: i64, digest: &str) -> Result<(), Fault> {
    for statement in [&COPY, &COPY_ORDER, &COPY_UNREAD] {
        tx.write(statement, values![from, to, digest])?;
    }
    Ok(())
}

//! Every statement that writes what was before an import onto `manifest`, `tag`, `tag_history` and `image_order`: who pushed and
//! tagged elsewhere, and when.

use crate::{Change, Query, Reader, Row, Tx, change, query, search_index, value::column, values};
use gantry_fault::Fault;
use gantry_words::{Moment, Precision};
use serde_json::json;

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRow {
    /// Its digest.
    pub digest: String,
    /// When it was pushed.
    pub pushed: Moment,
    /// By whom.
    pub pushed_by: String,
    /// When it was pulled last.
    pub pulled: Option<Moment>,
}

/// What is known of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// The tag.
    pub name: String,
    /// The image it points to.
    pub digest: String,
    /// When it was set to that image.
    pub set: Moment,
    /// By whom.
    pub set_by: String,
}

/// A line of a tag's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRow {
    /// The tag.
    pub name: String,
    /// Its number: later moves have greater ones.
    pub id: i64,
    /// Where the tag has pointed since; `None` where it was removed.
    pub digest: Option<String>,
    /// Where it pointed before.
    pub previous: Option<String>,
    /// When it was moved.
    pub at: Moment,
    /// By whom.
    pub actor: String,
}

static IMAGES: Query = query(
    "SELECT digest, pushed_at, pushed_at_precision, pushed_by, last_pulled_at, last_pulled_at_precision FROM manifest
     WHERE repository = $1 AND state = 'live' AND digest IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY digest",
);
static TAGS: Query = query(
    "SELECT name, digest, tagged_at, tagged_at_precision, tagged_by FROM tag
     WHERE repository = $1 AND name IN (SELECT j.value ->> 0 FROM json_each($2) AS j) ORDER BY name",
);
/// What an import wrote begins with its mark.
static IMPORTED: Query = query(
    "SELECT name, id, digest, previous, at, at_precision, actor FROM tag_history
     WHERE repository = $1 AND name IN (SELECT j.value ->> 0 FROM json_each($2) AS j) AND substr(actor, 1, 9) = 'imported:'
     ORDER BY name, id",
);
static FIRST_OF_HERE: Query = query(
    "SELECT h.name, h.id, h.digest, h.previous, h.at, h.at_precision, h.actor
     FROM (SELECT min(id) AS id FROM tag_history
           WHERE repository = $1 AND name IN (SELECT j.value ->> 0 FROM json_each($2) AS j)
               AND substr(actor, 1, 9) <> 'imported:'
           GROUP BY name) AS f
         JOIN tag_history AS h ON h.id = f.id
     ORDER BY h.name",
);
static LAST_IDS: Query = query(
    "SELECT CAST(j.value ->> 0 AS BIGINT),
         (SELECT max(h.id) FROM tag_history AS h
          WHERE h.id >= CAST(j.value ->> 0 AS BIGINT) AND h.id < CAST(j.value ->> 1 AS BIGINT))
     FROM json_each($1) AS j ORDER BY 1",
);
static DATE_IMAGE: Change = change(
    "UPDATE manifest SET pushed_at = $3, pushed_at_precision = $4, pushed_by = $5, revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);
static DATE_IN_ORDER: Change = change("UPDATE image_order SET pushed_at = $3 WHERE repository = $1 AND digest = $2");
/// Looks again whether it is later: pulls are noted beside every act.
static PULLED: Change = change(
    "UPDATE manifest SET last_pulled_at = $3, last_pulled_at_precision = $4
     WHERE repository = $1 AND digest = $2 AND (last_pulled_at IS NULL OR last_pulled_at <= $3)",
);
static DATE_TAG: Change = change(
    "UPDATE tag SET tagged_at = $4, tagged_at_precision = $5, tagged_by = $6
     WHERE repository = $1 AND name = $2 AND digest = $3",
);
/// A history stays in the order of its times.
static DATE_MOVE: Change = change(
    "UPDATE tag_history SET at = $6, at_precision = $7, actor = $8
     WHERE repository = $1 AND name = $2 AND digest = $3 AND at = $4 AND actor = $5
         AND NOT EXISTS (SELECT 1 FROM tag_history AS o
                         WHERE o.repository = $1 AND o.name = $2 AND o.id < tag_history.id AND o.at > $6)",
);
static DATE_TAGGED: Change = change(
    "UPDATE manifest SET
         tagged_at = (SELECT t.tagged_at FROM tag AS t WHERE t.repository = $1 AND t.digest = $2
                      ORDER BY t.tagged_at DESC, t.name LIMIT 1),
         tagged_at_precision = (SELECT t.tagged_at_precision FROM tag AS t WHERE t.repository = $1 AND t.digest = $2
                                ORDER BY t.tagged_at DESC, t.name LIMIT 1),
         revision = revision + 1
     WHERE repository = $1 AND digest = $2",
);
static DATE_TAGGED_IN_ORDER: Change = change(
    "UPDATE image_order SET
         tagged_at = COALESCE((SELECT max(t.tagged_at) FROM tag AS t WHERE t.repository = $1 AND t.digest = $2), -1)
     WHERE repository = $1 AND digest = $2",
);
static INSERT_MOVES: Change = change(
    "INSERT INTO tag_history(id, repository, name, digest, previous, at, at_precision, actor, request_id)
     SELECT CAST(j.value ->> 0 AS BIGINT), CAST($1 AS BIGINT), j.value ->> 1, j.value ->> 2, j.value ->> 3,
         CAST(j.value ->> 4 AS BIGINT), j.value ->> 5, j.value ->> 6, $3
     FROM json_each($2) AS j WHERE true",
);
static LINK_MOVE: Change = change("UPDATE tag_history SET previous = $2 WHERE id = $1");

/// Returns the live images among `digests`.
pub fn images<'a>(
    rows: &mut Reader,
    repository: i64,
    digests: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<ImageRow>, Fault> {
    let image = |row: &Row| {
        let pulled_precision = Precision::of(row.text(5)?);
        Ok(ImageRow {
            digest: row.text(0)?.into(),
            pushed: Moment { at: row.time(1)?, precision: Precision::of(row.text(2)?) },
            pushed_by: row.text(3)?.into(),
            pulled: row.opt_time(4)?.map(|at| Moment { at, precision: pulled_precision }),
        })
    };
    rows.all(&IMAGES, values![repository, column(digests)])?.iter().map(image).collect()
}

/// Returns those of these tags that there are.
pub fn tags<'a>(
    rows: &mut Reader,
    repository: i64,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<TagRow>, Fault> {
    let tag = |row: &Row| {
        Ok(TagRow {
            name: row.text(0)?.into(),
            digest: row.text(1)?.into(),
            set: Moment { at: row.time(2)?, precision: Precision::of(row.text(3)?) },
            set_by: row.text(4)?.into(),
        })
    };
    rows.all(&TAGS, values![repository, column(names)])?.iter().map(tag).collect()
}

/// Returns the moves of these tags that imports brought, and of each tag the first that happened here; by tag and number.
pub fn moves(rows: &mut Reader, repository: i64, names: &[&str]) -> Result<Vec<MoveRow>, Fault> {
    let moved = |row: &Row| {
        Ok(MoveRow {
            name: row.text(0)?.into(),
            id: row.int(1)?,
            digest: row.opt_text(2)?.map(str::to_string),
            previous: row.opt_text(3)?.map(str::to_string),
            at: Moment { at: row.time(4)?, precision: Precision::of(row.text(5)?) },
            actor: row.text(6)?.into(),
        })
    };
    let mut found = Vec::new();
    for statement in [&IMPORTED, &FIRST_OF_HERE] {
        let rows = rows.all(statement, values![repository, column(names.iter().copied())])?;
        found.extend(rows.iter().map(moved).collect::<Result<Vec<_>, Fault>>()?);
    }
    found.sort_unstable_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(found)
}

/// Returns, for each of these ranges of numbers (the first, and the one behind the last), the greatest that a move has; a range
/// without one is missing. All that is asked for is named by the first number of its range.
pub fn last_ids(rows: &mut Reader, ranges: &[(i64, i64)]) -> Result<Vec<(i64, i64)>, Fault> {
    if ranges.is_empty() {
        return Ok(vec![]);
    }
    let list = serde_json::Value::Array(ranges.iter().map(|(from, to)| json!([from, to])).collect());
    let found = rows.all(&LAST_IDS, values![list.to_string()])?;
    let last = |row: &Row| Ok(row.opt_int(1)?.zip(Some(row.int(0)?)).map(|(last, from)| (from, last)));
    Ok(found.iter().map(last).collect::<Result<Vec<_>, Fault>>()?.into_iter().flatten().collect())
}

/// Writes when an image was pushed, and by whom.
pub fn date_image(tx: &mut Tx, repository: i64, image: &ImageRow) -> Result<(), Fault> {
    let ImageRow { digest, pushed, pushed_by, .. } = image;
    tx.write(&DATE_IN_ORDER, values![repository, digest, pushed.at])?;
    tx.write(&DATE_IMAGE, values![repository, digest, pushed.at, pushed.precision.as_str(), pushed_by])
}

/// Writes a pull down, where it is later than the one that is noted.
pub fn pulled(tx: &mut Tx, repository: i64, digest: &str, pulled: Moment) -> Result<(), Fault> {
    search_index::pulled(tx, repository, digest, pulled.at)?;
    tx.write(&PULLED, values![repository, digest, pulled.at, pulled.precision.as_str()])
}

/// Writes when a tag was set to where it points, and by whom, also in its history and with its image.
pub fn date_tag(tx: &mut Tx, repository: i64, before: &TagRow, after: &TagRow) -> Result<(), Fault> {
    let TagRow { name, digest, set, set_by } = after;
    let (at, precision) = (set.at, set.precision.as_str());
    tx.write(&DATE_TAG, values![repository, name, digest, at, precision, set_by])?;
    let (was_at, was_by) = (before.set.at, before.set_by.as_str());
    tx.write(&DATE_MOVE, values![repository, name, digest, was_at, was_by, at, precision, set_by])?;
    tx.write(&DATE_TAGGED_IN_ORDER, values![repository, digest])?;
    tx.write(&DATE_TAGGED, values![repository, digest])
}

/// Writes moves that were elsewhere.
pub fn insert_moves(tx: &mut Tx, repository: i64, moves: &[MoveRow], request_id: &str) -> Result<(), Fault> {
    if moves.is_empty() {
        return Ok(());
    }
    let line = |line: &MoveRow| {
        let MoveRow { name, id, digest, previous, at, actor } = line;
        json!([id, name, digest, previous, at.at.millis(), at.precision.as_str(), actor])
    };
    let list = serde_json::Value::Array(moves.iter().map(line).collect());
    tx.write(&INSERT_MOVES, values![repository, list.to_string(), request_id])
}

/// Writes where a tag pointed before a move.
pub fn link_move(tx: &mut Tx, id: i64, previous: Option<&str>) -> Result<(), Fault> {
    tx.write(&LINK_MOVE, values![id, previous])
}

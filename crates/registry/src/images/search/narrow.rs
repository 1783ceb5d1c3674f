//! Among which images all are that have a label or a platform, where a query asks for one.

use super::SearchLimits;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader,
    search_index::{self, Having},
};
use gantry_query::{NameBound, Query};
use gantry_words::Timestamp;
use std::collections::HashMap;

/// Digests by the number of their repository, each once.
pub(super) type Narrowed = HashMap<i64, Vec<String>>;

/// What comes after every text that begins as one does.
const LAST: char = char::MAX;

/// Looks up among which images of all repositories all are that can be meant; `None` where nothing says so, or these are too many.
pub(super) fn narrow(
    rows: &mut Reader,
    query: &Query,
    now: Timestamp,
    limits: SearchLimits,
) -> Result<Option<Narrowed>, Fault> {
    let Some(bounds) = query.bounds(now, |_, _| None) else { return Ok(None) };
    if let Some(label) = bounds.label {
        let (from, to) = range(label.value);
        let having = Having::Label { name: &label.name, from: &from, to: &to };
        if let Some(found) = among(rows, having, limits)? {
            return Ok(Some(found));
        }
    }
    if let Some(platform) = bounds.platform {
        let (from, to) = range(Some(platform));
        return among(rows, Having::Platform { from: &from, to: &to }, limits);
    }
    Ok(None)
}

/// The first and the last text that lie within a bound.
fn range(bound: Option<NameBound>) -> (String, String) {
    match bound {
        Some(NameBound { prefix, is_exact: true }) => (prefix.clone(), prefix),
        Some(NameBound { prefix, is_exact: false }) => {
            let last = format!("{prefix}{LAST}");
            (prefix, last)
        }
        None => (String::new(), LAST.to_string()),
    }
}

fn among(rows: &mut Reader, having: Having<'_>, limits: SearchLimits) -> Result<Option<Narrowed>, Fault> {
    let count = limits.narrowed_max + 1;
    let found = search_index::having(rows, having, count)?;
    if found.len() == count {
        return Ok(None);
    }
    let mut narrowed = Narrowed::new();
    for (repository, digest) in found {
        narrowed.entry(repository).or_default().push(digest);
    }
    for digests in narrowed.values_mut() {
        digests.sort_unstable();
        digests.dedup();
    }
    Ok(Some(narrowed))
}

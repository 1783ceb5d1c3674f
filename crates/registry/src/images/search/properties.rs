//! Which conditions hold of images by their labels and platforms.

use super::walk::Marks;
use gantry_fault::Fault;
use gantry_metadata::{Reader, image_search::SearchRow, search_index};
use gantry_query::{Field, Query, Term};
use std::collections::{BTreeSet, HashMap};

/// Marks the conditions on labels and platforms that hold of images of a repository; returns how many statements and rows that took.
pub(super) fn mark(
    rows: &mut Reader,
    query: &Query,
    repository: i64,
    open: &[&SearchRow],
    marks: &mut [Marks],
) -> Result<(usize, usize), Fault> {
    let places: HashMap<&str, usize> =
        open.iter().enumerate().map(|(place, row)| (row.digest.as_str(), place)).collect();
    let mut note = |digest: &str, holds: &dyn Fn(&Term) -> bool| {
        if let Some(marks) = places.get(digest).and_then(|place| marks.get_mut(*place)) {
            marks.note(query.terms(), holds);
        }
    };
    let digests = || open.iter().map(|row| row.digest.as_str());
    let (mut statements, mut read) = (0, 0);
    let names: BTreeSet<&str> =
        query.terms().iter().filter(|term| term.field() == Field::Label).filter_map(Term::pair_name).collect();
    if !names.is_empty() {
        let found = search_index::labels(rows, repository, digests(), names)?;
        (statements, read) = (statements + 2, read + found.len());
        for (digest, name, value) in &found {
            note(digest, &|term| term.field() == Field::Label && term.matches_pair(name, value));
        }
    }
    if query.asks(Field::Platform) {
        let found = search_index::platforms(rows, repository, digests())?;
        (statements, read) = (statements + 1, read + found.len());
        for (digest, platform) in &found {
            note(digest, &|term| term.field() == Field::Platform && term.matches(platform));
        }
    }
    Ok((statements, read))
}

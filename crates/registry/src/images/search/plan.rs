use super::SearchedRepository;
use gantry_query::{Bounds, Field, NameBound, Order, Query, SortColumn, Term, TimeBound};
use gantry_words::Timestamp;

/// How images come into their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// They are read in it: repository by repository, and along the time within one.
    Walk {
        /// Which end of the time comes first.
        is_newest_first: bool,
    },
    /// All of them are looked at, and sorted.
    Gather,
}

/// A repository in which images may be meant, and where they are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ground {
    pub(super) repository: SearchedRepository,
    pub(super) by: By,
    /// When they were pushed, whatever they are found by.
    pub(super) pushed: TimeBound,
}

/// What images of a repository are found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// How their digests begin.
    Digest(String),
    /// A tag that they have.
    Tag(String),
    /// How a tag begins that they have.
    Tags(String),
    /// The time at which they were pushed.
    Time,
}

/// Decides how a list of images of so many repositories is made. `repositories` are those in which any may be meant.
pub(super) fn plan(order: Order, repositories: usize) -> Plan {
    match order {
        Order { column: SortColumn::Repository, is_descending: false } => Plan::Walk { is_newest_first: true },
        Order { column: SortColumn::Pushed, is_descending } if repositories <= 1 => {
            Plan::Walk { is_newest_first: is_descending }
        }
        _ => Plan::Gather,
    }
}

/// Decides where the images of a repository are looked for; `None` where none there can be meant.
pub(super) fn ground(query: &Query, now: Timestamp, repository: SearchedRepository) -> Option<Ground> {
    let name = repository.name.as_str();
    let known = |_: usize, term: &Term| (term.field() == Field::Repository).then(|| term.matches(name));
    let Bounds { pushed, digest, tag, repository: _ } = query.bounds(now, known)?;
    if pushed.from > pushed.to {
        return None;
    }
    let by = match (digest, tag) {
        (Some(digest), _) => By::Digest(digest.prefix),
        (None, Some(NameBound { prefix, is_exact: true })) => By::Tag(prefix),
        (None, Some(NameBound { prefix, is_exact: false })) => By::Tags(prefix),
        (None, None) => By::Time,
    };
    Some(Ground { repository, by, pushed })
}

use super::{SearchLimits, SearchedRepository, narrow::Narrowed};
use gantry_metadata::image_search::{SortKey, Way};
use gantry_query::{Bounds, Field, NameBound, Order, Query, SortColumn, Term, TimeBound};
use gantry_words::Timestamp;

/// As many images as a statement counts for.
pub(super) const STATEMENT_COST: usize = 10;

/// How images come into their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// They are read in it: repository by repository, and along the time within one.
    Walk {
        /// Which end of the time comes first.
        is_newest_first: bool,
    },
    /// All of them are looked at, and sorted.
    Gather {
        /// What is done where these are too many.
        otherwise: Option<(SortKey, Way)>,
    },
    /// The images of all repositories are read in it, also of others.
    Along { key: SortKey, way: Way },
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
    /// Their digests.
    These(Vec<String>),
    /// How their digests begin.
    Digest(String),
    /// A tag that they have.
    Tag(String),
    /// How a tag begins that they have.
    Tags(String),
    /// The time at which they were pushed.
    Time,
}

impl Ground {
    /// How much of what a page may look at it takes to look at all of it, at most.
    fn cost_max(&self) -> usize {
        let images = match &self.by {
            By::These(digests) => digests.len(),
            By::Tag(_) => 1,
            By::Digest(_) | By::Tags(_) | By::Time => self.repository.image_count,
        };
        images.saturating_add(STATEMENT_COST)
    }

    /// Whether it may be much less.
    fn is_narrow(&self) -> bool {
        self.by != By::Time || self.pushed != TimeBound::default()
    }
}

/// Decides how a list is made of the images of `grounds`. `otherwise` is what all images can be read along.
pub(super) fn plan(order: Order, otherwise: Option<(SortKey, Way)>, grounds: &[Ground], limits: SearchLimits) -> Plan {
    let (key, way) = match (order.column, otherwise) {
        (SortColumn::Repository, _) => return Plan::Walk { is_newest_first: true },
        (SortColumn::Pushed, _) if grounds.len() <= 1 => return Plan::Walk { is_newest_first: order.is_descending },
        (_, None) => return Plan::Gather { otherwise },
        (_, Some(along)) => along,
    };
    let cost = grounds.iter().map(Ground::cost_max).fold(0, usize::saturating_add);
    // Of a time that is asked for no other image is read along the time.
    let is_read_best = |ground: &Ground| key == SortKey::Pushed && ground.by == By::Time;
    let may_be_few = grounds.iter().all(|ground| ground.is_narrow() && !is_read_best(ground))
        && grounds.len().saturating_mul(STATEMENT_COST) < limits.looked_at_max;
    if cost < limits.looked_at_max || may_be_few { Plan::Gather { otherwise } } else { Plan::Along { key, way } }
}

/// What all images are read along for an order; `None` where there is no such index.
pub(super) fn along(order: Order) -> Option<(SortKey, Way)> {
    let key = match order.column {
        SortColumn::Pushed => SortKey::Pushed,
        SortColumn::Tagged => SortKey::Tagged,
        SortColumn::Pulled => SortKey::Pulled,
        SortColumn::Size => SortKey::Size,
        SortColumn::Repository
        | SortColumn::Tags
        | SortColumn::Digest
        | SortColumn::Type
        | SortColumn::Status
        | SortColumn::Pusher
        | SortColumn::Class => return None,
    };
    Some((key, if order.is_descending { Way::Down } else { Way::Up }))
}

/// Decides where the images of a repository are looked for; `None` where none there can be meant. `narrowed` are those among which all
/// are that can be meant, where that is known.
pub(super) fn ground(
    query: &Query,
    now: Timestamp,
    repository: SearchedRepository,
    narrowed: Option<&Narrowed>,
    limits: SearchLimits,
) -> Option<Ground> {
    let name = repository.name.as_str();
    let known = |_: usize, term: &Term| (term.field() == Field::Repository).then(|| term.matches(name));
    let these = match narrowed {
        Some(narrowed) => Some(narrowed.get(&repository.id)?),
        None => None,
    };
    let Bounds { pushed, digest, tag, .. } = query.bounds(now, known)?;
    if pushed.from > pushed.to {
        return None;
    }
    let by = match (these, digest, tag) {
        (Some(these), ..) if these.len() <= limits.candidates_max => By::These(these.clone()),
        (_, Some(digest), _) => By::Digest(digest.prefix),
        (_, None, Some(NameBound { prefix, is_exact: true })) => By::Tag(prefix),
        (_, None, Some(NameBound { prefix, is_exact: false })) => By::Tags(prefix),
        (_, None, None) => By::Time,
    };
    Some(Ground { repository, by, pushed })
}

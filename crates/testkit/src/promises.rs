use gantry_oci::{Digest, Tag};
use gantry_words::Timestamp;
use std::collections::BTreeMap;

/// Something a repository, by its place in the list, may hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Blob(usize, Digest),
    Manifest(usize, Digest),
    Tag(usize, Tag),
}

/// What was acknowledged about a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The last byte of a blob came then; unnamed it is kept for the grace time.
    Since(Timestamp),
    /// A manifest is held until it is removed.
    Until,
    /// A tag points here.
    At(Digest),
}

/// What was acknowledged, and not removed since by a removal that is under way, done, or of unknown end.
///
/// Where two requests were at one thing at once nothing is promised: which of them came last is not known.
#[derive(Default)]
pub(crate) struct Promises {
    held: BTreeMap<Thing, Held>,
    /// How often a thing was about to be changed or removed.
    turns: BTreeMap<Thing, u64>,
    removals: BTreeMap<Thing, u32>,
}

/// The beginning of a push: whether its acknowledgement will be a promise shows at its end.
pub(crate) struct Mark(Option<u64>);

/// A removal, or a tag's move, that is under way.
pub(crate) struct Removal {
    thing: Thing,
    turn: u64,
    old: Option<Held>,
}

/// How a removal ended.
pub(crate) enum End {
    /// The thing is gone.
    Removed,
    /// It was refused, and all is as before.
    Refused,
    /// It is held, and like this.
    Now(Held),
    /// Nobody knows.
    Unknown,
}

impl Promises {
    fn turn(&self, thing: &Thing) -> u64 {
        self.turns.get(thing).copied().unwrap_or(0)
    }

    fn is_being_removed(&self, thing: &Thing) -> bool {
        self.removals.get(thing).is_some_and(|count| *count > 0)
    }

    pub(crate) fn mark(&self, thing: &Thing) -> Mark {
        Mark((!self.is_being_removed(thing)).then(|| self.turn(thing)))
    }

    /// A push that began at `mark` was acknowledged.
    pub(crate) fn hold(&mut self, thing: Thing, mark: &Mark, held: Held) {
        if mark.0 == Some(self.turn(&thing)) {
            self.held.insert(thing, held);
        }
    }

    /// A thing is about to be removed, or a tag to be moved.
    pub(crate) fn begin(&mut self, thing: Thing) -> Removal {
        let turn = self.turns.entry(thing.clone()).or_default();
        *turn += 1;
        *self.removals.entry(thing.clone()).or_default() += 1;
        Removal { turn: *turn, old: self.held.remove(&thing), thing }
    }

    pub(crate) fn end(&mut self, removal: Removal, end: End) {
        let count = self.removals.entry(removal.thing.clone()).or_default();
        *count = count.saturating_sub(1);
        if *count > 0 || self.turn(&removal.thing) != removal.turn {
            return;
        }
        let held = match end {
            End::Removed | End::Unknown => None,
            End::Refused => removal.old,
            End::Now(held) => Some(held),
        };
        if let Some(held) = held {
            self.held.insert(removal.thing, held);
        }
    }

    /// Nothing is known any more of a repository's tags that point to a manifest which is about to be removed, nor of
    /// those that are just being moved.
    pub(crate) fn doubt_tags(&mut self, repository: usize, tags: &[Tag], digest: &Digest) {
        for tag in tags {
            let thing = Thing::Tag(repository, tag.clone());
            *self.turns.entry(thing.clone()).or_default() += 1;
            if self.held.get(&thing) == Some(&Held::At(digest.clone())) {
                self.held.remove(&thing);
            }
        }
    }

    /// All requests are gone; what they removed is in doubt already.
    pub(crate) fn crash(&mut self) {
        self.removals.clear();
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (&Thing, &Held)> {
        self.held.iter()
    }

    pub(crate) fn is_held(&self, thing: &Thing) -> bool {
        self.held.contains_key(thing)
    }
}

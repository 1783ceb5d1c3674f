use gantry_oci::{Digest, Tag};
use gantry_words::Timestamp;
use std::collections::BTreeMap;

/// A repository, by its place, or something that it may hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Repository(usize),
    Blob(usize, Digest),
    Manifest(usize, Digest),
    Tag(usize, Tag),
}

/// What was acknowledged about a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The last byte of a blob came then; unnamed it is kept for the grace time.
    Since(Timestamp),
    /// A repository or manifest is held until it is removed.
    Until,
    /// A tag points here.
    At(Digest),
}

/// What was acknowledged, and not removed since by a removal that is under way, done, or of unknown end.
///
/// Where two requests were at one thing at once nothing is promised: which of them came last is not known. Whoever is at
/// a repository is at all that it holds.
#[derive(Default)]
pub(crate) struct Promises {
    held: BTreeMap<Thing, Held>,
    /// How often a thing was about to be changed or removed.
    turns: BTreeMap<Thing, u64>,
    removals: BTreeMap<Thing, u32>,
}

/// How often a thing was about to be changed, and its repository to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn(u64, u64);

/// The beginning of a push: whether its acknowledgement will be a promise shows at its end.
pub(crate) struct Mark(Option<Turn>);

/// A removal, or a tag's move, that is under way.
pub(crate) struct Removal {
    thing: Thing,
    turn: Turn,
    /// What was promised before, and in which turn.
    old: Vec<(Thing, Held, u64)>,
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

impl Thing {
    /// The place of the repository that it is, or that holds it.
    fn place(&self) -> usize {
        match self {
            Thing::Repository(at) | Thing::Blob(at, _) | Thing::Manifest(at, _) | Thing::Tag(at, _) => *at,
        }
    }

    fn repository(&self) -> Thing {
        Thing::Repository(self.place())
    }
}

impl Removal {
    /// Whether the repository that is removed was promised to hold an image.
    pub(crate) fn takes_an_image(&self) -> bool {
        self.old.iter().any(|(thing, ..)| matches!(thing, Thing::Manifest(..)))
    }
}

impl Promises {
    fn own_turn(&self, thing: &Thing) -> u64 {
        self.turns.get(thing).copied().unwrap_or(0)
    }

    fn turn(&self, thing: &Thing) -> Turn {
        Turn(self.own_turn(thing), self.own_turn(&thing.repository()))
    }

    fn is_being_removed(&self, thing: &Thing) -> bool {
        let is_at = |thing: &Thing| self.removals.get(thing).is_some_and(|count| *count > 0);
        is_at(thing) || is_at(&thing.repository())
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
        let is_taken = |held: &Thing| match &thing {
            Thing::Repository(at) => held.place() == *at,
            thing => held == thing,
        };
        let taken: Vec<Thing> = self.held.keys().filter(|held| is_taken(held)).cloned().collect();
        *self.turns.entry(thing.clone()).or_default() += 1;
        *self.removals.entry(thing.clone()).or_default() += 1;
        let old = taken.into_iter().filter_map(|taken| {
            let turn = self.own_turn(&taken);
            self.held.remove(&taken).map(|held| (taken, held, turn))
        });
        let old = old.collect();
        Removal { turn: self.turn(&thing), old, thing }
    }

    pub(crate) fn end(&mut self, removal: Removal, end: End) {
        let Removal { thing, turn, old } = removal;
        let count = self.removals.entry(thing.clone()).or_default();
        *count = count.saturating_sub(1);
        if self.is_being_removed(&thing) || self.turn(&thing) != turn {
            return;
        }
        match end {
            End::Unknown => {}
            End::Now(held) => drop(self.held.insert(thing.clone(), held)),
            // What has been moved or removed since is not as before.
            End::Refused => {
                for (thing, held, turn) in old {
                    if self.own_turn(&thing) == turn && !self.is_being_removed(&thing) {
                        self.held.entry(thing).or_insert(held);
                    }
                }
            }
            End::Removed => {}
        }
        if let Thing::Repository(_) = thing {
            // What was begun meanwhile may have been done before the deletion or behind it.
            *self.turns.entry(thing).or_default() += 1;
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

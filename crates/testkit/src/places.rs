use gantry_registry::Repository;
use gantry_words::RepositoryName;

/// The names that repositories have, one after the other.
const NAMES: [&str; 3] = ["team/app", "team/base", "mirror"];

/// What clients know of the repositories: each that ever was has a place, by which promises name it.
#[derive(Default)]
pub(crate) struct Places {
    known: Vec<Place>,
    claims: [Claim; NAMES.len()],
}

struct Place {
    repository: Repository,
    /// Its deletion was acknowledged.
    is_deleted: bool,
}

/// Who is about to create or delete a repository of a name. While one deletes nobody else does either: by the name he
/// would not know which one he deletes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Claim {
    #[default]
    Nobody,
    Creators(u32),
    Deleter,
}

/// A repository that a client has found.
#[derive(Clone, Debug)]
pub(crate) struct Here {
    pub(crate) at: usize,
    pub(crate) repository: Repository,
}

/// How many names there are.
pub(crate) const NAMES_COUNT: u64 = NAMES.len() as u64;

pub(crate) fn name(number: usize) -> RepositoryName {
    NAMES[number].parse().expect("these are names")
}

impl Places {
    /// Gives a repository its place, unless it has one.
    pub(crate) fn here(&mut self, repository: Repository) -> Here {
        let known = self.known.iter().position(|place| place.repository.id == repository.id);
        let at = known.unwrap_or_else(|| {
            self.known.push(Place { repository: repository.clone(), is_deleted: false });
            self.known.len() - 1
        });
        Here { at, repository }
    }

    /// The number of each repository in the metadata, by its place.
    pub(crate) fn ids(&self) -> Vec<i64> {
        self.known.iter().map(|place| place.repository.id).collect()
    }

    /// Those that clients may still hold for living ones.
    pub(crate) fn all(&self) -> Vec<Here> {
        let all = self.known.iter().enumerate();
        all.map(|(at, place)| Here { at, repository: place.repository.clone() }).collect()
    }

    pub(crate) fn is_deleted(&self, at: usize) -> bool {
        self.known[at].is_deleted
    }

    pub(crate) fn set_deleted(&mut self, at: usize) {
        self.known[at].is_deleted = true;
    }

    /// Answers whether a repository of this name may be created now.
    pub(crate) fn begin_creation(&mut self, name: usize) -> bool {
        let creators = match self.claims[name] {
            Claim::Nobody => 0,
            Claim::Creators(count) => count,
            Claim::Deleter => return false,
        };
        self.claims[name] = Claim::Creators(creators + 1);
        true
    }

    pub(crate) fn end_creation(&mut self, name: usize) {
        if let Claim::Creators(count) = self.claims[name] {
            self.claims[name] = if count > 1 { Claim::Creators(count - 1) } else { Claim::Nobody };
        }
    }

    /// Answers whether the repository of this name may be deleted now.
    pub(crate) fn begin_deletion(&mut self, name: usize) -> bool {
        let is_free = self.claims[name] == Claim::Nobody;
        if is_free {
            self.claims[name] = Claim::Deleter;
        }
        is_free
    }

    pub(crate) fn end_deletion(&mut self, name: usize) {
        self.claims[name] = Claim::Nobody;
    }

    /// All requests are gone.
    pub(crate) fn crash(&mut self) {
        self.claims = Default::default();
    }
}

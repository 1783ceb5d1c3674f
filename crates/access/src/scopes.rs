use crate::{Access, Action, Resource, ScopeVerb};
use gantry_words::RepositoryName;
use std::{fmt, sync::Arc};

/// The most scopes that are read of one request; what comes after them is not granted.
pub const SCOPES_MAX: usize = 100;
/// The most bytes of scopes that are read of one request.
pub const SCOPES_BYTES_MAX: usize = 8 * 1024;

/// What a token was asked for: verbs on repositories, and perhaps the catalogue. Cheap to clone.
///
/// Text is `repository:team/app:pull,push registry:catalog:*` (the docker registry's token scope grammar). It prints in
/// one way only: the catalogue first, the repositories in the order of their names, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    has_catalog: bool,
    /// In the order of their names, each once, none without a verb.
    repositories: Arc<[(RepositoryName, VerbSet)]>,
}

/// Verbs on one repository. `*` is all of them, and prints as `*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VerbSet(u8);

const STAR: u8 = 0b1000;
const VERBS: [(ScopeVerb, u8, &str); 3] =
    [(ScopeVerb::Pull, 0b001, "pull"), (ScopeVerb::Push, 0b010, "push"), (ScopeVerb::Delete, 0b100, "delete")];

impl VerbSet {
    /// Every verb: `*`.
    pub const ALL: VerbSet = VerbSet(STAR | 0b111);

    /// Whether `verb` is among them.
    pub fn contains(self, verb: ScopeVerb) -> bool {
        VERBS.iter().any(|(known, bit, _)| *known == verb && self.0 & bit != 0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The verbs, in the order they are printed.
    pub fn iter(self) -> impl Iterator<Item = ScopeVerb> {
        VERBS.into_iter().filter(move |(_, bit, _)| self.0 & bit != 0).map(|(verb, _, _)| verb)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits, if they are some set's.
    pub(crate) const fn from_bits(bits: u8) -> Option<VerbSet> {
        match bits {
            1..=0b111 => Some(VerbSet(bits)),
            bits if bits == VerbSet::ALL.0 => Some(VerbSet::ALL),
            _ => None,
        }
    }

    /// Words that are no verb add nothing.
    fn parse(text: &str) -> VerbSet {
        text.split(',').fold(VerbSet::default(), |set, word| match VERBS.iter().find(|(_, _, name)| *name == word) {
            Some((_, bit, _)) => VerbSet(set.0 | bit),
            None if word == "*" => VerbSet::ALL,
            None => set,
        })
    }

    const fn union(self, other: VerbSet) -> VerbSet {
        VerbSet(self.0 | other.0)
    }
}

impl FromIterator<ScopeVerb> for VerbSet {
    fn from_iter<I: IntoIterator<Item = ScopeVerb>>(verbs: I) -> Self {
        let bit = |verb| VERBS.iter().find(|(known, _, _)| *known == verb).map_or(0, |(_, bit, _)| *bit);
        VerbSet(verbs.into_iter().fold(0, |set, verb| set | bit(verb)))
    }
}

impl fmt::Display for VerbSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & STAR != 0 {
            return f.write_str("*");
        }
        let mut comma = "";
        for (_, _, name) in VERBS.iter().filter(|(_, bit, _)| self.0 & bit != 0) {
            write!(f, "{comma}{name}")?;
            comma = ",";
        }
        Ok(())
    }
}

impl Default for Scopes {
    fn default() -> Self {
        Scopes { has_catalog: false, repositories: Arc::new([]) }
    }
}

impl Scopes {
    /// Reads scopes, each text holding one or more with blanks between them.
    ///
    /// Several scopes for one repository are joined. What cannot be read (unknown types and verbs, names that are no
    /// repository's, everything beyond [`SCOPES_MAX`] and [`SCOPES_BYTES_MAX`]) is passed over: less is asked for then.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut building = Building::default();
        let mut bytes_left = SCOPES_BYTES_MAX;
        let scopes = texts.into_iter().flat_map(|text| text.split(' ')).filter(|scope| !scope.is_empty());
        for scope in scopes.take(SCOPES_MAX) {
            match bytes_left.checked_sub(scope.len()) {
                Some(left) => bytes_left = left,
                None => break,
            }
            building.add_text(scope);
        }
        building.done()
    }

    /// The scopes to ask for so that `needs` lie within them. Whoever pushes also reads back.
    pub fn of(needs: &[Access]) -> Self {
        let mut building = Building::default();
        for access in needs {
            match (access.action.scope_verb(), &access.resource) {
                (Some(ScopeVerb::Catalog), _) => building.has_catalog = true,
                (Some(ScopeVerb::Push), Resource::Repository(name)) => {
                    building.add(name.clone(), [ScopeVerb::Pull, ScopeVerb::Push].into_iter().collect());
                }
                (Some(verb), Resource::Repository(name)) => building.add(name.clone(), [verb].into_iter().collect()),
                (_, Resource::Registry | Resource::Repositories | Resource::Owned { .. } | Resource::Arn(_))
                | (None, _) => {}
            }
        }
        building.done()
    }

    /// From repositories that are in the order of their names, each once; `None` where they are not.
    pub(crate) fn from_sorted(has_catalog: bool, repositories: Vec<(RepositoryName, VerbSet)>) -> Option<Self> {
        let is_sorted = repositories.windows(2).all(|pair| pair[0].0 < pair[1].0);
        is_sorted.then(|| Scopes { has_catalog, repositories: repositories.into() })
    }

    /// Whether `access` lies within: one of its actions, that is.
    pub fn allows(&self, access: &Access) -> bool {
        access.actions().any(|action| self.allows_action(action, &access.resource))
    }

    fn allows_action(&self, action: Action, resource: &Resource) -> bool {
        action.scope_verbs().iter().any(|verb| match (verb, resource) {
            (ScopeVerb::Catalog, _) => self.has_catalog,
            (_, Resource::Registry | Resource::Repositories | Resource::Owned { .. } | Resource::Arn(_)) => false,
            (verb, Resource::Repository(name)) => self.verbs(name).contains(*verb),
        })
    }

    /// Returns the verbs on a repository.
    pub fn verbs(&self, name: &RepositoryName) -> VerbSet {
        let found = self.repositories.binary_search_by(|(known, _)| known.cmp(name));
        found.map_or(VerbSet::default(), |at| self.repositories[at].1)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        !self.has_catalog && self.repositories.is_empty()
    }

    /// Whether the catalogue is among them.
    pub const fn has_catalog(&self) -> bool {
        self.has_catalog
    }

    /// The repositories with their verbs, in the order of their names.
    pub fn repositories(&self) -> &[(RepositoryName, VerbSet)] {
        &self.repositories
    }

    /// Returns whether there is a verb among them that changes something.
    pub fn has_writes(&self) -> bool {
        self.repositories.iter().any(|(_, verbs)| verbs.contains(ScopeVerb::Push) || verbs.contains(ScopeVerb::Delete))
    }

    /// Returns those of the scopes that `keeps` says yes to, verb by verb. A `*` that loses a verb becomes the others.
    #[must_use]
    pub fn filter(&self, mut keeps: impl FnMut(ScopeVerb, &Resource) -> bool) -> Self {
        let mut building = Building {
            has_catalog: self.has_catalog && keeps(ScopeVerb::Catalog, &Resource::Repositories),
            ..Building::default()
        };
        for (name, verbs) in self.repositories.iter() {
            let resource = Resource::Repository(name.clone());
            let kept: VerbSet = verbs.iter().filter(|verb| keeps(*verb, &resource)).collect();
            building.add(name.clone(), if kept.0 | STAR == verbs.0 { *verbs } else { kept });
        }
        building.done()
    }

    /// Returns the first scopes, as many as `bytes_max` bytes hold where each takes its name and two bytes.
    pub(crate) fn cut_to(&self, bytes_max: usize) -> Self {
        let mut bytes = 0;
        let fits = |(name, _): &&(RepositoryName, VerbSet)| {
            bytes += name.as_str().len() + 2;
            bytes <= bytes_max
        };
        let count = self.repositories.iter().take(SCOPES_MAX).take_while(fits).count();
        if count == self.repositories.len() {
            return self.clone();
        }
        Scopes { has_catalog: self.has_catalog, repositories: self.repositories[..count].into() }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blank = "";
        if self.has_catalog {
            f.write_str("registry:catalog:*")?;
            blank = " ";
        }
        for (name, verbs) in self.repositories.iter() {
            write!(f, "{blank}repository:{name}:{verbs}")?;
            blank = " ";
        }
        Ok(())
    }
}

/// Scopes as they are gathered, kept in order.
#[derive(Default)]
struct Building {
    has_catalog: bool,
    repositories: Vec<(RepositoryName, VerbSet)>,
}

impl Building {
    fn add(&mut self, name: RepositoryName, verbs: VerbSet) {
        if verbs.is_empty() {
            return;
        }
        match self.repositories.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(at) => self.repositories[at].1 = self.repositories[at].1.union(verbs),
            Err(at) => self.repositories.insert(at, (name, verbs)),
        }
    }

    /// `type[(class)]:name:verb[,verb]`: the name may hold a colon, so type and verbs are cut off from the ends.
    fn add_text(&mut self, scope: &str) {
        let Some((kind, (name, verbs))) =
            scope.split_once(':').and_then(|(kind, rest)| Some((kind, rest.rsplit_once(':')?)))
        else {
            return;
        };
        match without_class(kind) {
            Some("repository") => {
                if let Ok(name) = name.parse() {
                    self.add(name, VerbSet::parse(verbs));
                }
            }
            Some("registry") if name == "catalog" => self.has_catalog |= verbs.split(',').any(|verb| verb == "*"),
            _ => {}
        }
    }

    fn done(self) -> Scopes {
        Scopes { has_catalog: self.has_catalog, repositories: self.repositories.into() }
    }
}

/// `repository(plugin)` is a repository too.
fn without_class(kind: &str) -> Option<&str> {
    match kind.split_once('(') {
        None => Some(kind),
        Some((kind, class)) => {
            let class = class.strip_suffix(')')?;
            let is_class =
                !class.is_empty() && class.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            is_class.then_some(kind)
        }
    }
}

#[cfg(test)]
mod tests;

//! All images of a registry matched at once: each version of each package is looked at once, however many images hold it.

use super::rules::{NameRules, Versioned};
use super::subject::{self, Choice, Subject};
use super::{Options, by_version};
use crate::{Inventory, Knowledge, KnowledgeError, KnowledgeSource};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The package versions of many images, each once, as what advisories are looked up by.
#[derive(Clone, Debug, Default)]
pub struct Interned {
    names: BTreeMap<KnowledgeSource, BTreeMap<String, Vec<u32>>>,
    known: HashMap<(KnowledgeSource, String, Versioned), u32>,
    versions: Vec<Versioned>,
}

/// A flaw that a package version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    /// The package version, by the number that [`Interned::add`] gave it.
    pub package: u32,
    /// The flaw, by its number in the [`Knowledge`] that was asked ([`Knowledge::flaw_id`]).
    pub flaw: u32,
}

impl Interned {
    /// Takes an image, and returns the numbers of its package versions, sorted. Packages about which nothing can be said
    /// have none.
    pub fn add(&mut self, inventory: &Inventory, options: &Options) -> Vec<u32> {
        let mut numbers: Vec<u32> = by_version(&inventory.packages)
            .filter_map(|(package, _)| match subject::choose(package, inventory.distribution.as_ref(), options) {
                Choice::LookUp(subject) => Some(self.number(subject)),
                Choice::Undecided(_) | Choice::LeftOut(_) => None,
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Returns how many package versions there are.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    fn number(&mut self, Subject { source, name, version }: Subject) -> u32 {
        let next = u32::try_from(self.versions.len()).unwrap_or(u32::MAX);
        let Interned { names, known, versions } = self;
        *known.entry((source.clone(), name.clone(), version.clone())).or_insert_with(|| {
            names.entry(source).or_default().entry(name).or_default().push(next);
            versions.push(version);
            next
        })
    }
}

/// Matches everything, in the order of sources and names.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub fn match_all(interned: &Interned, knowledge: &Knowledge) -> Result<Vec<Match>, KnowledgeError> {
    let mut found = Vec::new();
    for (source, names) in &interned.names {
        for (name, packages) in names {
            match_name(interned, knowledge, source, name, packages, &mut found)?;
        }
    }
    Ok(found)
}

/// Matches the package versions of some names only, those of [`Knowledge::changed_since`]: what else was found before
/// still holds. Returns the numbers of the package versions that were looked at, and what holds for them.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub fn match_names(
    interned: &Interned,
    knowledge: &Knowledge,
    changed: &[(KnowledgeSource, String)],
) -> Result<(Vec<u32>, Vec<Match>), KnowledgeError> {
    let (mut looked_at, mut found) = (Vec::new(), Vec::new());
    // What is looked up in those of Pro may be judged by the release's.
    let pros = changed.iter().filter_map(|(source, name)| Some((source.with_pro()?, name)));
    let names: BTreeSet<_> = changed.iter().map(|(source, name)| (source.clone(), name)).chain(pros).collect();
    for (source, name) in &names {
        if let Some(packages) = interned.names.get(source).and_then(|names| names.get(*name)) {
            looked_at.extend_from_slice(packages);
            match_name(interned, knowledge, source, name, packages, &mut found)?;
        }
    }
    Ok((looked_at, found))
}

fn match_name(
    interned: &Interned,
    knowledge: &Knowledge,
    source: &KnowledgeSource,
    name: &str,
    packages: &[u32],
    found: &mut Vec<Match>,
) -> Result<(), KnowledgeError> {
    let Some(info) = knowledge.sources().get(&subject::that_counts(source, knowledge)) else { return Ok(()) };
    let Some(place) = knowledge.rules(info, name)? else { return Ok(()) };
    let rules = NameRules::read(knowledge, place)?;
    for package in packages {
        let Some(version) = interned.versions.get(*package as usize) else { continue };
        let hits = rules.judge(knowledge, version, |_| true)?.hits;
        let mut flaws: Vec<u32> = hits.iter().map(|hit| hit.flaw).collect();
        flaws.dedup();
        found.extend(flaws.into_iter().map(|flaw| Match { package: *package, flaw }));
    }
    Ok(())
}

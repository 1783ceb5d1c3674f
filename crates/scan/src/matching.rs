//! Which advisories speak of the packages of an image.
//!
//! | file | what |
//! |---|---|
//! | `matching/findings.rs` | from what holds to a [`Finding`] |
//! | `matching/releases.rs` | whose advisories are a distribution's, and until when it is looked after |
//! | `matching/rematch.rs` | [`Interned`], [`match_all`]: all images of a registry at once |
//! | `matching/rules.rs` | whether a version is affected |
//! | `matching/subject.rs` | what to look up for a package |

mod findings;
mod releases;
mod rematch;
mod rules;
mod subject;

pub use rematch::{Interned, Match, match_all, match_names};
pub use subject::looked_up;
pub(crate) use subject::{is_judged, lookup_name};

use crate::{
    ChangedName, Distribution, Finding, Installed, Inventory, Knowledge, KnowledgeError, Package, PackageType,
    Undecided, exploitation,
};
use findings::Findings;
use rules::NameRules;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry},
    rc::Rc,
};
use subject::{Choice, Subject};

/// How to match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether kernel headers (`linux-libc-dev`) have the kernel's flaws.
    pub kernel_headers: KernelHeaders,
}

/// What becomes of kernel headers: they are built from the kernel's source, and hold no kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelHeaders {
    /// They are left out, and said to be.
    #[default]
    LeftOut,
    /// They are matched as the kernel.
    Matched,
}

/// What is wrong with an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matched {
    /// Flaws, by package and then by id.
    pub findings: Vec<Finding>,
    /// Packages about which nothing, or not all, can be said.
    pub undecided: Vec<Undecided>,
    /// Packages that were left out on purpose, and why.
    pub left_out: Vec<Undecided>,
    /// The end of the distribution's support, where its day is known: whether it is past is for the caller to say.
    pub end_of_life: Option<EndOfLife>,
}

/// When a release ceases to be looked after.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndOfLife {
    /// The release: `Debian:9`.
    pub release: String,
    /// Its last day, `YYYY-MM-DD`, of the distribution's own (not paid) support.
    pub day: String,
}

impl EndOfLife {
    /// Says what follows, where its last day lies before a time (RFC 3339): flaws that were found since then are in no advisory.
    pub fn warning(&self, now: &str) -> Option<String> {
        let is_past = now.get(..10).is_some_and(|today| today > self.day.as_str());
        let EndOfLife { release, day } = self;
        is_past.then(|| {
            format!("{release} is not looked after since {day}: flaws found later are not told, and have no fixes")
        })
    }
}

/// Finds what advisories say about the packages of an image: one finding per flaw, package and version, with all paths.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub fn find(inventory: &Inventory, knowledge: &Knowledge, options: &Options) -> Result<Matched, KnowledgeError> {
    find_into(Findings::new(knowledge), inventory, knowledge, options)
}

/// As [`find`], but for titles, descriptions and references, which are left empty: to read them takes longer than all else, and
/// [`titles_of`] has the titles of those that somebody looks at.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub fn find_without_texts(
    inventory: &Inventory,
    knowledge: &Knowledge,
    options: &Options,
) -> Result<Matched, KnowledgeError> {
    find_into(Findings::without_texts(knowledge), inventory, knowledge, options)
}

fn find_into<'a>(
    mut findings: Findings<'a>,
    inventory: &Inventory,
    knowledge: &'a Knowledge,
    options: &Options,
) -> Result<Matched, KnowledgeError> {
    let distribution = inventory.distribution.as_ref();
    let mut matched = Matched { end_of_life: distribution.and_then(releases::end_of_life), ..Matched::default() };
    let mut known = KnownRules::new();
    for (package, paths) in by_version(&inventory.packages) {
        let undecided = |reason: String| Undecided {
            kind: package.kind,
            name: package.name.clone(),
            version: package.version.clone(),
            reason,
        };
        match look_up(package, distribution, knowledge, options, &mut known)? {
            Looked::Up(subject, rules) => {
                let verdicts = rules.judge(knowledge, &subject.version, |_| true)?;
                if let Some(of_name) = verdicts.unknown {
                    matched.undecided.push(undecided(rules.why_unknown(knowledge, of_name, &subject.version)?));
                }
                findings.add(package, &paths, &subject, &rules, &verdicts.hits)?;
            }
            Looked::Clean => (),
            Looked::Undecided(reason) => matched.undecided.push(undecided(reason)),
            Looked::LeftOut(reason) => matched.left_out.push(undecided(reason)),
        }
    }
    matched.findings = findings.finish();
    exploitation::join_by(&mut matched.findings, |cve| knowledge.exploitation(cve))?;
    Ok(matched)
}

/// Says why nobody's advisories speak of an image's distribution, or those that do are not here; `None` where they are, or no file
/// names one and no package needs it. `undecided` is what [`find`] could not say.
pub fn unsupported(inventory: &Inventory, undecided: &[Undecided]) -> Option<String> {
    let said = undecided.iter().find(|one| one.kind.is_distribution() && one.reason.starts_with(subject::UNSUPPORTED));
    let unknown = || {
        let distribution = inventory.distribution.as_ref()?;
        releases::source(distribution).is_none().then(|| subject::unknown_distribution(distribution))
    };
    said.map(|one| one.reason.clone()).or_else(unknown)
}

/// A package, and flaws of it.
#[derive(Clone, Copy, Debug)]
pub struct Flawed<'a> {
    /// The package.
    pub package: &'a Package,
    /// The distribution of its image.
    pub distribution: Option<&'a Distribution>,
    /// The flaws' ids, as [`find`] has them.
    pub ids: &'a BTreeSet<&'a str>,
}

/// Returns, for each of these packages, the titles of the flaws that it has, by their ids, as [`find`] has them.
///
/// The rules of a name are read once for all its versions, and those about other flaws are not judged.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub fn titles_of(
    wanted: &[Flawed<'_>],
    knowledge: &Knowledge,
    options: &Options,
) -> Result<Vec<BTreeMap<String, String>>, KnowledgeError> {
    let ids: HashSet<&str> = wanted.iter().flat_map(|one| one.ids).copied().collect();
    let (mut known, mut findings) = (KnownRules::new(), Findings::new(knowledge));
    let mut flaws: HashMap<ChangedName, HashSet<u32>> = HashMap::new();
    let mut titles = Vec::with_capacity(wanted.len());
    for Flawed { package, distribution, ids: own } in wanted {
        if let Looked::Up(subject, rules) = look_up(package, *distribution, knowledge, options, &mut known)? {
            let flaws = match flaws.entry((subject.source.clone(), subject.name.clone())) {
                Entry::Occupied(flaws) => flaws.into_mut(),
                Entry::Vacant(place) => place.insert(rules.flaws_with(knowledge, &ids)?),
            };
            let is_about_one = |of_rule: &[u32]| of_rule.iter().any(|flaw| flaws.contains(flaw));
            let mut hits = Vec::new();
            for hit in rules.judge(knowledge, &subject.version, is_about_one)?.hits {
                if own.contains(knowledge.flaw_id(hit.flaw)?) {
                    hits.push(hit);
                }
            }
            findings.add(package, &[], &subject, &rules, &hits)?;
        }
        titles.push(findings.take().into_iter().map(|finding| (finding.id, finding.title)).collect());
    }
    Ok(titles)
}

/// What there is to judge a package by.
enum Looked<'a> {
    Up(Box<Subject>, Rc<NameRules<'a>>),
    Clean,
    Undecided(String),
    LeftOut(String),
}

/// The rules of names that were looked up; `None` where no advisory names them.
type KnownRules<'a> = HashMap<ChangedName, Option<Rc<NameRules<'a>>>>;

fn look_up<'a>(
    package: &Package,
    distribution: Option<&Distribution>,
    knowledge: &'a Knowledge,
    options: &Options,
    known: &mut KnownRules<'a>,
) -> Result<Looked<'a>, KnowledgeError> {
    let mut subject = match subject::choose(package, distribution, options) {
        Choice::LookUp(subject) => subject,
        Choice::Undecided(reason) => return Ok(Looked::Undecided(reason)),
        Choice::LeftOut(reason) => return Ok(Looked::LeftOut(reason)),
    };
    subject.source = subject::that_counts(&subject.source, knowledge);
    let Some(info) = knowledge.sources().get(&subject.source) else {
        let (unsupported, source) = (subject::UNSUPPORTED, &subject.source);
        let reason = format!("{unsupported}: there are no advisories for {source}; import a feed of them");
        return Ok(Looked::Undecided(reason));
    };
    let name = (subject.source.clone(), subject.name.clone());
    let rules = match known.get(&name) {
        Some(rules) => rules.clone(),
        None => {
            let place = knowledge.rules(info, &subject.name)?;
            let rules = place.map(|place| NameRules::read(knowledge, place)).transpose()?.map(Rc::new);
            known.insert(name, rules.clone());
            rules
        }
    };
    Ok(rules.map_or(Looked::Clean, |rules| Looked::Up(Box::new(subject), rules)))
}

type ByVersion<'a> = BTreeMap<(PackageType, &'a str, &'a str), (&'a Package, Vec<String>)>;

fn by_version(installed: &[Installed]) -> impl Iterator<Item = (&Package, Vec<String>)> {
    let mut found: ByVersion = BTreeMap::new();
    for Installed { package, path, .. } in installed {
        let key = (package.kind, package.name.as_str(), package.version.as_str());
        found.entry(key).or_insert_with(|| (package, Vec::new())).1.push(path.clone());
    }
    found.into_values().map(|(package, mut paths)| {
        paths.sort();
        paths.dedup();
        (package, paths)
    })
}

#[cfg(test)]
mod tests;

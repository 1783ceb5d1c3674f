//! Which licences may be in an image.

use super::spdx_expression;
use crate::Package;

/// Entries of each list of a policy at most.
const ENTRIES_MAX: usize = 1_000;
/// Bytes of an entry at most.
const ENTRY_BYTES_MAX: usize = 128;

/// Which licences may be in an image.
///
/// An entry is an SPDX licence (`MIT`), one with its exception (`GPL-2.0-only WITH Classpath-exception-2.0`), a family
/// (`AGPL-*`), or words of a packager that are no SPDX name, compared in any case. An entry without an exception means
/// the licence with and without one; an allowed entry that names the exception beats a denied one that does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LicencePolicy {
    /// What may not be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// What alone may be; where it is `None`, everything that is not denied. With it, a package of which no licence is
    /// known is in breach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub allowed: Option<Vec<String>>,
}

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LicencePolicyError {
    /// A list is too long.
    #[error("a list has {entries} licences; it may have {ENTRIES_MAX}: name families such as \"GPL-*\" instead")]
    TooMany {
        /// Its length.
        entries: usize,
    },
    /// An entry names nothing that can be compared.
    #[error("{entry:?} is not one licence; write one (\"MIT\") or a family (\"AGPL-*\"), each in an entry of its own")]
    Entry {
        /// The entry.
        entry: String,
    },
}

/// A package that a policy does not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceBreach<'p> {
    /// The package.
    pub package: &'p Package,
    /// The licence that breaks it: an SPDX expression or the packager's words. `None` where none is known.
    pub licence: Option<String>,
    /// Why.
    pub reason: BreachReason,
}

/// Why a licence breaks a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachReason {
    /// It cannot be chosen without a denied licence.
    Denied,
    /// It is none of the allowed ones.
    NotAllowed,
    /// No licence is known, and only some are allowed.
    Unknown,
}

impl LicencePolicy {
    /// Checks the entries.
    ///
    /// # Errors
    /// [`LicencePolicyError`] for the first that cannot be compared.
    pub fn check(&self) -> Result<(), LicencePolicyError> {
        for entries in [Some(&self.denied), self.allowed.as_ref()].into_iter().flatten() {
            if entries.len() > ENTRIES_MAX {
                return Err(LicencePolicyError::TooMany { entries: entries.len() });
            }
            if let Some(entry) = entries.iter().find(|entry| !is_one_licence(entry)) {
                return Err(LicencePolicyError::Entry { entry: entry.clone() });
            }
        }
        Ok(())
    }

    /// Returns what breaks the policy, in the order of the packages; each package once, by its first licence that does.
    ///
    /// All licences of a package hold together. Within an expression `OR` is a choice: it is broken when every choice is.
    pub fn breaches<'p>(&self, packages: impl IntoIterator<Item = &'p Package>) -> Vec<LicenceBreach<'p>> {
        let rules = Rules { denied: entries(&self.denied), allowed: self.allowed.as_deref().map(entries) };
        packages.into_iter().filter_map(|package| rules.breach(package)).collect()
    }
}

fn is_one_licence(entry: &str) -> bool {
    let fits = !entry.trim().is_empty() && entry.len() <= ENTRY_BYTES_MAX && !entry.contains(char::is_control);
    let name = entry.strip_suffix('*').unwrap_or(entry);
    let is_compound = spdx_expression(name).is_some_and(|one| one.contains(" AND ") || one.contains(" OR "));
    fits && !name.contains('*') && !is_compound
}

/// An entry of a list, ready to be compared: in lower case.
enum Entry {
    Exact(String),
    Family(String),
}

fn entries(words: &[String]) -> Vec<Entry> {
    let entry = |words: &String| match words.trim().strip_suffix('*') {
        Some(prefix) => Entry::Family(prefix.to_ascii_lowercase()),
        None => Entry::Exact(spdx_expression(words).unwrap_or_else(|| words.trim().to_owned()).to_ascii_lowercase()),
    };
    words.iter().map(entry).collect()
}

struct Rules {
    denied: Vec<Entry>,
    allowed: Option<Vec<Entry>>,
}

impl Rules {
    fn breach<'p>(&self, package: &'p Package) -> Option<LicenceBreach<'p>> {
        if package.licences.is_empty() {
            let unknown = || LicenceBreach { package, licence: None, reason: BreachReason::Unknown };
            return self.allowed.is_some().then(unknown);
        }
        package.licences.iter().find_map(|words| {
            let licence = spdx_expression(words).unwrap_or_else(|| words.clone());
            let reason = self.judge(&licence)?;
            Some(LicenceBreach { package, licence: Some(licence), reason })
        })
    }

    /// Says why a licence is not let in; `None` where it is.
    fn judge(&self, licence: &str) -> Option<BreachReason> {
        let holds = |may: &dyn Fn(&str) -> bool| match spdx::Expression::parse(licence) {
            Ok(expression) => expression.evaluate(|requirement| may(&requirement.to_string())),
            Err(_) => may(licence),
        };
        if !holds(&|name| !self.denies(name)) {
            Some(BreachReason::Denied)
        } else if !holds(&|name| !self.denies(name) && self.allows(name)) {
            Some(BreachReason::NotAllowed)
        } else {
            None
        }
    }

    fn denies(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let (bare, exception) = split_exception(&name);
        let is_excepted = exception.is_some() && names(self.allowed.as_deref().unwrap_or_default(), &name);
        !is_excepted && (names(&self.denied, &name) || names(&self.denied, bare))
    }

    fn allows(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let (bare, _) = split_exception(&name);
        self.allowed.as_ref().is_none_or(|allowed| names(allowed, &name) || names(allowed, bare))
    }
}

fn split_exception(name: &str) -> (&str, Option<&str>) {
    name.split_once(" with ").map_or((name, None), |(bare, exception)| (bare, Some(exception)))
}

/// Tells whether a list names a licence; a family never means the licence with an exception by itself.
fn names(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| match entry {
        Entry::Exact(exact) => exact == name,
        Entry::Family(prefix) => !name.contains(" with ") && name.starts_with(prefix.as_str()),
    })
}

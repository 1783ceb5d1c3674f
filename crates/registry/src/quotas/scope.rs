//! Which repositories a quota is for: pure.

use gantry_words::RepositoryName;
use std::{fmt, str::FromStr};

/// Which repositories a quota is for: `*` all of the account, `team/*` those below a prefix, `team/app` one, which need not exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaScope(Box<str>);

/// Why a text is no scope of a quota.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no scope of a quota; write * for all repositories, team/* for those below a prefix, team/app for one"
)]
pub struct QuotaScopeError(String);

impl FromStr for QuotaScope {
    type Err = QuotaScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || QuotaScopeError(text.into());
        let name = match text.strip_suffix('*') {
            Some("") => return Ok(QuotaScope(text.into())),
            // As good as a prefix is a name that begins so.
            Some(prefix) if prefix.ends_with('/') => format!("{prefix}aa"),
            Some(_) => return Err(wrong()),
            None => text.to_string(),
        };
        name.parse::<RepositoryName>().map_err(|_| wrong())?;
        Ok(QuotaScope(text.into()))
    }
}

impl fmt::Display for QuotaScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl QuotaScope {
    /// How it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names it means, in the order of their bytes: from the first of them to before the second.
    pub(super) fn range(&self) -> (String, String) {
        // No name has a character that comes after `~`, and none that comes before `!`.
        match self.0.strip_suffix('*') {
            Some(prefix) => (prefix.into(), format!("{prefix}~")),
            None => (self.0.as_ref().into(), format!("{}!", self.0)),
        }
    }
}

/// Returns every scope that means a repository.
pub(crate) fn scopes_of(name: &RepositoryName) -> Vec<String> {
    let name = name.as_str();
    let prefixes = name.match_indices('/').map(|(at, _)| format!("{}*", &name[..=at]));
    ["*".to_string()].into_iter().chain(prefixes).chain([name.to_string()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_all_a_prefix_or_a_repository() {
        for text in ["*", "team/*", "team/web/*", "a/*", "team/app", "app"] {
            assert_eq!(text.parse::<QuotaScope>().unwrap().as_str(), text);
        }
        for text in ["", "team*", "/*", "team//*", "Team/*", "team/*/app", "**", "team/"] {
            assert_eq!(text.parse::<QuotaScope>(), Err(QuotaScopeError(text.into())), "{text}");
        }
    }

    #[test]
    fn the_range_of_a_scope_has_the_names_that_it_means_and_no_other() {
        let names = ["team", "team-b/app", "team.b", "team/app", "team/app/x", "team/app2", "team0", "zoo"];
        for scope in ["*", "team/*", "team/app", "team/app/*", "zoo"] {
            let (first, end) = scope.parse::<QuotaScope>().unwrap().range();
            for name in names {
                let is_meant = scopes_of(&name.parse().unwrap()).iter().any(|known| known == scope);
                assert_eq!((first.as_str()..end.as_str()).contains(&name), is_meant, "{scope} {name}");
            }
        }
    }
}

use gantry_words::RepositoryName;
use std::{cmp::Ordering, fmt, str::FromStr};

/// Which repositories something holds for: `*` for all, `team/*` for those below a prefix, `team/app` for one.
///
/// The order is that of how much is meant: of two scopes that mean the same repository the greater one is the more specific.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateScope {
    text: Box<str>,
    /// The name or prefix, without what stands for all below it.
    name: Box<str>,
    is_prefix: bool,
}

/// Why a text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no scope; write * for all repositories, team/* for those below a prefix, or team/app for one")]
pub struct GateScopeError {
    text: String,
}

impl GateScope {
    /// Returns it as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether a repository is meant. `team/*` means `team/app` and `team/a/b`, and not `team`.
    pub fn means(&self, repository: &str) -> bool {
        match (self.is_prefix, &*self.name) {
            (true, "") => true,
            (true, prefix) => repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')),
            (false, name) => repository == name,
        }
    }
}

impl FromStr for GateScope {
    type Err = GateScopeError;
    fn from_str(text: &str) -> Result<Self, GateScopeError> {
        let (name, is_prefix) = match text.strip_suffix("/*") {
            Some(prefix) => (prefix, true),
            None if text == "*" => ("", true),
            None => (text, false),
        };
        let is_name = || name.parse::<RepositoryName>().is_ok();
        if text != "*" && !is_name() {
            return Err(GateScopeError { text: text.chars().take(300).collect() });
        }
        Ok(GateScope { text: text.into(), name: name.into(), is_prefix })
    }
}

impl Ord for GateScope {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |scope: &GateScope| (!scope.is_prefix, scope.name.len());
        rank(self).cmp(&rank(other)).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for GateScope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for GateScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for GateScope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for GateScope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

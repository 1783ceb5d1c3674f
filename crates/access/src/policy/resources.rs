//! The resources of a statement.

use super::json::Node;
use super::pattern::ArnPattern;
use super::{Context, PolicyPlace};

/// `Resource`, or all but those of `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    is_listed: bool,
    listed: Box<[ArnPattern]>,
    /// What the last part of each of them begins with: most of what is asked for begins otherwise, and is told by this alone.
    prefix: Box<str>,
}

impl Resources {
    /// Returns what is written in `Resource` or `NotResource` of a statement, and whether it is listed in the first; `None` where what
    /// the policy stands at is meant.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub(super) fn texts(statement: &Node, place: PolicyPlace) -> Result<Option<(bool, Vec<&str>)>, String> {
        let (is_listed, resources) = match (statement.get("Resource"), statement.get("NotResource")) {
            (None, None) if place.names_resources() => {
                return Err("it has no Resource: name repositories, or \"*\"".into());
            }
            (None, None) => return Ok(None),
            (Some(_), _) | (_, Some(_)) if place == PolicyPlace::Trust => {
                return Err("Has prohibited field Resource: the policy of a role is about that role".into());
            }
            (Some(_), Some(_)) => return Err("it has both Resource and NotResource".into()),
            (Some(resources), None) => (true, resources),
            (None, Some(resources)) => (false, resources),
        };
        let texts = resources.texts().filter(|texts| !texts.is_empty());
        let texts = texts.ok_or("its Resource is neither a string nor a list of strings")?;
        Ok(Some((is_listed, texts)))
    }

    /// Compiles what [`Resources::texts`] has found.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub(super) fn compile(
        (is_listed, texts): (bool, Vec<&str>),
        place: PolicyPlace,
        variables: bool,
    ) -> Result<Self, String> {
        let compile = |text| compile(text, place, variables);
        let listed: Box<[_]> = texts.into_iter().map(compile).collect::<Result<_, _>>()?;
        let prefix = listed.iter().map(|pattern| pattern.prefix(LAST)).reduce(common).unwrap_or_default().into();
        Ok(Resources { is_listed, listed, prefix })
    }

    /// Says whether they hold the resource with these parts; `None` is the registry as a whole, which only `*` names.
    pub(super) fn hold(&self, arn: Option<&[&str; 6]>, context: &Context) -> bool {
        let is_elsewhere = arn.is_some_and(|parts| !parts[LAST].starts_with(&*self.prefix));
        let is_there = !is_elsewhere && self.listed.iter().any(|pattern| pattern.matches(arn, context));
        is_there == self.is_listed
    }
}

/// The place of an ARN's last part.
const LAST: usize = 5;

/// What both texts begin with.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let mut pairs = one.char_indices().zip(other.chars());
    let end = pairs.find(|((_, one), other)| one != other).map(|((at, _), _)| at);
    &one[..end.unwrap_or(one.len().min(other.len()))]
}

fn compile(text: &str, place: PolicyPlace, variables: bool) -> Result<ArnPattern, String> {
    let pattern = ArnPattern::compile(text, variables).map_err(|what| format!("its Resource {what}"))?;
    let advice = if place == PolicyPlace::Repository { "; leave Resource out, it is this repository" } else { "" };
    let pattern = pattern.ok_or_else(|| format!("its Resource {text:?} is neither an ARN nor \"*\"{advice}"))?;
    if pattern != ArnPattern::Everything {
        if pattern.literal(2).is_none() {
            return Err(format!(
                "its Resource {text:?} names no service; it is the third part of an ARN, without * and ?"
            ));
        }
        if (1..5).any(|index| pattern.has_variable(index)) {
            return Err(format!(
                "its Resource {text:?} has a variable before the fifth colon; they may stand behind it"
            ));
        }
    }
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_have_a_beginning_in_common() {
        let cases = [
            ("repository/team/a", "repository/team/b", "repository/team/"),
            ("repository/", "repository/team", "repository/"),
            ("repository/team", "repository/", "repository/"),
            ("ä", "ö", ""),
            ("", "a", ""),
        ];

        for (one, other, expected) in cases {
            assert_eq!(common(one, other), expected, "{one} {other}");
        }
    }
}

//! The resources of a statement.

use super::json::Node;
use super::pattern::ArnPattern;
use super::{Context, PolicyPlace};

/// `Resource`, or all but those of `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    is_listed: bool,
    listed: Box<[ArnPattern]>,
}

impl Resources {
    /// Reads `Resource` or `NotResource` of a statement; `None` where what the policy stands at is meant.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub(super) fn read(statement: &Node, place: PolicyPlace, variables: bool) -> Result<Option<Self>, String> {
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
        let compile = |text| compile(text, place, variables);
        Ok(Some(Resources { is_listed, listed: texts.into_iter().map(compile).collect::<Result<_, _>>()? }))
    }

    /// Says whether they hold the resource with these parts; `None` is the registry as a whole, which only `*` names.
    pub(super) fn hold(&self, arn: Option<&[&str; 6]>, context: &Context) -> bool {
        self.listed.iter().any(|pattern| pattern.matches(arn, context)) == self.is_listed
    }
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

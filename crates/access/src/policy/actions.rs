//! The actions of a statement.

use super::json::Node;
use super::pattern::{Pattern, Syntax};
use super::{Context, PolicyPlace};
use crate::action;

/// The longest name of an action that a policy may hold, in bytes.
const ACTION_BYTES_MAX: usize = 256;

/// What the policy of a registry may speak of (Amazon ECR User Guide, "Private registry permissions").
const REGISTRY_ACTIONS: [&str; 4] =
    ["ecr:ReplicateImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository", "ecr:*"];

/// `Action`, or all but those of `NotAction`.
#[derive(Clone, Debug)]
pub(super) struct Actions {
    is_listed: bool,
    listed: Box<[Pattern]>,
}

impl Actions {
    /// Reads `Action` or `NotAction` of a statement.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub(super) fn read(statement: &Node, place: PolicyPlace) -> Result<Self, String> {
        let (is_listed, texts) = texts(statement)?;
        for text in &texts {
            check(text, place)?;
        }
        let compile =
            |text: &&str| Pattern::compile(&text.to_ascii_lowercase(), Syntax { wildcards: true, variables: false });
        Ok(Actions { is_listed, listed: texts.iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// Says whether they hold `action`, which is in lower case.
    pub(super) fn hold(&self, action: &str, context: &Context) -> bool {
        self.listed.iter().any(|pattern| pattern.matches(action, context)) == self.is_listed
    }
}

/// Whether they are those meant, and which they are.
pub(super) fn texts(statement: &Node) -> Result<(bool, Vec<&str>), String> {
    let (is_listed, actions) = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), None) => (true, actions),
        (None, Some(actions)) => (false, actions),
        (Some(_), Some(_)) => return Err("it has both Action and NotAction".into()),
        (None, None) => return Err("it has no Action".into()),
    };
    match actions.texts() {
        Some(texts) if !texts.is_empty() => Ok((is_listed, texts)),
        _ => Err("its Action is neither a string nor a list of strings".into()),
    }
}

fn check(text: &str, place: PolicyPlace) -> Result<(), String> {
    let is_action = text == "*"
        || text.split_once(':').is_some_and(|(service, verb)| {
            !service.is_empty() && !service.contains(['*', '?']) && !verb.is_empty() && !verb.contains(':')
        });
    if !is_action || text.len() > ACTION_BYTES_MAX {
        return Err(format!(
            "its Action {text:?} is none; an action is a service and what is done, such as ecr:PutImage"
        ));
    }
    if place == PolicyPlace::Registry && !REGISTRY_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(text)) {
        let known = REGISTRY_ACTIONS.join(", ");
        return Err(format!("the policy of a registry speaks of {known}; {text:?} is none of these"));
    }
    Ok(())
}

/// An action that ECR does not have allows nothing: the one that was probably meant is told.
pub(super) fn hint(text: &str) -> Option<String> {
    hint_of("ecr", "ECR", text)
}

/// The same for the other services that are answered here, and for patterns that no action fits.
pub(super) fn hint_elsewhere(text: &str) -> Option<String> {
    if text.contains(['*', '?']) {
        return no_fit(text);
    }
    let others = [("gantry", "Gantry"), ("iam", "IAM, as Gantry has it,"), ("sts", "STS, as Gantry has it,")];
    others.into_iter().find_map(|(service, called)| hint_of(service, called, text))
}

fn hint_of(service: &str, called: &str, text: &str) -> Option<String> {
    let verb_of = |name: &'static str| name.split_once(':').filter(|(of, _)| *of == service).map(|(_, verb)| verb);
    let (of, verb) = text.split_once(':')?;
    if !of.eq_ignore_ascii_case(service) || verb.contains(['*', '?']) {
        return None;
    }
    let known = || action::ALL.iter().filter_map(|action| verb_of(action.name()));
    if known().any(|known| known.eq_ignore_ascii_case(verb))
        || REGISTRY_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(text))
    {
        return None;
    }
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &verb.to_lowercase());
    // What holds the word as a part of it is nearer than what only looks like it.
    let nearest = known().min_by_key(|known| (!known.ends_with(verb), distance(known)))?;
    Some(format!("{text:?} is no action of {called} and allows nothing; did you mean {service}:{nearest}?"))
}

/// A pattern of a service that is answered here, which no action of it fits.
fn no_fit(text: &str) -> Option<String> {
    const ANSWERED: [&str; 4] = ["ecr:", "gantry:", "iam:", "sts:"];
    let text_lower = text.to_ascii_lowercase();
    if !ANSWERED.iter().any(|service| text_lower.starts_with(service)) {
        return None;
    }
    let pattern = Pattern::compile(&text_lower, Syntax { wildcards: true, variables: false }).ok()?;
    let context = Context::default();
    let fits = |name: &str| pattern.matches(&name.to_ascii_lowercase(), &context);
    let is_known =
        action::ALL.iter().any(|action| fits(action.name())) || REGISTRY_ACTIONS.iter().any(|name| fits(name));
    (!is_known).then(|| format!("{text:?} fits no action there is, and allows nothing"))
}

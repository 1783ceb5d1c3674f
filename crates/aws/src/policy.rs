//! Policies of resources as ECR reads them.

use crate::shape::refusal;
use gantry_access::{PolicyPlace, check_policy_text};
use gantry_fault::Fault;

/// Checks the text of a policy. What is taken but probably meant otherwise goes to the log.
///
/// AWS's own sentence for a bad policy is kept for principals that do not exist yet: Terraform waits for minutes when it
/// reads that, and a policy that is malformed is so for good.
///
/// # Errors
/// [`gantry_fault::FaultKind::InvalidParameter`].
pub(crate) fn check(text: &str, place: PolicyPlace) -> Result<(), Fault> {
    let hints = check_policy_text(text, place).map_err(|error| refusal("PolicyText", &error.to_string()))?;
    for hint in hints {
        tracing::info!(
            statement = hint.statement,
            "a policy was written that may mean something else: {}",
            hint.sentence
        );
    }
    Ok(())
}

/// Checks that the text of a lifecycle policy is a JSON object with rules.
///
/// # Errors
/// [`gantry_fault::FaultKind::InvalidParameter`].
pub(crate) fn check_lifecycle(member: &str, text: &str) -> Result<(), Fault> {
    let invalid = |what: &str| refusal(member, &format!("Lifecycle policy validation failure: {what}"));
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
    match value.get("rules").and_then(serde_json::Value::as_array) {
        Some(rules) if !rules.is_empty() => Ok(()),
        Some(_) => Err(invalid("rules is empty; a policy has at least one rule")),
        None => Err(invalid("rules is missing; a policy is an object with a list of rules")),
    }
}

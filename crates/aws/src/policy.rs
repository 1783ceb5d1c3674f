//! Policies of resources as ECR reads them.

use crate::shape::refusal;
use gantry_access::{PolicyPlace, check_policy_text};
use gantry_fault::Fault;
use gantry_lifecycle::{Policy, Settings};

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

/// Reads a lifecycle policy, and returns it with the text that is kept of it: as it was written, but with the names that
/// ECR gives to things where people have others.
///
/// # Errors
/// [`gantry_fault::FaultKind::InvalidParameter`], in a sentence that names rule and member.
pub(crate) fn read_lifecycle(member: &str, text: &str, settings: &Settings) -> Result<(Policy, String), Fault> {
    let policy = Policy::parse(text, settings)
        .map_err(|error| refusal(member, &format!("Lifecycle policy validation failure: {error}")))?;
    let printed = policy.to_string();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    let kept = if value(&printed) == value(text) { text.to_string() } else { printed };
    Ok((policy, kept))
}

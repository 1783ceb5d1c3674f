//! What in a policy is taken, but was probably meant otherwise.

use super::actions;
use super::json::Node;

/// Hints on a statement that has been read without an error, each a sentence.
pub(super) fn of(statement: &Node) -> Vec<String> {
    let actions = actions::texts(statement).map(|(_, texts)| texts).unwrap_or_default();
    actions.into_iter().filter_map(actions::hint).collect()
}

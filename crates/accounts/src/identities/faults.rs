//! Refusals, in the words of IAM as far as clients look at them.

use super::IdentityKind;
use gantry_fault::{Fault, FaultKind};

pub(super) fn no_identity(kind: IdentityKind, name: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("The {} with name {name} cannot be found.", kind.as_str()))
}

pub(super) fn identity_exists(kind: IdentityKind, name: &str) -> Fault {
    Fault::new(FaultKind::EntityAlreadyExists, format!("{} with name {name} already exists.", kind.title()))
}

pub(super) fn no_policy(arn: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("Policy {arn} does not exist or is not attachable."))
}

pub(super) fn no_access_key(id: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("The Access Key with id {id} cannot be found."))
}

pub(super) fn no_provider(arn: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("OpenIDConnect Provider not found for arn {arn}"))
}

pub(super) fn conflict(what: &str) -> Fault {
    Fault::new(FaultKind::DeleteConflict, format!("Cannot delete entity, must {what} first."))
}

pub(super) fn quota(what: &str, most: usize) -> Fault {
    Fault::new(FaultKind::IdentityLimitExceeded, format!("Cannot exceed quota for {what}: {most}"))
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::InvalidInput, message)
}

pub(super) fn malformed(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::MalformedPolicyDocument, message)
}

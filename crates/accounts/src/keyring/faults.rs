//! Refusals, in the words of KMS as far as clients look at them.

use gantry_fault::{Fault, FaultKind};

pub(super) fn no_key(arn: &str) -> Fault {
    Fault::new(FaultKind::KmsNotFound, format!("Key '{arn}' does not exist"))
}

pub(super) fn no_alias(arn: &str) -> Fault {
    Fault::new(FaultKind::KmsNotFound, format!("Alias {arn} is not found."))
}

pub(super) fn disabled(arn: &str) -> Fault {
    Fault::new(FaultKind::KmsKeyDisabled, format!("{arn} is disabled."))
}

pub(super) fn pending_deletion(arn: &str) -> Fault {
    Fault::new(FaultKind::KmsInvalidState, format!("{arn} is pending deletion."))
}

pub(super) fn not_pending_deletion(arn: &str) -> Fault {
    Fault::new(FaultKind::KmsInvalidState, format!("{arn} is not pending deletion."))
}

/// What was made for a service is nobody's to change.
pub(super) fn of_service(arn: &str) -> Fault {
    let message = format!("{arn} was made for a service and cannot be changed; make a key of your own");
    Fault::new(FaultKind::KmsUnsupportedOperation, message)
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::ValidationFailed, message)
}

pub(super) fn limit(what: &str, most: u64) -> Fault {
    Fault::new(FaultKind::KmsLimitExceeded, format!("There may be at most {most} {what}"))
}

/// What does not decrypt has no further explanation: it would help whoever tries.
pub(super) fn invalid_ciphertext() -> Fault {
    Fault::new(
        FaultKind::KmsInvalidCiphertext,
        "The text does not decrypt: it was changed, cut, or encrypted in another encryption context",
    )
}

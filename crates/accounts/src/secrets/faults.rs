//! Refusals, in the words of Secrets Manager as far as clients look at them.

use gantry_fault::{Fault, FaultKind};

pub(super) fn no_secret() -> Fault {
    Fault::new(FaultKind::SecretNotFound, "Secrets Manager can't find the specified secret.")
}

pub(super) fn no_value(what: &str) -> Fault {
    let message = format!("Secrets Manager can't find the specified secret value for {what}");
    Fault::new(FaultKind::SecretNotFound, message)
}

pub(super) fn exists(name: &str) -> Fault {
    Fault::new(FaultKind::SecretExists, format!("The operation failed because the secret {name} already exists."))
}

pub(super) fn version_exists(id: &str) -> Fault {
    let message = format!("The version {id} of the secret is there already, with another value; send another token");
    Fault::new(FaultKind::SecretExists, message)
}

pub(super) fn deleted() -> Fault {
    let message = "You can't perform this operation on the secret because it was marked for deletion.";
    Fault::new(FaultKind::SecretInvalidRequest, message)
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::InvalidParameter, message)
}

pub(super) fn limit(what: &str, most: u64) -> Fault {
    Fault::new(FaultKind::LimitExceeded, format!("There may be at most {most} {what}"))
}

/// A key that does not encrypt, as it is told here.
pub(super) fn encryption(fault: Fault) -> Fault {
    about_key(fault, FaultKind::SecretEncryptionFailed)
}

/// A key that does not decrypt, as it is told here.
pub(super) fn decryption(fault: Fault) -> Fault {
    about_key(fault, FaultKind::SecretDecryptionFailed)
}

fn about_key(fault: Fault, kind: FaultKind) -> Fault {
    match fault.kind {
        FaultKind::KmsNotFound
        | FaultKind::KmsInvalidArn
        | FaultKind::KmsKeyDisabled
        | FaultKind::KmsInvalidState
        | FaultKind::KmsInvalidCiphertext => Fault { kind, ..fault },
        _ => fault,
    }
}

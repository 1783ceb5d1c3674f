//! What can be set for the registry of an account as a whole, as it is kept: JSON with the members of the ECR API.
//!
//! Each kind says itself what must hold in it; who may set it, and what follows from it, is decided elsewhere.

mod account_settings;
mod cache_rules;
mod replication;
mod scanning;
mod signing;
mod templates;

pub use account_settings::{AccountSetting, AccountSettingError};
pub use cache_rules::{CACHE_RULES_MAX, CacheRule, Upstream};
pub use replication::{
    DeleteReplication, ReplicationConfiguration, ReplicationDestination, ReplicationError, ReplicationFilter,
    ReplicationRule,
};
pub use scanning::{
    AppliedScanning, ScanFilter, ScanFrequency, ScanKind, ScanRule, ScanningConfiguration, ScanningError,
};
pub use signing::{SigningConfiguration, SigningFilter, SigningRule};
pub use templates::{CreationTemplate, Occasion, TEMPLATES_MAX};

use gantry_fault::Fault;
use serde::{Serialize, de::DeserializeOwned};

/// Reads what was kept as a document.
///
/// # Errors
/// It is not of this kind: our own failure.
pub fn read_document<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::internal(format!("stored document: {error}")))
}

/// Prints what is to be kept as a document.
pub fn print_document(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers, lists and truths become JSON")
}

/// Whether a text is of a form with `*` for any characters, also none, from its first character to its last. Takes time
/// in proportion to both at most multiplied.
pub(crate) fn matches_wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        // The earliest place leaves the most for what follows.
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

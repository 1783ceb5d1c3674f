//! The registry as a whole, as ECR names it.

use crate::{
    model::{RegistryScanningConfiguration, ScanType},
    shape::refusal,
};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{
    AccountSetting, DocumentKind, Documents, ReplicationConfiguration, ScanKind, ScanningConfiguration, read_document,
};
use gantry_words::Cx;
use serde::{Serialize, de::DeserializeOwned};

/// Why an image that should be signed is not.
pub(crate) const NOT_SIGNED: &str = "This site does not sign images yet; the rule is kept";

/// Turns a value of the model into that of a room, or back: both have the same members.
///
/// # Errors
/// They have not: our own failure, or a value that the room's words do not allow.
pub(crate) fn convert<T: DeserializeOwned>(value: &impl Serialize) -> Result<T, Fault> {
    let value = serde_json::to_value(value).map_err(Fault::internal)?;
    serde_json::from_value(value).map_err(|error| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}

/// Where images are copied to: nowhere at first.
pub(crate) async fn replication(documents: &Documents, cx: &Cx) -> Result<ReplicationConfiguration, Fault> {
    let found = documents.find(cx, None, DocumentKind::ReplicationConfiguration, "").await?;
    found.map_or_else(|| Ok(ReplicationConfiguration::default()), |document| read_document(&document.body))
}

/// Which images are scanned, and when: by their repositories' own settings at first.
pub(crate) async fn scanning(documents: &Documents, cx: &Cx) -> Result<ScanningConfiguration, Fault> {
    let found = documents.find(cx, None, DocumentKind::ScanningConfiguration, "").await?;
    found.map_or_else(|| Ok(ScanningConfiguration::default()), |document| read_document(&document.body))
}

/// Shows which images are scanned, and when.
pub(crate) fn show_scanning(scanning: &ScanningConfiguration) -> Result<RegistryScanningConfiguration, Fault> {
    let scan_type = match scanning.scan_type {
        ScanKind::Basic => ScanType::Basic,
        ScanKind::Enhanced => ScanType::Enhanced,
    };
    Ok(RegistryScanningConfiguration { scan_type: Some(scan_type), rules: Some(convert(&scanning.rules)?) })
}

/// Reads the name of a switch of the account.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn read_setting(name: &str) -> Result<AccountSetting, Fault> {
    AccountSetting::parse(name).map_err(|error| refusal("name", &error.to_string()))
}

/// The value of a switch of the account.
pub(crate) async fn setting(documents: &Documents, cx: &Cx, setting: AccountSetting) -> Result<String, Fault> {
    let found = documents.find(cx, None, DocumentKind::AccountSetting, setting.name()).await?;
    Ok(found.map_or_else(|| setting.values()[0].to_string(), |document| document.body))
}

/// There are as many of something as there may be.
pub(crate) fn limit(things: &str, most: u64) -> Fault {
    Fault::new(FaultKind::LimitExceeded, format!("The registry has {most} {things}, which is as many as it may have"))
}

/// The registry has no policy.
pub(crate) fn without_policy(cx: &Cx) -> Fault {
    let message = format!("Registry policy does not exist in the registry with id '{}'", cx.account);
    Fault::new(FaultKind::RegistryPolicyNotFound, message)
}

/// Nothing is to be signed.
pub(crate) fn without_signing(cx: &Cx) -> Fault {
    let message = format!("Signing configuration does not exist in the registry with id '{}'", cx.account);
    Fault::new(FaultKind::SigningConfigurationNotFound, message)
}

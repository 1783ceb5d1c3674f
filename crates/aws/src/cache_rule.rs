//! Rules for pull through caches as ECR names and shows them.

use crate::{model::PullThroughCacheRule, registry};
use gantry_accounts::Secrets;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{CacheRule, Document, DocumentKind, Documents, read_document};
use gantry_words::{AccountId, Cx};

/// Loads a rule by its prefix.
///
/// # Errors
/// [`FaultKind::CacheRuleNotFound`].
pub(crate) async fn load(documents: &Documents, cx: &Cx, prefix: &str) -> Result<Document, Fault> {
    let found = documents.find(cx, None, DocumentKind::CacheRule, prefix).await?;
    found.ok_or_else(|| not_found(prefix, cx.account))
}

/// Shows a rule. What was not given is left out: a default would be a change to whoever compares.
pub(crate) fn show(document: &Document, cx: &Cx) -> Result<PullThroughCacheRule, Fault> {
    let rule: CacheRule = read_document(&document.body)?;
    let is_changed = document.changed_at != document.created_at;
    Ok(PullThroughCacheRule {
        ecr_repository_prefix: Some(document.name.clone()),
        upstream_registry_url: Some(rule.upstream.url),
        created_at: Some(document.created_at.into()),
        registry_id: Some(cx.account),
        credential_arn: rule.credential_arn,
        custom_role_arn: rule.custom_role_arn,
        upstream_repository_prefix: rule.upstream.prefix,
        upstream_registry: rule.upstream.kind.map(|kind| registry::convert(&kind)).transpose()?,
        updated_at: is_changed.then_some(document.changed_at.into()),
    })
}

/// Refuses credentials in a secret of this account that is not there. Of others it cannot be told.
///
/// # Errors
/// [`FaultKind::CredentialNotFound`].
pub(crate) async fn check_credential(secrets: &Secrets, cx: &Cx, arn: Option<&str>) -> Result<(), Fault> {
    let Some(arn) = arn.filter(|arn| secrets.is_own(cx, arn)) else { return Ok(()) };
    let missing = || {
        let message = format!("The secret {arn} does not exist, or is to be deleted; make it with CreateSecret first");
        Fault::new(FaultKind::CredentialNotFound, message)
    };
    match secrets.load(cx, arn).await {
        Ok(secret) if secret.deleted_at.is_none() => Ok(()),
        Ok(_) => Err(missing()),
        Err(fault) if fault.kind == FaultKind::SecretNotFound => Err(missing()),
        Err(fault) => Err(fault),
    }
}

/// There is a rule of this prefix already.
pub(crate) fn exists(prefix: &str, account: AccountId) -> Fault {
    let message = format!(
        "A pull through cache rule with the Amazon ECR repository prefix '{prefix}' already exists in the registry with id '{account}'"
    );
    Fault::new(FaultKind::CacheRuleExists, message)
}

/// There is no rule of this prefix.
pub(crate) fn not_found(prefix: &str, account: AccountId) -> Fault {
    let message = format!(
        "The pull through cache rule with the Amazon ECR repository prefix '{prefix}' does not exist in the registry with id '{account}'"
    );
    Fault::new(FaultKind::CacheRuleNotFound, message)
}

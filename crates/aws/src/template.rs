//! Repository creation templates as ECR reads and shows them.

use crate::{
    model::{
        EncryptionConfiguration, EncryptionConfigurationForRepositoryCreationTemplate, RCTAppliedFor,
        RepositoryCreationTemplate, Tag,
    },
    policy, repository, resource_tags,
};
use gantry_access::PolicyPlace;
use gantry_accounts::Site;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{
    CreationTemplate, Document, Documents, Encryption, EncryptionKind, Occasion, ResourceTags, read_document,
};
use gantry_words::Cx;

/// Shows a template.
pub(crate) fn show(document: &Document) -> Result<RepositoryCreationTemplate, Fault> {
    let template: CreationTemplate = read_document(&document.body)?;
    let (mutability, filters) = repository::show_tags(&template.tags);
    let tags =
        template.resource_tags.map(|tags| tags.into_iter().map(|(key, value)| Tag { key, value }).collect::<Vec<_>>());
    Ok(RepositoryCreationTemplate {
        prefix: Some(template.prefix),
        description: template.description,
        encryption_configuration: template.encryption.as_ref().map(show_encryption),
        resource_tags: tags.filter(|tags| !tags.is_empty()),
        image_tag_mutability: Some(mutability),
        image_tag_mutability_exclusion_filters: filters,
        repository_policy: template.repository_policy.filter(|text| !text.is_empty()),
        lifecycle_policy: template.lifecycle_policy.filter(|text| !text.is_empty()),
        applied_for: Some(template.applied_for.into_iter().map(show_occasion).collect()),
        custom_role_arn: template.custom_role_arn,
        created_at: Some(document.created_at.into()),
        updated_at: Some(document.changed_at.into()),
    })
}

fn show_encryption(encryption: &Encryption) -> EncryptionConfigurationForRepositoryCreationTemplate {
    let EncryptionConfiguration { encryption_type, kms_key } = repository::show_encryption(encryption);
    EncryptionConfigurationForRepositoryCreationTemplate { encryption_type, kms_key }
}

/// Reads the encryption of a template. A key that is not named is found when a repository is made.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn read_encryption(
    asked: &EncryptionConfigurationForRepositoryCreationTemplate,
    cx: &Cx,
    site: &Site,
) -> Result<Encryption, Fault> {
    let key = asked.kms_key.clone().filter(|key| !key.is_empty());
    let is_named = key.is_some();
    let whole = EncryptionConfiguration { encryption_type: asked.encryption_type, kms_key: key };
    let read = repository::read_encryption(&whole, cx, site)?;
    let is_site = read.kind == EncryptionKind::Aes256;
    Ok(if is_named || is_site { read } else { Encryption { key: None, ..read } })
}

/// Reads the tags of a template.
///
/// # Errors
/// Those of tags.
pub(crate) fn read_tags(tags: &[Tag]) -> Result<ResourceTags, Fault> {
    resource_tags::read(tags)
}

/// Checks the texts of a template; an empty one is none.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn check_texts(
    repository_policy: Option<&str>,
    lifecycle_policy: Option<&str>,
    documents: &Documents,
) -> Result<(), Fault> {
    if let Some(text) = repository_policy.filter(|text| !text.is_empty()) {
        policy::check(text, PolicyPlace::Repository)?;
    }
    match lifecycle_policy.filter(|text| !text.is_empty()) {
        Some(text) => policy::read_lifecycle("lifecyclePolicy", text, &documents.lifecycle_settings()).map(drop),
        None => Ok(()),
    }
}

/// Reads on which occasions a template is applied.
pub(crate) fn read_occasions(occasions: &[RCTAppliedFor]) -> Vec<Occasion> {
    let read = |occasion: &RCTAppliedFor| match occasion {
        RCTAppliedFor::Replication => Occasion::Replication,
        RCTAppliedFor::PullThroughCache => Occasion::PullThroughCache,
        RCTAppliedFor::CreateOnPush => Occasion::CreateOnPush,
    };
    occasions.iter().map(read).collect()
}

fn show_occasion(occasion: Occasion) -> RCTAppliedFor {
    match occasion {
        Occasion::Replication => RCTAppliedFor::Replication,
        Occasion::PullThroughCache => RCTAppliedFor::PullThroughCache,
        Occasion::CreateOnPush => RCTAppliedFor::CreateOnPush,
    }
}

/// There is a template of this prefix already.
pub(crate) fn exists(prefix: &str, cx: &Cx) -> Fault {
    let message = format!(
        "A repository creation template with the prefix '{prefix}' already exists in the registry with id '{}'",
        cx.account
    );
    Fault::new(FaultKind::TemplateExists, message)
}

/// There is no template of this prefix.
pub(crate) fn not_found(prefix: &str, cx: &Cx) -> Fault {
    let message = format!(
        "The repository creation template with the prefix '{prefix}' does not exist in the registry with id '{}'",
        cx.account
    );
    Fault::new(FaultKind::TemplateNotFound, message)
}

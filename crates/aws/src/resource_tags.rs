//! Tags of resources as ECR reads and shows them.

use crate::model::Tag;
use gantry_access::Access;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{ResourceTagError, ResourceTags};

/// Reads tags that a request brings.
///
/// # Errors
/// [`FaultKind::ResourceTagInvalid`], [`FaultKind::ResourceTagsTooMany`].
pub(crate) fn read(tags: &[Tag]) -> Result<ResourceTags, Fault> {
    ResourceTags::parse(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))).map_err(fault)
}

/// The same access, with the tags that a request brings.
pub(crate) fn about(access: Access, tags: &[Tag]) -> Access {
    access.with_tags(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}

/// Shows tags.
pub(crate) fn show(tags: &ResourceTags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.into(), value: value.into() }).collect()
}

/// What is wrong with tags, as ECR says it.
pub(crate) fn fault(error: ResourceTagError) -> Fault {
    let kind = match error {
        ResourceTagError::TooMany { .. } => FaultKind::ResourceTagsTooMany,
        ResourceTagError::Key { .. }
        | ResourceTagError::Value { .. }
        | ResourceTagError::Reserved { .. }
        | ResourceTagError::Twice { .. } => FaultKind::ResourceTagInvalid,
    };
    Fault::new(kind, error.to_string())
}

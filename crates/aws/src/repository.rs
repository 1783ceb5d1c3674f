//! Repositories as ECR names and shows them.

use crate::{
    model::{
        self, EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability,
        ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType,
    },
    shape::refusal,
};
use gantry_access::{Access, Action};
use gantry_accounts::Site;
use gantry_api::Origin;
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{
    Encryption, EncryptionKind, Mutability, Repositories, Repository, TagPattern, TagPatternError, TagRule,
};
use gantry_words::{AccountId, Cx, RepositoryName};

/// Loads the repository a request names, in the registry it names.
///
/// # Errors
/// [`FaultKind::RepositoryNotFound`], also where the registry is another: whether that exists is not told.
pub(crate) async fn load(
    repositories: &Repositories,
    cx: &Cx,
    registry: Option<AccountId>,
    name: &RepositoryName,
) -> Result<Repository, Fault> {
    in_registry(cx, registry, name)?;
    repositories.load(cx, name).await
}

/// Checks that a repository is asked for in this registry.
///
/// # Errors
/// [`FaultKind::RepositoryNotFound`].
pub(crate) fn in_registry(cx: &Cx, registry: Option<AccountId>, name: &RepositoryName) -> Result<(), Fault> {
    match registry.filter(|registry| *registry != cx.account) {
        None => Ok(()),
        Some(registry) => Err(Fault::new(FaultKind::RepositoryNotFound, absence(name, registry))),
    }
}

/// Why an item of a batch failed: its repository does not exist.
pub(crate) fn not_found_reason(name: &RepositoryName, cx: &Cx) -> String {
    absence(name, cx.account)
}

fn absence(name: &RepositoryName, registry: AccountId) -> String {
    format!("The repository with name '{name}' does not exist in the registry with id '{registry}'")
}

/// Checks that this registry is asked for.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn this_registry(cx: &Cx, registry: Option<AccountId>) -> Result<(), Fault> {
    match registry.filter(|registry| *registry != cx.account) {
        None => Ok(()),
        Some(_) => Err(refusal("registryId", &format!("must be '{}', the registry of this account", cx.account))),
    }
}

/// The repository has no policy.
pub(crate) fn without_policy(repository: &Repository, cx: &Cx) -> Fault {
    let message = format!(
        "Repository policy does not exist for the repository with name '{}' in the registry with id '{}'",
        repository.name, cx.account
    );
    Fault::new(FaultKind::RepositoryPolicyNotFound, message)
}

/// The repository has no lifecycle policy.
pub(crate) fn without_lifecycle_policy(repository: &Repository, cx: &Cx) -> Fault {
    let message = format!(
        "Lifecycle policy does not exist for the repository with name '{}' in the registry with id '{}'",
        repository.name, cx.account
    );
    Fault::new(FaultKind::LifecyclePolicyNotFound, message)
}

/// No preview was started in the repository.
pub(crate) fn without_preview(repository: &Repository, cx: &Cx) -> Fault {
    let message = format!(
        "Lifecycle policy preview does not exist for the repository with name '{}' in the registry with id '{}'",
        repository.name, cx.account
    );
    Fault::new(FaultKind::LifecyclePreviewNotFound, message)
}

/// Shows a repository.
pub(crate) fn show(repository: &Repository, cx: &Cx, site: &Site, origin: &Origin) -> model::Repository {
    let Repository { name, created_at, rules, .. } = repository;
    let (mutability, filters) = show_tags(&rules.tags);
    model::Repository {
        repository_arn: Some(arn(site, cx.account, name)),
        registry_id: Some(cx.account),
        repository_name: Some(name.clone()),
        repository_uri: Some(format!("{}/{name}", origin.registry_of(cx.account, site.account, &site.region))),
        created_at: Some((*created_at).into()),
        image_tag_mutability: Some(mutability),
        image_tag_mutability_exclusion_filters: filters,
        image_scanning_configuration: Some(ImageScanningConfiguration { scan_on_push: Some(rules.scans_on_push) }),
        encryption_configuration: rules.encryption.as_ref().map(show_encryption),
    }
}

/// The ARN of a repository.
pub(crate) fn arn(site: &Site, account: AccountId, name: &RepositoryName) -> String {
    format!("arn:aws:ecr:{}:{account}:repository/{name}", site.region)
}

/// What must be allowed for an action on the resource of an ARN. What is no repository's ARN is asked for as the registry
/// as a whole, and refused in the call.
pub(crate) fn access_by_arn(action: Action, arn: &str) -> Access {
    let name = arn.split_once(":repository/").and_then(|(_, name)| name.parse().ok());
    name.map_or_else(|| Access::to(action), |name| Access::on(action, &name))
}

/// Reads the ARN of a repository of this registry.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] for what is no such ARN; [`FaultKind::RepositoryNotFound`] for one of another registry.
pub(crate) fn parse_arn(text: &str, cx: &Cx, site: &Site) -> Result<RepositoryName, Fault> {
    let invalid = || {
        let form = arn(site, cx.account, &"team/app".parse().expect("a name"));
        refusal("resourceArn", &format!("must be the ARN of a repository, such as {form}"))
    };
    let mut parts = text.splitn(6, ':');
    let [scheme, partition, service, region, account, resource] =
        std::array::from_fn(|_| parts.next().unwrap_or_default());
    let name = resource.strip_prefix("repository/").ok_or_else(invalid)?;
    if scheme != "arn" || !partition.starts_with("aws") || service != "ecr" || region != site.region.as_str() {
        return Err(invalid());
    }
    let (account, name) = (account.parse().map_err(|_| invalid())?, name.parse().map_err(|_| invalid())?);
    in_registry(cx, Some(account), &name)?;
    Ok(name)
}

/// Shows which tags may be moved.
pub(crate) fn show_tags(rule: &TagRule) -> (ImageTagMutability, Option<Vec<ImageTagMutabilityExclusionFilter>>) {
    let mutability = match (rule.mutability, rule.exceptions.is_empty()) {
        (Mutability::Mutable, true) => ImageTagMutability::Mutable,
        (Mutability::Mutable, false) => ImageTagMutability::MutableWithExclusion,
        (Mutability::Immutable, true) => ImageTagMutability::Immutable,
        (Mutability::Immutable, false) => ImageTagMutability::ImmutableWithExclusion,
    };
    let filter = |pattern: &TagPattern| ImageTagMutabilityExclusionFilter {
        filter: pattern.to_string(),
        filter_type: ImageTagMutabilityExclusionFilterType::Wildcard,
    };
    let filters: Vec<_> = rule.exceptions.iter().map(filter).collect();
    (mutability, Some(filters).filter(|filters| !filters.is_empty()))
}

/// Reads which tags may be moved. Nothing said: all.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] where filters come without a kind that has some, or the contrary, or are no patterns.
pub(crate) fn read_tags(
    mutability: Option<ImageTagMutability>,
    filters: Option<&[ImageTagMutabilityExclusionFilter]>,
) -> Result<TagRule, Fault> {
    const MEMBER: &str = "imageTagMutabilityExclusionFilters";
    let kind = mutability.unwrap_or(ImageTagMutability::Mutable);
    let (mutability, has_filters) = match kind {
        ImageTagMutability::Mutable => (Mutability::Mutable, false),
        ImageTagMutability::MutableWithExclusion => (Mutability::Mutable, true),
        ImageTagMutability::Immutable => (Mutability::Immutable, false),
        ImageTagMutability::ImmutableWithExclusion => (Mutability::Immutable, true),
    };
    let filters = filters.unwrap_or_default();
    if has_filters && filters.is_empty() {
        return Err(refusal(MEMBER, &format!("must be given with the image tag mutability {}", kind.as_str())));
    }
    if !has_filters && !filters.is_empty() {
        let message = format!(
            "can be given only with an image tag mutability that ends in _WITH_EXCLUSION, not {}",
            kind.as_str()
        );
        return Err(refusal(MEMBER, &message));
    }
    let pattern = |filter: &ImageTagMutabilityExclusionFilter| {
        filter
            .filter
            .parse()
            .map_err(|error: TagPatternError| refusal("filter", &format!("{:?}: {error}", filter.filter)))
    };
    Ok(TagRule { mutability, exceptions: filters.iter().map(pattern).collect::<Result<_, _>>()? })
}

/// Shows how a repository is encrypted.
pub(crate) fn show_encryption(encryption: &Encryption) -> EncryptionConfiguration {
    EncryptionConfiguration {
        encryption_type: match encryption.kind {
            EncryptionKind::Aes256 => EncryptionType::Aes256,
            EncryptionKind::Kms => EncryptionType::Kms,
            EncryptionKind::KmsDsse => EncryptionType::KmsDsse,
        },
        kms_key: encryption.key.clone(),
    }
}

/// Reads what is asked for the encryption of a repository. A key is kept by its full ARN, as ECR answers it; where none is
/// named with KMS, that of the account for ECR.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] for a key without KMS, or what is no key of this account.
pub(crate) fn read_encryption(asked: &EncryptionConfiguration, cx: &Cx, site: &Site) -> Result<Encryption, Fault> {
    let kind = match asked.encryption_type {
        EncryptionType::Aes256 if asked.kms_key.is_some() => {
            return Err(refusal("kmsKey", "can be given only with the encryption type KMS or KMS_DSSE"));
        }
        EncryptionType::Aes256 => return Ok(Encryption { kind: EncryptionKind::Aes256, key: None }),
        EncryptionType::Kms => EncryptionKind::Kms,
        EncryptionType::KmsDsse => EncryptionKind::KmsDsse,
    };
    let prefix = format!("arn:aws:kms:{}:{}:key/", site.region, cx.account);
    let id = match asked.kms_key.as_deref() {
        None | Some("alias/aws/ecr") => {
            return Ok(Encryption { kind, key: None }.with_key(cx.account, &site.region));
        }
        Some(key) => key.strip_prefix(&prefix).unwrap_or(key).to_string(),
    };
    let is_id = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_id {
        return Err(refusal("kmsKey", &format!("must be a key of this account, {prefix} and its id, or the id alone")));
    }
    Ok(Encryption { kind, key: Some(format!("{prefix}{id}")) })
}

#[cfg(test)]
mod tests;

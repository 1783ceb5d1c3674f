//! Every action there is: ECR's own names, and `gantry:` where ECR has none.

use std::fmt;

/// Something that may be allowed or not, such as `ecr:PutImage`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action {
    name: &'static str,
    verbs: &'static [ScopeVerb],
}

/// What docker's token protocol calls a group of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScopeVerb {
    /// Reading a repository.
    Pull,
    /// Writing to a repository.
    Push,
    /// Deleting from a repository.
    Delete,
    /// Listing the repositories: `registry:catalog:*`.
    Catalog,
}

impl Action {
    /// Returns its name as policies write it.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the verb to ask for in a token scope; `None` where no token covers the action.
    pub const fn scope_verb(self) -> Option<ScopeVerb> {
        self.verbs.first().copied()
    }

    /// Returns the verbs of which one in the token's scopes is enough.
    pub(crate) const fn scope_verbs(self) -> &'static [ScopeVerb] {
        self.verbs
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! actions {
    ($( $(#[doc = $doc:literal])+ $constant:ident = $name:literal, [$($verb:ident),*]; )*) => {
        $( $(#[doc = $doc])+ pub const $constant: Action = Action { name: $name, verbs: &[$(ScopeVerb::$verb),*] }; )*

        /// All actions, in the order of the table.
        pub const ALL: &[Action] = &[$($constant),*];
    };
}

actions! {
    /// Reads a manifest, or lists the referrers of one.
    ECR_BATCH_GET_IMAGE = "ecr:BatchGetImage", [Pull];
    /// Reads a blob.
    ECR_GET_DOWNLOAD_URL_FOR_LAYER = "ecr:GetDownloadUrlForLayer", [Pull];
    /// Asks whether a blob is there: those who only push need it too.
    ECR_BATCH_CHECK_LAYER_AVAILABILITY = "ecr:BatchCheckLayerAvailability", [Pull, Push];
    /// Lists the tags of a repository.
    ECR_LIST_IMAGES = "ecr:ListImages", [Pull];
    /// Lists the images of a repository with what is known of them.
    ECR_DESCRIBE_IMAGES = "ecr:DescribeImages", [Pull];

    /// Opens an upload.
    ECR_INITIATE_LAYER_UPLOAD = "ecr:InitiateLayerUpload", [Push];
    /// Sends a part of an upload, asks for its state, or cancels it.
    ECR_UPLOAD_LAYER_PART = "ecr:UploadLayerPart", [Push];
    /// Ends an upload.
    ECR_COMPLETE_LAYER_UPLOAD = "ecr:CompleteLayerUpload", [Push];
    /// Writes a manifest or sets a tag.
    ECR_PUT_IMAGE = "ecr:PutImage", [Push];
    /// Deletes a manifest, a tag or a blob.
    ECR_BATCH_DELETE_IMAGE = "ecr:BatchDeleteImage", [Delete];

    /// Lists the repositories, or describes one.
    ECR_DESCRIBE_REPOSITORIES = "ecr:DescribeRepositories", [Catalog, Pull];
    /// Creates a repository; a push does too where that is set.
    ECR_CREATE_REPOSITORY = "ecr:CreateRepository", [Push];
    /// Sets the tags of a repository, also while creating it.
    ECR_TAG_RESOURCE = "ecr:TagResource", [Push];
    /// Removes tags of a repository.
    ECR_UNTAG_RESOURCE = "ecr:UntagResource", [];
    /// Lists the tags of a repository.
    ECR_LIST_TAGS_FOR_RESOURCE = "ecr:ListTagsForResource", [];
    /// Sets which image tags may be moved.
    ECR_PUT_IMAGE_TAG_MUTABILITY = "ecr:PutImageTagMutability", [];
    /// Sets whether images are scanned when they are pushed.
    ECR_PUT_IMAGE_SCANNING_CONFIGURATION = "ecr:PutImageScanningConfiguration", [];
    /// Reads the policy of a repository.
    ECR_GET_REPOSITORY_POLICY = "ecr:GetRepositoryPolicy", [];
    /// Sets the policy of a repository.
    ECR_SET_REPOSITORY_POLICY = "ecr:SetRepositoryPolicy", [];
    /// Removes the policy of a repository.
    ECR_DELETE_REPOSITORY_POLICY = "ecr:DeleteRepositoryPolicy", [];
    /// Reads the lifecycle policy of a repository.
    ECR_GET_LIFECYCLE_POLICY = "ecr:GetLifecyclePolicy", [];
    /// Sets the lifecycle policy of a repository.
    ECR_PUT_LIFECYCLE_POLICY = "ecr:PutLifecyclePolicy", [];
    /// Removes the lifecycle policy of a repository.
    ECR_DELETE_LIFECYCLE_POLICY = "ecr:DeleteLifecyclePolicy", [];
    /// Starts a preview of a lifecycle policy.
    ECR_START_LIFECYCLE_POLICY_PREVIEW = "ecr:StartLifecyclePolicyPreview", [];
    /// Reads a preview of a lifecycle policy.
    ECR_GET_LIFECYCLE_POLICY_PREVIEW = "ecr:GetLifecyclePolicyPreview", [];
    /// Reads what holds for the registry as a whole.
    ECR_DESCRIBE_REGISTRY = "ecr:DescribeRegistry", [];
    /// Reads the policy of the registry.
    ECR_GET_REGISTRY_POLICY = "ecr:GetRegistryPolicy", [];
    /// Sets the policy of the registry.
    ECR_PUT_REGISTRY_POLICY = "ecr:PutRegistryPolicy", [];
    /// Removes the policy of the registry.
    ECR_DELETE_REGISTRY_POLICY = "ecr:DeleteRegistryPolicy", [];
    /// Reads what of the registry's scanning holds for a repository.
    ECR_BATCH_GET_REPOSITORY_SCANNING_CONFIGURATION = "ecr:BatchGetRepositoryScanningConfiguration", [];
    /// Has repositories filled from another registry.
    ECR_CREATE_PULL_THROUGH_CACHE_RULE = "ecr:CreatePullThroughCacheRule", [];
    /// Ends the filling from another registry.
    ECR_DELETE_PULL_THROUGH_CACHE_RULE = "ecr:DeletePullThroughCacheRule", [];
    /// Reads which repositories are filled from other registries.
    ECR_DESCRIBE_PULL_THROUGH_CACHE_RULES = "ecr:DescribePullThroughCacheRules", [];
    /// Changes how another registry is asked.
    ECR_UPDATE_PULL_THROUGH_CACHE_RULE = "ecr:UpdatePullThroughCacheRule", [];
    /// Tries whether another registry answers.
    ECR_VALIDATE_PULL_THROUGH_CACHE_RULE = "ecr:ValidatePullThroughCacheRule", [];
    /// Asks whether an image has been copied.
    ECR_DESCRIBE_IMAGE_REPLICATION_STATUS = "ecr:DescribeImageReplicationStatus", [];
    /// Asks whether an image has been signed.
    ECR_DESCRIBE_IMAGE_SIGNING_STATUS = "ecr:DescribeImageSigningStatus", [];
    /// Reads what a scan found.
    ECR_DESCRIBE_IMAGE_SCAN_FINDINGS = "ecr:DescribeImageScanFindings", [];
    /// Asks for a scan.
    ECR_START_IMAGE_SCAN = "ecr:StartImageScan", [];
    /// Moves an image to the archive or back.
    ECR_UPDATE_IMAGE_STORAGE_CLASS = "ecr:UpdateImageStorageClass", [];
    /// Reads a switch of the account.
    ECR_GET_ACCOUNT_SETTING = "ecr:GetAccountSetting", [];
    /// Sets a switch of the account.
    ECR_PUT_ACCOUNT_SETTING = "ecr:PutAccountSetting", [];
    /// Reads which images are scanned.
    ECR_GET_REGISTRY_SCANNING_CONFIGURATION = "ecr:GetRegistryScanningConfiguration", [];
    /// Sets which images are scanned.
    ECR_PUT_REGISTRY_SCANNING_CONFIGURATION = "ecr:PutRegistryScanningConfiguration", [];
    /// Sets where images are copied to.
    ECR_PUT_REPLICATION_CONFIGURATION = "ecr:PutReplicationConfiguration", [];
    /// Reads which images are signed.
    ECR_GET_SIGNING_CONFIGURATION = "ecr:GetSigningConfiguration", [];
    /// Sets which images are signed.
    ECR_PUT_SIGNING_CONFIGURATION = "ecr:PutSigningConfiguration", [];
    /// Ends the signing of images.
    ECR_DELETE_SIGNING_CONFIGURATION = "ecr:DeleteSigningConfiguration", [];
    /// Leaves someone's pulls out of what is recorded.
    ECR_REGISTER_PULL_TIME_UPDATE_EXCLUSION = "ecr:RegisterPullTimeUpdateExclusion", [];
    /// Records someone's pulls again.
    ECR_DEREGISTER_PULL_TIME_UPDATE_EXCLUSION = "ecr:DeregisterPullTimeUpdateExclusion", [];
    /// Reads whose pulls are not recorded.
    ECR_LIST_PULL_TIME_UPDATE_EXCLUSIONS = "ecr:ListPullTimeUpdateExclusions", [];
    /// Sets what repositories are made as.
    ECR_CREATE_REPOSITORY_CREATION_TEMPLATE = "ecr:CreateRepositoryCreationTemplate", [];
    /// Changes what repositories are made as.
    ECR_UPDATE_REPOSITORY_CREATION_TEMPLATE = "ecr:UpdateRepositoryCreationTemplate", [];
    /// Removes what repositories are made as.
    ECR_DELETE_REPOSITORY_CREATION_TEMPLATE = "ecr:DeleteRepositoryCreationTemplate", [];
    /// Reads what repositories are made as.
    ECR_DESCRIBE_REPOSITORY_CREATION_TEMPLATES = "ecr:DescribeRepositoryCreationTemplates", [];
    /// Copies what was there before a rule.
    ECR_START_REPLICATION_BACKFILL = "ecr:StartReplicationBackfill", [];
    /// Ends such a copying.
    ECR_STOP_REPLICATION_BACKFILL = "ecr:StopReplicationBackfill", [];
    /// Lists such copyings.
    ECR_LIST_REPLICATION_BACKFILLS = "ecr:ListReplicationBackfills", [];
    /// Reads what became of such a copying.
    ECR_DESCRIBE_REPLICATION_BACKFILL_RESULTS = "ecr:DescribeReplicationBackfillResults", [];
    /// Deletes a repository.
    ECR_DELETE_REPOSITORY = "ecr:DeleteRepository", [];
    /// Gets a token, or a password for `docker login`.
    ECR_GET_AUTHORIZATION_TOKEN = "ecr:GetAuthorizationToken", [];

    /// Destroys images in the trash before their time: nobody can restore those.
    GANTRY_EMPTY_TRASH = "gantry:EmptyTrash", [Delete];
    /// Puts an image on hold: nobody can delete it then.
    GANTRY_HOLD_IMAGE = "gantry:HoldImage", [];
    /// Lifts the hold of an image.
    GANTRY_RELEASE_IMAGE = "gantry:ReleaseImage", [];
    /// Sets which tags of a repository are protected.
    GANTRY_PUT_PROTECTED_TAGS = "gantry:PutProtectedTags", [];
    /// Reports which images somebody runs.
    GANTRY_PUT_INVENTORY = "gantry:PutInventory", [];
    /// Reads who runs which images.
    GANTRY_LIST_INVENTORY = "gantry:ListInventory", [];
    /// Forgets what somebody runs.
    GANTRY_DELETE_INVENTORY = "gantry:DeleteInventory", [];
    /// Reads the audit.
    GANTRY_LIST_AUDIT_RECORDS = "gantry:ListAuditRecords", [];
    /// Reads the metrics.
    GANTRY_GET_METRICS = "gantry:GetMetrics", [];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_has_a_name_of_its_own_behind_its_service() {
        let names: HashSet<_> = ALL.iter().map(|action| action.name()).collect();

        assert_eq!(names.len(), ALL.len());
        for name in names {
            let (service, verb) = name.split_once(':').unwrap();
            assert!(["ecr", "gantry"].contains(&service), "{name}");
            assert!(verb.starts_with(|first: char| first.is_ascii_uppercase()), "{name}");
        }
    }

    #[test]
    fn actions_are_known_to_docker_by_four_verbs() {
        for (action, verb) in [
            (ECR_BATCH_GET_IMAGE, Some(ScopeVerb::Pull)),
            (ECR_BATCH_CHECK_LAYER_AVAILABILITY, Some(ScopeVerb::Pull)),
            (ECR_PUT_IMAGE, Some(ScopeVerb::Push)),
            (ECR_CREATE_REPOSITORY, Some(ScopeVerb::Push)),
            (ECR_BATCH_DELETE_IMAGE, Some(ScopeVerb::Delete)),
            (ECR_DESCRIBE_REPOSITORIES, Some(ScopeVerb::Catalog)),
            (ECR_DELETE_REPOSITORY, None),
            (GANTRY_GET_METRICS, None),
        ] {
            assert_eq!(action.scope_verb(), verb, "{action}");
        }
    }
}

//! Every action there is: the names of ECR, IAM, STS, KMS and Secrets Manager, and `gantry:` where AWS has none.

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
    /// Finds an action by its name, which is taken in any case.
    pub fn find(name: &str) -> Option<Action> {
        ALL.iter().copied().find(|action| action.name.eq_ignore_ascii_case(name))
    }

    /// Returns the name of the action that is nearest to one that does not exist.
    pub fn nearest(name: &str) -> &'static str {
        let name = name.to_ascii_lowercase();
        let verb = name.rsplit(':').next().unwrap_or_default();
        let distance = |known: &&Action| {
            let known = known.name.to_ascii_lowercase();
            // What holds the word as a part of it is nearer than what only looks like it.
            (!known.ends_with(verb), strsim::damerau_levenshtein(&known, &name))
        };
        ALL.iter().min_by_key(distance).map_or("", |action| action.name)
    }

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
    /// Sets and removes labels of an image.
    GANTRY_LABEL_IMAGE = "gantry:LabelImage", [];
    /// Writes down who pushed and tagged images in another system, and when.
    GANTRY_IMPORT_PAST = "gantry:ImportPast", [];
    /// Sets which tags of a repository are protected.
    GANTRY_PUT_PROTECTED_TAGS = "gantry:PutProtectedTags", [];
    /// Reports which images somebody runs.
    GANTRY_PUT_INVENTORY = "gantry:PutInventory", [];
    /// Reads who runs which images.
    GANTRY_LIST_INVENTORY = "gantry:ListInventory", [];
    /// Forgets what somebody runs.
    GANTRY_DELETE_INVENTORY = "gantry:DeleteInventory", [];
    /// Reads how much repositories may hold together, and how much they do.
    GANTRY_LIST_QUOTAS = "gantry:ListQuotas", [];
    /// Sets how much repositories may hold together.
    GANTRY_PUT_QUOTA = "gantry:PutQuota", [];
    /// Ends such a limit.
    GANTRY_DELETE_QUOTA = "gantry:DeleteQuota", [];
    /// Reads what images must be like to be pulled, and what is excepted from that.
    GANTRY_LIST_SCAN_POLICIES = "gantry:ListScanPolicies", [];
    /// Sets what images must be like to be pulled.
    GANTRY_PUT_SCAN_POLICY = "gantry:PutScanPolicy", [];
    /// Ends what images must be like to be pulled.
    GANTRY_DELETE_SCAN_POLICY = "gantry:DeleteScanPolicy", [];
    /// Makes an exception from a scan policy.
    GANTRY_CREATE_SCAN_EXCEPTION = "gantry:CreateScanException", [];
    /// Agrees to an exception that somebody else has made.
    GANTRY_APPROVE_SCAN_EXCEPTION = "gantry:ApproveScanException", [];
    /// Takes an exception back.
    GANTRY_DELETE_SCAN_EXCEPTION = "gantry:DeleteScanException", [];
    /// Has every image pulled for a while, whatever scan policies say.
    GANTRY_CREATE_SCAN_OVERRIDE = "gantry:CreateScanOverride", [];
    /// Ends such a while.
    GANTRY_END_SCAN_OVERRIDE = "gantry:EndScanOverride", [];
    /// Lets a tag out of quarantine, whatever is wrong with its image.
    GANTRY_RELEASE_QUARANTINE = "gantry:ReleaseQuarantine", [];
    /// Reads all advisories, as another Gantry does that updates from this one.
    GANTRY_GET_ADVISORIES = "gantry:GetAdvisories", [];
    /// Uploads a VEX document, which suppresses findings.
    GANTRY_PUT_VEX = "gantry:PutVex", [];
    /// Lists VEX documents.
    GANTRY_LIST_VEX = "gantry:ListVex", [];
    /// Removes a VEX document.
    GANTRY_DELETE_VEX = "gantry:DeleteVex", [];
    /// Follows what happens to the images of repositories.
    GANTRY_LIST_EVENTS = "gantry:ListEvents", [Pull];
    /// Reads the audit.
    GANTRY_LIST_AUDIT_RECORDS = "gantry:ListAuditRecords", [];
    /// Reads the metrics.
    GANTRY_GET_METRICS = "gantry:GetMetrics", [];
    /// Reads what is denied account-wide.
    GANTRY_LIST_ACCOUNT_POLICIES = "gantry:ListAccountPolicies", [];
    /// Sets what is denied account-wide.
    GANTRY_PUT_ACCOUNT_POLICY = "gantry:PutAccountPolicy", [];
    /// Ends what is denied account-wide.
    GANTRY_DELETE_ACCOUNT_POLICY = "gantry:DeleteAccountPolicy", [];
    /// Makes a personal token; everybody may for himself.
    GANTRY_CREATE_TOKEN = "gantry:CreateToken", [];
    /// Lists the personal tokens of a user; everybody may his own.
    GANTRY_LIST_TOKENS = "gantry:ListTokens", [];
    /// Revokes a personal token; everybody may his own.
    GANTRY_REVOKE_TOKEN = "gantry:RevokeToken", [];

    /// Lists who is logged in at the pages, and terminals that wait.
    GANTRY_LIST_SESSIONS = "gantry:ListSessions", [];
    /// Ends the sessions of somebody who is logged in at the pages.
    GANTRY_END_SESSION = "gantry:EndSession", [];

    /// Makes an account, and the key of its root user.
    GANTRY_CREATE_ACCOUNT = "gantry:CreateAccount", [];
    /// Reads an account.
    GANTRY_GET_ACCOUNT = "gantry:GetAccount", [];
    /// Lists the accounts.
    GANTRY_LIST_ACCOUNTS = "gantry:ListAccounts", [];
    /// Lets nobody of an account in any more, or lets them in again.
    GANTRY_UPDATE_ACCOUNT = "gantry:UpdateAccount", [];
    /// Gives the root user of an account another key.
    GANTRY_ROTATE_ROOT_KEY = "gantry:RotateRootKey", [];
    /// Removes an account.
    GANTRY_DELETE_ACCOUNT = "gantry:DeleteAccount", [];

    /// Makes a user.
    IAM_CREATE_USER = "iam:CreateUser", [];
    /// Reads a user.
    IAM_GET_USER = "iam:GetUser", [];
    /// Gives a user another name or path.
    IAM_UPDATE_USER = "iam:UpdateUser", [];
    /// Removes a user.
    IAM_DELETE_USER = "iam:DeleteUser", [];
    /// Lists the users of the account.
    IAM_LIST_USERS = "iam:ListUsers", [];
    /// Sets tags of a user, also while making it.
    IAM_TAG_USER = "iam:TagUser", [];
    /// Removes tags of a user.
    IAM_UNTAG_USER = "iam:UntagUser", [];
    /// Lists the tags of a user.
    IAM_LIST_USER_TAGS = "iam:ListUserTags", [];
    /// Sets what a user may be allowed at most.
    IAM_PUT_USER_PERMISSIONS_BOUNDARY = "iam:PutUserPermissionsBoundary", [];
    /// Removes the bounds of a user.
    IAM_DELETE_USER_PERMISSIONS_BOUNDARY = "iam:DeleteUserPermissionsBoundary", [];
    /// Writes a policy into a user.
    IAM_PUT_USER_POLICY = "iam:PutUserPolicy", [];
    /// Reads a policy written into a user.
    IAM_GET_USER_POLICY = "iam:GetUserPolicy", [];
    /// Removes a policy written into a user.
    IAM_DELETE_USER_POLICY = "iam:DeleteUserPolicy", [];
    /// Lists the policies written into a user.
    IAM_LIST_USER_POLICIES = "iam:ListUserPolicies", [];
    /// Gives a managed policy to a user.
    IAM_ATTACH_USER_POLICY = "iam:AttachUserPolicy", [];
    /// Takes a managed policy from a user.
    IAM_DETACH_USER_POLICY = "iam:DetachUserPolicy", [];
    /// Lists the managed policies of a user.
    IAM_LIST_ATTACHED_USER_POLICIES = "iam:ListAttachedUserPolicies", [];
    /// Lists the groups of a user.
    IAM_LIST_GROUPS_FOR_USER = "iam:ListGroupsForUser", [];
    /// Gives a user a password.
    IAM_CREATE_LOGIN_PROFILE = "iam:CreateLoginProfile", [];
    /// Gives a user another password.
    IAM_UPDATE_LOGIN_PROFILE = "iam:UpdateLoginProfile", [];
    /// Chooses another password for oneself.
    IAM_CHANGE_PASSWORD = "iam:ChangePassword", [];
    /// Asks whether a user has a password.
    IAM_GET_LOGIN_PROFILE = "iam:GetLoginProfile", [];
    /// Removes a user's password.
    IAM_DELETE_LOGIN_PROFILE = "iam:DeleteLoginProfile", [];
    /// Lists the SSH keys of a user.
    IAM_LIST_SSH_PUBLIC_KEYS = "iam:ListSSHPublicKeys", [];
    /// Lists the second factors of a user.
    IAM_LIST_MFA_DEVICES = "iam:ListMFADevices", [];
    /// Lists the second factors of the account.
    IAM_LIST_VIRTUAL_MFA_DEVICES = "iam:ListVirtualMFADevices", [];
    /// Lists the signing certificates of a user.
    IAM_LIST_SIGNING_CERTIFICATES = "iam:ListSigningCertificates", [];
    /// Lists a user's credentials for single services.
    IAM_LIST_SERVICE_SPECIFIC_CREDENTIALS = "iam:ListServiceSpecificCredentials", [];
    /// Makes an access key.
    IAM_CREATE_ACCESS_KEY = "iam:CreateAccessKey", [];
    /// Lists the access keys of a user.
    IAM_LIST_ACCESS_KEYS = "iam:ListAccessKeys", [];
    /// Switches an access key on or off.
    IAM_UPDATE_ACCESS_KEY = "iam:UpdateAccessKey", [];
    /// Removes an access key.
    IAM_DELETE_ACCESS_KEY = "iam:DeleteAccessKey", [];
    /// Asks when an access key was used last.
    IAM_GET_ACCESS_KEY_LAST_USED = "iam:GetAccessKeyLastUsed", [];
    /// Makes a group.
    IAM_CREATE_GROUP = "iam:CreateGroup", [];
    /// Reads a group and who is in it.
    IAM_GET_GROUP = "iam:GetGroup", [];
    /// Gives a group another name or path.
    IAM_UPDATE_GROUP = "iam:UpdateGroup", [];
    /// Removes a group.
    IAM_DELETE_GROUP = "iam:DeleteGroup", [];
    /// Lists the groups of the account.
    IAM_LIST_GROUPS = "iam:ListGroups", [];
    /// Puts a user into a group.
    IAM_ADD_USER_TO_GROUP = "iam:AddUserToGroup", [];
    /// Takes a user out of a group.
    IAM_REMOVE_USER_FROM_GROUP = "iam:RemoveUserFromGroup", [];
    /// Writes a policy into a group.
    IAM_PUT_GROUP_POLICY = "iam:PutGroupPolicy", [];
    /// Reads a policy written into a group.
    IAM_GET_GROUP_POLICY = "iam:GetGroupPolicy", [];
    /// Removes a policy written into a group.
    IAM_DELETE_GROUP_POLICY = "iam:DeleteGroupPolicy", [];
    /// Lists the policies written into a group.
    IAM_LIST_GROUP_POLICIES = "iam:ListGroupPolicies", [];
    /// Gives a managed policy to a group.
    IAM_ATTACH_GROUP_POLICY = "iam:AttachGroupPolicy", [];
    /// Takes a managed policy from a group.
    IAM_DETACH_GROUP_POLICY = "iam:DetachGroupPolicy", [];
    /// Lists the managed policies of a group.
    IAM_LIST_ATTACHED_GROUP_POLICIES = "iam:ListAttachedGroupPolicies", [];
    /// Makes a role.
    IAM_CREATE_ROLE = "iam:CreateRole", [];
    /// Reads a role.
    IAM_GET_ROLE = "iam:GetRole", [];
    /// Changes the description of a role, or how long its sessions last.
    IAM_UPDATE_ROLE = "iam:UpdateRole", [];
    /// Changes the description of a role.
    IAM_UPDATE_ROLE_DESCRIPTION = "iam:UpdateRoleDescription", [];
    /// Sets who may take a role.
    IAM_UPDATE_ASSUME_ROLE_POLICY = "iam:UpdateAssumeRolePolicy", [];
    /// Removes a role.
    IAM_DELETE_ROLE = "iam:DeleteRole", [];
    /// Lists the roles of the account.
    IAM_LIST_ROLES = "iam:ListRoles", [];
    /// Hands a role to something that acts with it.
    IAM_PASS_ROLE = "iam:PassRole", [];
    /// Sets tags of a role, also while making it.
    IAM_TAG_ROLE = "iam:TagRole", [];
    /// Removes tags of a role.
    IAM_UNTAG_ROLE = "iam:UntagRole", [];
    /// Lists the tags of a role.
    IAM_LIST_ROLE_TAGS = "iam:ListRoleTags", [];
    /// Sets what a role may be allowed at most.
    IAM_PUT_ROLE_PERMISSIONS_BOUNDARY = "iam:PutRolePermissionsBoundary", [];
    /// Removes the bounds of a role.
    IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY = "iam:DeleteRolePermissionsBoundary", [];
    /// Writes a policy into a role.
    IAM_PUT_ROLE_POLICY = "iam:PutRolePolicy", [];
    /// Reads a policy written into a role.
    IAM_GET_ROLE_POLICY = "iam:GetRolePolicy", [];
    /// Removes a policy written into a role.
    IAM_DELETE_ROLE_POLICY = "iam:DeleteRolePolicy", [];
    /// Lists the policies written into a role.
    IAM_LIST_ROLE_POLICIES = "iam:ListRolePolicies", [];
    /// Gives a managed policy to a role.
    IAM_ATTACH_ROLE_POLICY = "iam:AttachRolePolicy", [];
    /// Takes a managed policy from a role.
    IAM_DETACH_ROLE_POLICY = "iam:DetachRolePolicy", [];
    /// Lists the managed policies of a role.
    IAM_LIST_ATTACHED_ROLE_POLICIES = "iam:ListAttachedRolePolicies", [];
    /// Lists the machines' profiles that have a role.
    IAM_LIST_INSTANCE_PROFILES_FOR_ROLE = "iam:ListInstanceProfilesForRole", [];
    /// Makes a managed policy.
    IAM_CREATE_POLICY = "iam:CreatePolicy", [];
    /// Reads what is known of a managed policy.
    IAM_GET_POLICY = "iam:GetPolicy", [];
    /// Removes a managed policy.
    IAM_DELETE_POLICY = "iam:DeletePolicy", [];
    /// Lists the managed policies of the account.
    IAM_LIST_POLICIES = "iam:ListPolicies", [];
    /// Writes a managed policy anew.
    IAM_CREATE_POLICY_VERSION = "iam:CreatePolicyVersion", [];
    /// Reads the text of a managed policy.
    IAM_GET_POLICY_VERSION = "iam:GetPolicyVersion", [];
    /// Removes a text that a managed policy had.
    IAM_DELETE_POLICY_VERSION = "iam:DeletePolicyVersion", [];
    /// Lists the texts of a managed policy.
    IAM_LIST_POLICY_VERSIONS = "iam:ListPolicyVersions", [];
    /// Sets which text of a managed policy holds.
    IAM_SET_DEFAULT_POLICY_VERSION = "iam:SetDefaultPolicyVersion", [];
    /// Lists who has a managed policy.
    IAM_LIST_ENTITIES_FOR_POLICY = "iam:ListEntitiesForPolicy", [];
    /// Sets tags of a managed policy, also while making it.
    IAM_TAG_POLICY = "iam:TagPolicy", [];
    /// Removes tags of a managed policy.
    IAM_UNTAG_POLICY = "iam:UntagPolicy", [];
    /// Lists the tags of a managed policy.
    IAM_LIST_POLICY_TAGS = "iam:ListPolicyTags", [];
    /// Trusts an identity provider.
    IAM_CREATE_OPENID_CONNECT_PROVIDER = "iam:CreateOpenIDConnectProvider", [];
    /// Reads an identity provider.
    IAM_GET_OPENID_CONNECT_PROVIDER = "iam:GetOpenIDConnectProvider", [];
    /// Trusts an identity provider no longer.
    IAM_DELETE_OPENID_CONNECT_PROVIDER = "iam:DeleteOpenIDConnectProvider", [];
    /// Lists the identity providers of the account.
    IAM_LIST_OPENID_CONNECT_PROVIDERS = "iam:ListOpenIDConnectProviders", [];
    /// Sets the certificates of an identity provider.
    IAM_UPDATE_OPENID_CONNECT_PROVIDER_THUMBPRINT = "iam:UpdateOpenIDConnectProviderThumbprint", [];
    /// Accepts tokens of an identity provider for another client.
    IAM_ADD_CLIENT_ID_TO_OPENID_CONNECT_PROVIDER = "iam:AddClientIDToOpenIDConnectProvider", [];
    /// Accepts tokens of an identity provider for a client no longer.
    IAM_REMOVE_CLIENT_ID_FROM_OPENID_CONNECT_PROVIDER = "iam:RemoveClientIDFromOpenIDConnectProvider", [];
    /// Sets tags of an identity provider, also while making it.
    IAM_TAG_OPENID_CONNECT_PROVIDER = "iam:TagOpenIDConnectProvider", [];
    /// Removes tags of an identity provider.
    IAM_UNTAG_OPENID_CONNECT_PROVIDER = "iam:UntagOpenIDConnectProvider", [];
    /// Lists the tags of an identity provider.
    IAM_LIST_OPENID_CONNECT_PROVIDER_TAGS = "iam:ListOpenIDConnectProviderTags", [];
    /// Gives the account a name.
    IAM_CREATE_ACCOUNT_ALIAS = "iam:CreateAccountAlias", [];
    /// Takes the account's name from it.
    IAM_DELETE_ACCOUNT_ALIAS = "iam:DeleteAccountAlias", [];
    /// Reads the account's name.
    IAM_LIST_ACCOUNT_ALIASES = "iam:ListAccountAliases", [];
    /// Reads what passwords must be like.
    IAM_GET_ACCOUNT_PASSWORD_POLICY = "iam:GetAccountPasswordPolicy", [];
    /// Counts what the account has, and may have.
    IAM_GET_ACCOUNT_SUMMARY = "iam:GetAccountSummary", [];
    /// Reads all users, groups, roles and policies of the account, and who may do what by them.
    IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS = "iam:GetAccountAuthorizationDetails", [];
    /// Asks what somebody may do, and why.
    IAM_SIMULATE_PRINCIPAL_POLICY = "iam:SimulatePrincipalPolicy", [];
    /// Asks what policies would allow.
    IAM_SIMULATE_CUSTOM_POLICY = "iam:SimulateCustomPolicy", [];
    /// Asks what the conditions of somebody's policies ask for.
    IAM_GET_CONTEXT_KEYS_FOR_PRINCIPAL_POLICY = "iam:GetContextKeysForPrincipalPolicy", [];
    /// Asks what the conditions of policies ask for.
    IAM_GET_CONTEXT_KEYS_FOR_CUSTOM_POLICY = "iam:GetContextKeysForCustomPolicy", [];

    /// Takes a role.
    STS_ASSUME_ROLE = "sts:AssumeRole", [];
    /// Takes a role with a token of an identity provider.
    STS_ASSUME_ROLE_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity", [];
    /// Takes a role with tags.
    STS_TAG_SESSION = "sts:TagSession", [];

    /// Makes a key.
    KMS_CREATE_KEY = "kms:CreateKey", [];
    /// Reads what is known of a key.
    KMS_DESCRIBE_KEY = "kms:DescribeKey", [];
    /// Lists the keys of the account.
    KMS_LIST_KEYS = "kms:ListKeys", [];
    /// Gives a key a name.
    KMS_CREATE_ALIAS = "kms:CreateAlias", [];
    /// Gives the name of a key to another one.
    KMS_UPDATE_ALIAS = "kms:UpdateAlias", [];
    /// Removes the name of a key.
    KMS_DELETE_ALIAS = "kms:DeleteAlias", [];
    /// Lists the names of keys.
    KMS_LIST_ALIASES = "kms:ListAliases", [];
    /// Lets a key be used again.
    KMS_ENABLE_KEY = "kms:EnableKey", [];
    /// Lets a key be used no longer.
    KMS_DISABLE_KEY = "kms:DisableKey", [];
    /// Has a key destroyed after some days.
    KMS_SCHEDULE_KEY_DELETION = "kms:ScheduleKeyDeletion", [];
    /// Keeps a key that was to be destroyed.
    KMS_CANCEL_KEY_DELETION = "kms:CancelKeyDeletion", [];
    /// Has a key renewed by itself.
    KMS_ENABLE_KEY_ROTATION = "kms:EnableKeyRotation", [];
    /// Has a key renewed by itself no longer.
    KMS_DISABLE_KEY_ROTATION = "kms:DisableKeyRotation", [];
    /// Asks when a key is renewed.
    KMS_GET_KEY_ROTATION_STATUS = "kms:GetKeyRotationStatus", [];
    /// Lists when a key was renewed.
    KMS_LIST_KEY_ROTATIONS = "kms:ListKeyRotations", [];
    /// Renews a key now.
    KMS_ROTATE_KEY_ON_DEMAND = "kms:RotateKeyOnDemand", [];
    /// Reads the policy of a key.
    KMS_GET_KEY_POLICY = "kms:GetKeyPolicy", [];
    /// Sets the policy of a key.
    KMS_PUT_KEY_POLICY = "kms:PutKeyPolicy", [];
    /// Lists the policies of a key.
    KMS_LIST_KEY_POLICIES = "kms:ListKeyPolicies", [];
    /// Sets tags of a key, also while making it.
    KMS_TAG_RESOURCE = "kms:TagResource", [];
    /// Removes tags of a key.
    KMS_UNTAG_RESOURCE = "kms:UntagResource", [];
    /// Lists the tags of a key.
    KMS_LIST_RESOURCE_TAGS = "kms:ListResourceTags", [];
    /// Changes the description of a key.
    KMS_UPDATE_KEY_DESCRIPTION = "kms:UpdateKeyDescription", [];
    /// Encrypts under a key.
    KMS_ENCRYPT = "kms:Encrypt", [];
    /// Decrypts what was encrypted under a key.
    KMS_DECRYPT = "kms:Decrypt", [];
    /// Decrypts under a key what is then encrypted under another.
    KMS_RE_ENCRYPT_FROM = "kms:ReEncryptFrom", [];
    /// Encrypts under a key what was encrypted under another.
    KMS_RE_ENCRYPT_TO = "kms:ReEncryptTo", [];
    /// Draws a key, in the clear and encrypted under a key.
    KMS_GENERATE_DATA_KEY = "kms:GenerateDataKey", [];
    /// Draws a key, encrypted under a key.
    KMS_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT = "kms:GenerateDataKeyWithoutPlaintext", [];
    /// Draws random bytes.
    KMS_GENERATE_RANDOM = "kms:GenerateRandom", [];
    /// Lets somebody use a key.
    KMS_CREATE_GRANT = "kms:CreateGrant", [];
    /// Lists who may use a key.
    KMS_LIST_GRANTS = "kms:ListGrants", [];
    /// Lets somebody use a key no longer.
    KMS_REVOKE_GRANT = "kms:RevokeGrant", [];
    /// Gives back the use of a key.
    KMS_RETIRE_GRANT = "kms:RetireGrant", [];
    /// Lists the uses of keys that one may give back.
    KMS_LIST_RETIRABLE_GRANTS = "kms:ListRetirableGrants", [];

    /// Makes a secret.
    SECRETS_CREATE_SECRET = "secretsmanager:CreateSecret", [];
    /// Removes the policy of a secret.
    SECRETS_DELETE_RESOURCE_POLICY = "secretsmanager:DeleteResourcePolicy", [];
    /// Has a secret erased.
    SECRETS_DELETE_SECRET = "secretsmanager:DeleteSecret", [];
    /// Reads what is known of a secret, without its values.
    SECRETS_DESCRIBE_SECRET = "secretsmanager:DescribeSecret", [];
    /// Draws a password.
    SECRETS_GET_RANDOM_PASSWORD = "secretsmanager:GetRandomPassword", [];
    /// Reads the policy of a secret.
    SECRETS_GET_RESOURCE_POLICY = "secretsmanager:GetResourcePolicy", [];
    /// Reads a value of a secret.
    SECRETS_GET_SECRET_VALUE = "secretsmanager:GetSecretValue", [];
    /// Lists the versions of a secret.
    SECRETS_LIST_SECRET_VERSION_IDS = "secretsmanager:ListSecretVersionIds", [];
    /// Lists the secrets of the account.
    SECRETS_LIST_SECRETS = "secretsmanager:ListSecrets", [];
    /// Sets the policy of a secret.
    SECRETS_PUT_RESOURCE_POLICY = "secretsmanager:PutResourcePolicy", [];
    /// Writes a value of a secret.
    SECRETS_PUT_SECRET_VALUE = "secretsmanager:PutSecretValue", [];
    /// Keeps a secret that was to be erased.
    SECRETS_RESTORE_SECRET = "secretsmanager:RestoreSecret", [];
    /// Sets tags of a secret, also while making it.
    SECRETS_TAG_RESOURCE = "secretsmanager:TagResource", [];
    /// Removes tags of a secret.
    SECRETS_UNTAG_RESOURCE = "secretsmanager:UntagResource", [];
    /// Changes a secret, or writes a value of it.
    SECRETS_UPDATE_SECRET = "secretsmanager:UpdateSecret", [];
    /// Gives a stage to another version of a secret.
    SECRETS_UPDATE_SECRET_VERSION_STAGE = "secretsmanager:UpdateSecretVersionStage", [];
    /// Asks what is wrong with a policy of a secret.
    SECRETS_VALIDATE_RESOURCE_POLICY = "secretsmanager:ValidateResourcePolicy", [];
}

#[cfg(test)]
mod tests;

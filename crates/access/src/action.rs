//! What can be asked for: IAM actions of ECR, on repositories or the registry.

use gantry_words::{AccountId, Region, RepositoryName};
use std::fmt;

/// An IAM action, such as `ecr:PutImage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(&'static str);

/// The verb of a docker scope that covers an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeVerb {
    /// `pull`
    Pull,
    /// `push`
    Push,
    /// `delete`
    Delete,
    /// `registry:catalog:*`
    Catalog,
}

impl Action {
    /// Returns the name, with its service.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! actions {
    ($( $(#[doc = $doc:literal])+ $name:ident = $text:literal, $verbs:expr; )*) => {
        $( $(#[doc = $doc])+ pub const $name: Action = Action($text); )*

        /// Every action, with the scope verbs any one of which covers it; none where a scoped token cannot have it.
        pub const ALL: &[(Action, &[ScopeVerb])] = &[ $( ($name, &$verbs), )* ];
    };
}

use ScopeVerb::{Catalog, Delete, Pull, Push};

// In the order of their names.
actions! {
    /// Removes images, tags and blobs.
    ECR_BATCH_DELETE_IMAGE = "ecr:BatchDeleteImage", [Delete];
    /// Says whether blobs are there.
    ECR_BATCH_CHECK_LAYER_AVAILABILITY = "ecr:BatchCheckLayerAvailability", [Pull, Push];
    /// Reads manifests and referrers.
    ECR_BATCH_GET_IMAGE = "ecr:BatchGetImage", [Pull];
    /// Ends an upload, or mounts a blob.
    ECR_COMPLETE_LAYER_UPLOAD = "ecr:CompleteLayerUpload", [Push];
    /// Creates a repository.
    ECR_CREATE_REPOSITORY = "ecr:CreateRepository", [Push];
    /// Deletes a repository.
    ECR_DELETE_REPOSITORY = "ecr:DeleteRepository", [];
    /// Shows images with their times and sizes.
    ECR_DESCRIBE_IMAGES = "ecr:DescribeImages", [Pull];
    /// Lists repositories.
    ECR_DESCRIBE_REPOSITORIES = "ecr:DescribeRepositories", [Catalog];
    /// Issues tokens.
    ECR_GET_AUTHORIZATION_TOKEN = "ecr:GetAuthorizationToken", [];
    /// Reads blobs.
    ECR_GET_DOWNLOAD_URL_FOR_LAYER = "ecr:GetDownloadUrlForLayer", [Pull];
    /// Opens an upload.
    ECR_INITIATE_LAYER_UPLOAD = "ecr:InitiateLayerUpload", [Push];
    /// Lists tags.
    ECR_LIST_IMAGES = "ecr:ListImages", [Pull];
    /// Stores manifests and sets tags.
    ECR_PUT_IMAGE = "ecr:PutImage", [Push];
    /// Adds to an upload.
    ECR_UPLOAD_LAYER_PART = "ecr:UploadLayerPart", [Push];
    /// Reads the figures of the server.
    GANTRY_GET_METRICS = "gantry:GetMetrics", [];
}

impl Action {
    /// Returns the scope verbs any one of which covers this action.
    pub fn scope_verbs(self) -> &'static [ScopeVerb] {
        ALL.iter().find(|(action, _)| *action == self).map_or(&[], |(_, verbs)| verbs)
    }
}

/// What an action is done to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A repository of the account.
    Repository(RepositoryName),
    /// The registry as a whole.
    Registry,
}

/// One thing that must be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
}

impl Access {
    /// An action on a repository.
    pub fn on(action: Action, name: &RepositoryName) -> Access {
        Access { action, resource: Resource::Repository(name.clone()) }
    }

    /// An action on the registry.
    pub const fn to(action: Action) -> Access {
        Access { action, resource: Resource::Registry }
    }

    /// Returns the ARN of what the action is done to, as IAM policies name it.
    pub fn arn(&self, region: &Region, account: AccountId) -> String {
        match &self.resource {
            Resource::Repository(name) => format!("arn:aws:ecr:{region}:{account}:repository/{name}"),
            Resource::Registry => "*".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_stands_in_the_table_once() {
        let mut names: Vec<&str> = ALL.iter().map(|(action, _)| action.as_str()).collect();
        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn a_repository_is_named_by_its_arn() {
        let access = Access::on(ECR_PUT_IMAGE, &"team/app".parse().unwrap());

        let arn = access.arn(&Region::default(), AccountId::DEFAULT);

        assert_eq!(arn, "arn:aws:ecr:us-east-1:000000000000:repository/team/app");
    }
}

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
    /// Deletes a repository.
    ECR_DELETE_REPOSITORY = "ecr:DeleteRepository", [];
    /// Gets a token, or a password for `docker login`.
    ECR_GET_AUTHORIZATION_TOKEN = "ecr:GetAuthorizationToken", [];

    /// Destroys images in the trash before their time: nobody can restore those.
    GANTRY_EMPTY_TRASH = "gantry:EmptyTrash", [Delete];
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

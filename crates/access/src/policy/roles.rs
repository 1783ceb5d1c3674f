//! Built-in roles: templates of policies over the repositories below a prefix, to be looked at and attached.
//!
//! They are policies like any other. Those named after roles of other registries do here what people know of them there;
//! what those registries do and Gantry does not is not in them.

use gantry_words::AccountId;

/// A built-in role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltInRole {
    /// Its name, as commands take it.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Actions on the repositories below the prefix.
    on_repositories: &'static [&'static [&'static str]],
    /// Actions on the registry as a whole.
    on_registry: &'static [&'static str],
}

const LOGIN: &[&str] = &["ecr:GetAuthorizationToken"];
const PULL: &[&str] = &["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const LIST: &[&str] = &["ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:ListImages", "gantry:ListEvents"];
const INSPECT: &[&str] = &[
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:DescribeImageReplicationStatus",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImageSigningStatus",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:GetRepositoryPolicy",
    "ecr:ListTagsForResource",
];
const SCAN_RESULTS: &[&str] = &["ecr:DescribeImageScanFindings"];
const UPLOAD: &[&str] = &[
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];
const DELETE_IMAGES: &[&str] = &["ecr:BatchDeleteImage"];
const CARE: &[&str] = &[
    "ecr:DeleteLifecyclePolicy",
    "ecr:PutImageScanningConfiguration",
    "ecr:PutImageTagMutability",
    "ecr:PutLifecyclePolicy",
    "ecr:StartImageScan",
    "ecr:StartLifecyclePolicyPreview",
    "ecr:UpdateImageStorageClass",
    "gantry:HoldImage",
    "gantry:LabelImage",
    "gantry:PutProtectedTags",
    "gantry:ReleaseImage",
];
const SCAN: &[&str] = &["ecr:StartImageScan"];
const MAKE: &[&str] = &["ecr:CreateRepository", "ecr:DeleteRepository", "ecr:TagResource", "ecr:UntagResource"];
const SHARE: &[&str] = &["ecr:DeleteRepositoryPolicy", "ecr:SetRepositoryPolicy"];
const DESTROY: &[&str] = &["gantry:EmptyTrash"];
const EVERYTHING: &[&str] = &["ecr:*", "gantry:*"];
const REGISTRY_READ: &[&str] = &[
    "ecr:DescribePullThroughCacheRules",
    "ecr:DescribeRegistry",
    "ecr:DescribeRepositoryCreationTemplates",
    "ecr:GetAccountSetting",
    "ecr:GetAuthorizationToken",
    "ecr:GetRegistryScanningConfiguration",
    "ecr:GetSigningConfiguration",
];

/// All built-in roles.
pub const BUILT_IN_ROLES: [BuiltInRole; 15] = [
    BuiltInRole {
        name: "pull",
        summary: "Pulls images whose names it knows.",
        on_repositories: &[PULL],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "read-only",
        summary: "Sees everything, pulls, and changes nothing.",
        on_repositories: &[PULL, LIST, INSPECT],
        on_registry: REGISTRY_READ,
    },
    BuiltInRole {
        name: "push",
        summary: "Pulls and pushes.",
        on_repositories: &[PULL, LIST, UPLOAD],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "maintainer",
        summary: "Pushes, deletes images, and sets how repositories are kept; opens them to nobody.",
        on_repositories: &[PULL, LIST, INSPECT, UPLOAD, DELETE_IMAGES, CARE],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "admin",
        summary: "May do everything with its repositories, and everything with the registry where its prefix is empty.",
        on_repositories: &[EVERYTHING],
        on_registry: LOGIN,
    },
    BuiltInRole { name: "AcrPull", summary: "Pulls and lists.", on_repositories: &[PULL, LIST], on_registry: LOGIN },
    BuiltInRole {
        name: "AcrPush",
        summary: "Pulls, lists and pushes.",
        on_repositories: &[PULL, LIST, UPLOAD],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "AcrDelete",
        summary: "Deletes images.",
        on_repositories: &[DELETE_IMAGES],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "Contributor",
        summary: "May do everything with its repositories but say who else may.",
        on_repositories: &[PULL, LIST, INSPECT, UPLOAD, DELETE_IMAGES, CARE, MAKE],
        on_registry: REGISTRY_READ,
    },
    BuiltInRole {
        name: "Reader",
        summary: "Sees everything, pulls, and changes nothing.",
        on_repositories: &[PULL, LIST, INSPECT],
        on_registry: REGISTRY_READ,
    },
    BuiltInRole {
        name: "limited-guest",
        summary: "Harbor's limited guest: pulls.",
        on_repositories: &[PULL],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "guest",
        summary: "Harbor's guest: pulls, lists, and sees what scans found.",
        on_repositories: &[PULL, LIST, SCAN_RESULTS],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "developer",
        summary: "Harbor's developer: a guest who pushes.",
        on_repositories: &[PULL, LIST, SCAN_RESULTS, UPLOAD],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "project-maintainer",
        summary: "Harbor's maintainer: a developer who deletes images, has them scanned, and sets how they are kept.",
        on_repositories: &[PULL, LIST, INSPECT, UPLOAD, DELETE_IMAGES, SCAN, CARE],
        on_registry: LOGIN,
    },
    BuiltInRole {
        name: "project-admin",
        summary: "Harbor's project admin: may do everything in the project, also say who else may.",
        on_repositories: &[PULL, LIST, INSPECT, UPLOAD, DELETE_IMAGES, CARE, MAKE, DESTROY, SHARE],
        on_registry: LOGIN,
    },
];

impl BuiltInRole {
    /// Finds a role by its name, which is taken in any case.
    pub fn find(name: &str) -> Option<&'static BuiltInRole> {
        BUILT_IN_ROLES.iter().find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// Returns the ARN under which it is a managed policy for the repositories below `prefix`; for all of them where that is empty.
    pub fn policy_arn(&self, prefix: &str) -> String {
        match prefix.trim_matches('/') {
            "" => format!("arn:aws:iam::aws:policy/gantry/{}", self.name),
            prefix => format!("arn:aws:iam::aws:policy/gantry/{prefix}/{}", self.name),
        }
    }

    /// Returns the text of its policy for the repositories of `account` that are called `prefix` or lie below it; for all of
    /// them where the prefix is empty. A slash at the end of the prefix does not count.
    pub fn policy_text(&self, account: AccountId, prefix: &str) -> String {
        let prefix = prefix.trim_end_matches('/');
        let arn = |name: &str| format!("arn:aws:ecr:*:{account}:repository/{name}");
        let everything = self.on_repositories == [EVERYTHING];
        let resources = match prefix {
            // Whoever may do everything everywhere may do so with the registry too.
            "" if everything => vec!["*".to_string()],
            "" => vec![arn("*")],
            prefix => vec![arn(prefix), arn(&format!("{prefix}/*"))],
        };
        let mut actions: Vec<&str> = self.on_repositories.concat();
        actions.sort_unstable();
        actions.dedup();
        let statement = |sid: &str, actions: &[&str], resources: &[String]| serde_json::json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources});
        let document = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [
                statement("Registry", self.on_registry, &["*".to_string()]),
                statement("Repositories", &actions, &resources),
            ],
        });
        format!("{document:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Attached, Caller, Context, Policies, Policy, PolicyPlace, Request, evaluate, lint_policy};
    use std::fmt::Write;

    const ACCOUNT: AccountId = AccountId::DEFAULT;

    /// Whether who has only this role, for the prefix, may do `action`.
    fn may(role: &BuiltInRole, prefix: &str, action: &str, resource: &str) -> bool {
        let policy = Policy::parse(&role.policy_text(ACCOUNT, prefix), PolicyPlace::Identity).unwrap();
        let identity = [Attached { name: role.name, policy: &policy }];
        let caller = Caller::user(ACCOUNT, "/", "someone", "AIDASOMEONESOMEONE12");
        let context = Context::of(&caller);
        let request = Request { caller: &caller, action, resource, resource_account: ACCOUNT, context: &context };
        evaluate(&request, &Policies { identity: &identity, ..Policies::default() }).is_allowed()
    }

    fn repository(name: &str) -> String {
        format!("arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}")
    }

    #[test]
    fn every_action_is_allowed_to_these_roles() {
        let mut matrix = String::from("`r`: on repositories below its prefix; `*`: on the registry as a whole\n\n");
        let names: Vec<_> = BUILT_IN_ROLES.iter().map(|role| role.name).collect();
        writeln!(matrix, "{:47} {}", "", names.join(" ")).unwrap();
        for action in crate::action::ALL {
            write!(matrix, "{:47}", action.name()).unwrap();
            for role in &BUILT_IN_ROLES {
                let mark = match (
                    may(role, "team", action.name(), &repository("team/app")),
                    may(role, "team", action.name(), "*"),
                ) {
                    (false, false) => "-",
                    (true, false) => "r",
                    (false, true) => "*",
                    (true, true) => "r*",
                };
                write!(matrix, " {mark:width$}", width = role.name.len()).unwrap();
            }
            matrix.truncate(matrix.trim_end().len());
            matrix.push('\n');
        }

        insta::assert_snapshot!(matrix);
    }

    #[test]
    fn a_role_of_a_prefix_ends_there() {
        for role in &BUILT_IN_ROLES {
            for name in ["team2", "other/team", "Team/app"] {
                for action in crate::action::ALL {
                    let (outside, registry) = (may(role, "team/", action.name(), &repository(name)), role.on_registry);
                    assert_eq!(outside, registry.contains(&action.name()), "{} {action} {name}", role.name);
                }
            }
            let has = |prefix, name: &str| may(role, prefix, "ecr:BatchGetImage", &repository(name));
            assert_eq!(has("team", "team"), role.name != "AcrDelete", "{}", role.name);
            assert_eq!(has("", "any/name"), role.name != "AcrDelete", "{}", role.name);
        }
    }

    #[test]
    fn only_who_administers_everything_administers_the_registry() {
        let may = |prefix, action| may(BuiltInRole::find("Admin").unwrap(), prefix, action, "*");

        assert!(may("", "ecr:PutRegistryPolicy"));
        assert!(!may("team", "ecr:PutRegistryPolicy"));
    }

    #[test]
    fn the_policy_of_a_role_gets_no_hint() {
        for role in &BUILT_IN_ROLES {
            for prefix in ["", "team"] {
                let text = role.policy_text(ACCOUNT, prefix);
                assert_eq!(lint_policy(&text, PolicyPlace::Identity), Ok(vec![]), "{} {text}", role.name);
            }
        }
    }

    #[test]
    fn the_policy_of_a_role_can_be_looked_at() {
        let push = BuiltInRole::find("push").unwrap().policy_text(ACCOUNT, "team");

        insta::assert_snapshot!(push);
    }
}

//! What actions on users, groups, roles and policies are asked on.
//!
//! A request names somebody without his path and in any case, so that is asked on `user/NAME` as it was written; one that
//! makes somebody has the path too. The accounts put the ARN of whom the name means in its place before they decide.

use super::model::{PolicyUsageType, Tag};
use gantry_access::{Access, Action};
use gantry_fault::{Fault, FaultKind};

/// A user who is named.
pub(crate) fn user(action: Action, name: &str) -> Vec<Access> {
    vec![Access::of(action, "iam", format!("user/{name}"))]
}

/// A group.
pub(crate) fn group(action: Action, name: &str) -> Vec<Access> {
    vec![Access::of(action, "iam", format!("group/{name}"))]
}

/// A role.
pub(crate) fn role(action: Action, name: &str) -> Vec<Access> {
    vec![Access::of(action, "iam", format!("role/{name}"))]
}

/// A policy or an identity provider.
pub(crate) fn arn(action: Action, arn: &str) -> Vec<Access> {
    vec![Access::on_arn(action, arn)]
}

/// A user, group, role or policy that is to be made, or all below a path; with its tags, where setting these is asked too.
pub(crate) fn made(action: Action, tagging: Option<Action>, kind: &str, path: Option<&str>, name: &str) -> Vec<Access> {
    let path = format!("{kind}{}{name}", path.unwrap_or("/"));
    std::iter::once(action).chain(tagging).map(|action| Access::of(action, "iam", path.clone())).collect()
}

/// The same, with the managed policy that is attached or detached: `iam:PolicyARN`.
pub(crate) fn with_policy(accesses: Vec<Access>, arn: &str) -> Vec<Access> {
    accesses.into_iter().map(|access| access.with("iam:PolicyARN", [arn])).collect()
}

/// The same, with the boundary that the request sets: `iam:PermissionsBoundary`.
pub(crate) fn with_boundary(accesses: Vec<Access>, arn: Option<&str>) -> Vec<Access> {
    match arn {
        Some(arn) => accesses.into_iter().map(|access| access.with("iam:PermissionsBoundary", [arn])).collect(),
        None => accesses,
    }
}

/// The same, with the tags that the request sets.
pub(crate) fn with_tags(accesses: Vec<Access>, tags: &[Tag]) -> Vec<Access> {
    let pairs = || tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    match tags {
        [] => accesses,
        _ => accesses.into_iter().map(|access| access.with_tags(pairs())).collect(),
    }
}

/// The same, with the keys of tags that the request removes.
pub(crate) fn with_tag_keys(accesses: Vec<Access>, keys: &[String]) -> Vec<Access> {
    accesses.into_iter().map(|access| access.with("aws:TagKeys", keys.iter().map(String::as_str))).collect()
}

/// Whether a managed policy lies below a path.
pub(crate) fn is_below(arn: &str, path_prefix: Option<&str>) -> bool {
    let path = arn.split_once(":policy").map_or("", |(_, path)| path);
    path_prefix.is_none_or(|prefix| path.starts_with(prefix))
}

/// Where an identity provider stands that is to be made.
pub(crate) fn provider_path(url: &str) -> String {
    format!("oidc-provider/{}", url.strip_prefix("https://").unwrap_or(url))
}

/// Refuses to list policies by what they bound.
///
/// # Errors
/// [`FaultKind::InvalidInput`]: it is asked for.
pub(crate) fn refuse_boundary_usage(usage: Option<PolicyUsageType>) -> Result<(), Fault> {
    match usage {
        None | Some(PolicyUsageType::PermissionsPolicy) => Ok(()),
        Some(PolicyUsageType::PermissionsBoundary) => {
            let message = "PolicyUsageFilter is PermissionsBoundary, which is not listed here; leave it out";
            Err(Fault::new(FaultKind::InvalidInput, message))
        }
    }
}

/// The user whom a request means: the one that it names, or else whoever sent it.
pub(crate) fn user_or_caller<'a>(named: Option<&'a str>, actor: &'a str) -> Option<&'a str> {
    named.or_else(|| actor.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next()))
}

/// The same, to ask about: the root user, where it is neither.
pub(crate) fn user_or_root(action: Action, named: Option<&str>, actor: &str) -> Vec<Access> {
    match user_or_caller(named, actor) {
        Some(name) => user(action, name),
        None => vec![Access::of(action, "iam", "root")],
    }
}

/// The user whom a request means, where it must be one.
///
/// # Errors
/// [`FaultKind::ValidationFailed`]: it names none, and its sender is none.
pub(crate) fn load_user<'a>(named: Option<&'a str>, actor: &'a str) -> Result<&'a str, Fault> {
    user_or_caller(named, actor).ok_or_else(|| {
        let message = "Must specify userName when calling with non-User credentials";
        Fault::new(FaultKind::ValidationFailed, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_nobody_means_himself() {
        let user = "arn:aws:iam::000000000000:user/team/ann";

        assert_eq!(user_or_caller(None, user), Some("ann"));
        assert_eq!(user_or_caller(Some("bob"), user), Some("bob"));
        assert_eq!(user_or_caller(None, "arn:aws:iam::000000000000:root"), None);
        assert!(load_user(None, "arn:aws:iam::000000000000:root").is_err());
    }
}

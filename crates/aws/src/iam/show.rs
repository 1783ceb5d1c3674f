//! What the rooms know, as the IAM API shows it.

use super::model::{
    AccessKeyMetadata, AttachedPermissionsBoundary, AttachedPolicy, Group, LoginProfile, Moment,
    PermissionsBoundaryAttachmentType, Policy, PolicyVersion, Role, StatusType, Tag, User,
};
use gantry_accounts::{AccessKey, Identity, IdentityTags, ManagedPolicy};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Timestamp};

/// A user, with its tags where it has some.
pub(crate) fn user(identity: Identity) -> User {
    User {
        arn: identity.arn(),
        create_date: Moment(identity.created_at),
        password_last_used: None,
        path: identity.path,
        permissions_boundary: identity.boundary.map(boundary),
        tags: Some(tags(&identity.tags)).filter(|tags| !tags.is_empty()),
        user_id: identity.id,
        user_name: identity.name,
    }
}

/// A user as lists show it: without what it is bounded by, and its tags.
pub(crate) fn user_in_list(identity: Identity) -> User {
    User { permissions_boundary: None, tags: None, ..user(identity) }
}

/// The root user, who is no entity.
pub(crate) fn root(account: AccountId) -> User {
    User {
        arn: format!("arn:aws:iam::{account}:root"),
        create_date: Moment(Timestamp::default()),
        password_last_used: None,
        path: "/".into(),
        permissions_boundary: None,
        tags: None,
        user_id: account.to_string(),
        user_name: "root".into(),
    }
}

/// That a user has a password.
pub(crate) fn login_profile(profile: gantry_accounts::LoginProfile) -> LoginProfile {
    LoginProfile {
        create_date: Moment(profile.created_at),
        max_signin_session_duration: None,
        password_reset_required: Some(profile.must_change),
        user_name: profile.user,
    }
}

/// What is said where a password is to be set and none is given.
pub(crate) fn no_password() -> Fault {
    Fault::new(FaultKind::ValidationFailed, "Password is missing; give one")
}

/// A group.
pub(crate) fn group(identity: Identity) -> Group {
    Group {
        arn: identity.arn(),
        create_date: Moment(identity.created_at),
        group_id: identity.id,
        group_name: identity.name,
        path: identity.path,
    }
}

/// A role, with its trust policy as IAM writes documents.
pub(crate) fn role(identity: Identity) -> Role {
    let arn = identity.arn();
    let (trust, seconds) = identity.role.map_or((String::new(), 3600), |role| (role.trust, role.session_seconds_max));
    Role {
        arn,
        assume_role_policy_document: Some(document(&trust)),
        create_date: Moment(identity.created_at),
        description: Some(identity.description).filter(|text| !text.is_empty()),
        max_session_duration: i32::try_from(seconds).ok(),
        max_signin_session_duration: None,
        path: identity.path,
        permissions_boundary: identity.boundary.map(boundary),
        role_id: identity.id,
        role_last_used: None,
        role_name: identity.name,
        source_role_template: None,
        tags: Some(tags(&identity.tags)).filter(|tags| !tags.is_empty()),
    }
}

/// A role as lists show it: without what it is bounded by, and its tags.
pub(crate) fn role_in_list(identity: Identity) -> Role {
    Role { permissions_boundary: None, tags: None, ..role(identity) }
}

/// A managed policy as lists show it: without its description, and its tags.
pub(crate) fn policy_in_list(listed: ManagedPolicy) -> Policy {
    Policy { description: None, tags: None, ..policy(listed) }
}

/// A managed policy, without its text.
pub(crate) fn policy(policy: ManagedPolicy) -> Policy {
    Policy {
        arn: Some(policy.arn),
        attachment_count: i32::try_from(policy.attachment_count).ok(),
        create_date: Some(Moment(policy.created_at)),
        default_version_id: Some(version_id(policy.default_version)),
        description: Some(policy.description).filter(|text| !text.is_empty()),
        is_attachable: Some(true),
        path: Some(policy.path),
        permissions_boundary_usage_count: None,
        policy_id: Some(policy.id),
        policy_name: Some(policy.name),
        tags: Some(tags(&policy.tags)),
        update_date: Some(Moment(policy.changed_at)),
    }
}

/// A version of a managed policy, without its text.
pub(crate) fn version(version: &gantry_accounts::PolicyVersion) -> PolicyVersion {
    PolicyVersion {
        create_date: Some(Moment(version.created_at)),
        document: None,
        is_default_version: Some(version.is_default),
        version_id: Some(version_id(version.number)),
    }
}

/// A managed policy that somebody has.
pub(crate) fn attached(policy: gantry_accounts::AttachedPolicy) -> AttachedPolicy {
    AttachedPolicy { policy_arn: Some(policy.arn), policy_name: Some(policy.name) }
}

/// An access key, without its secret.
pub(crate) fn access_key(key: AccessKey, user: &str) -> AccessKeyMetadata {
    AccessKeyMetadata {
        access_key_id: Some(key.id),
        create_date: Some(Moment(key.created_at)),
        status: Some(status(key.is_active)),
        user_name: Some(user.into()),
    }
}

/// Whether an access key may be used.
pub(crate) fn status(is_active: bool) -> StatusType {
    if is_active { StatusType::Active } else { StatusType::Inactive }
}

/// Tags, by key.
pub(crate) fn tags(tags: &IdentityTags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.into(), value: value.into() }).collect()
}

/// Reads the tags of a request.
///
/// # Errors
/// Those of [`IdentityTags::parse`].
pub(crate) fn read_tags(tags: &[Tag]) -> Result<IdentityTags, Fault> {
    IdentityTags::parse(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
}

/// The number of a version of a policy as IAM writes it: `v1`.
pub(crate) fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// Reads the number of a version.
///
/// # Errors
/// [`FaultKind::NoSuchEntity`]: no version is called so.
pub(crate) fn read_version_id(arn: &str, text: &str) -> Result<u32, Fault> {
    text.strip_prefix('v').and_then(|number| number.parse().ok()).ok_or_else(|| {
        Fault::new(FaultKind::NoSuchEntity, format!("Policy {arn} version {text} does not exist or is not attachable."))
    })
}

/// A policy's text as IAM answers it: with everything escaped that is not unreserved (RFC 3986, section 2.3).
pub(crate) fn document(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => {
                let [high, low] = [byte >> 4, byte & 15].map(|half| char::from(HEX[usize::from(half)]));
                escaped.extend(['%', high, low]);
            }
        }
    }
    escaped
}

fn boundary(arn: String) -> AttachedPermissionsBoundary {
    AttachedPermissionsBoundary {
        permissions_boundary_arn: Some(arn),
        permissions_boundary_type: Some(PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_escaped_but_for_what_is_unreserved() {
        assert_eq!(document("{\"a\": \"é~*\"}\n"), "%7B%22a%22%3A%20%22%C3%A9~%2A%22%7D%0A");
    }

    #[test]
    fn a_version_is_a_number_behind_a_v() {
        assert_eq!(read_version_id("a", "v12").unwrap(), 12);
        for text in ["12", "v", "vx", "v99999999999"] {
            assert_eq!(read_version_id("a", text).unwrap_err().kind, FaultKind::NoSuchEntity, "{text}");
        }
    }
}

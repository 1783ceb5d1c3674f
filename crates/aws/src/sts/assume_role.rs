use crate::wire::{AwsQuery, Form, Xml};
use gantry_access::{Access, Principal};
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

const SESSION_NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=64;

/// `sts:AssumeRole`: credentials of a role. There are no roles yet, so nobody may have them: the answer is the one that AWS
/// gives to who may not, or asks for a role that does not exist.
pub struct AssumeRole;

impl Operation for AssumeRole {
    type Wire = AwsQuery;
    const NAME: &'static str = "sts:AssumeRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AssumeRole");
    const LOCK: Lock = Lock::Credential;
    type Needs = ();
    type Request = Form;
    type Response = Xml;

    fn access(_: &Form, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call((): &(), _: &Cx, principal: &Principal, form: Form) -> Result<Xml, Fault> {
        let role = form.get("RoleArn").unwrap_or_default();
        let session = form.get("RoleSessionName").unwrap_or_default();
        check(role, session)?;
        let message = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {role}; this site has no roles yet",
            principal.arn
        );
        Err(Fault::new(FaultKind::AccessDenied, message))
    }
}

/// Checks what names a role and its session (AWS STS API, `AssumeRole`).
fn check(role: &str, session: &str) -> Result<(), Fault> {
    let invalid = |message: String| Err(Fault::new(FaultKind::ValidationFailed, message));
    let is_role = role.split_once(":role/").is_some_and(|(account, name)| {
        account.strip_prefix("arn:aws:iam::").is_some_and(|account| account.len() == 12) && !name.is_empty()
    });
    if !is_role || role.len() > 2048 {
        return invalid("RoleArn must be the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME".into());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !SESSION_NAME_CHARS.contains(&session.len()) || !session.chars().all(allowed) {
        return invalid("RoleSessionName must have 2 to 64 characters of [A-Za-z0-9_+=,.@-]".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_and_its_session_have_their_form() {
        let role = "arn:aws:iam::000000000000:role/team/builder";

        assert!(check(role, "ci@build-7").is_ok());
        for (role, session) in [
            ("", "ci"),
            ("arn:aws:iam::000000000000:user/me", "ci"),
            ("arn:aws:iam::123456789:role/builder", "ci"),
            ("arn:aws:iam::000000000000:role/", "ci"),
            (role, "c"),
            (role, "c i"),
            (role, &"c".repeat(65)),
        ] {
            assert!(check(role, session).is_err(), "{role} {session}");
        }
    }
}

use crate::wire::{AwsQuery, Form, Xml};
use gantry_access::{Access, Principal};
use gantry_accounts::{Accounts, ROLE_SECONDS_MAX, ROLE_SECONDS_MIN};
use gantry_api::{Lock, Operation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

const SESSION_NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=64;
const EXTERNAL_ID_CHARS: std::ops::RangeInclusive<usize> = 2..=1224;
/// Tags that a request may bring.
const TAGS_MAX: usize = 50;
/// Managed policies that a request may bring.
const POLICY_ARNS_MAX: usize = 10;

/// `sts:AssumeRole`: credentials of a role, for whom it trusts. Who may is decided by the role's trust policy and his own
/// policies at once, so the door asks for credentials only.
pub struct AssumeRole;

impl Operation for AssumeRole {
    type Wire = AwsQuery;
    const NAME: &'static str = "sts:AssumeRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AssumeRole");
    const LOCK: Lock = Lock::Credential;
    type Needs = Accounts;
    type Request = Form;
    type Response = Xml;

    fn access(_: &Form, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, form: Form) -> Result<Xml, Fault> {
        let asked = read(&form)?;
        let assumed = accounts.assume_role(principal, asked, cx.now)?;
        let credentials = &assumed.credentials;
        Ok(Xml::response("AssumeRole", cx.request_id, |xml| {
            xml.open("Credentials");
            xml.text("AccessKeyId", &credentials.access_key_id);
            xml.text("SecretAccessKey", credentials.secret_access_key.reveal());
            xml.text("SessionToken", &credentials.session_token);
            xml.text("Expiration", &credentials.expires_at.to_string());
            xml.close("Credentials");
            xml.open("AssumedRoleUser");
            xml.text("AssumedRoleId", &assumed.id);
            xml.text("Arn", &assumed.arn);
            xml.close("AssumedRoleUser");
            xml.text("PackedPolicySize", &assumed.packed_percent.to_string());
            if let Some(identity) = &assumed.source_identity {
                xml.text("SourceIdentity", identity);
            }
        }))
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::new(FaultKind::ValidationFailed, message.into()))
}

/// Reads what is asked for (AWS STS API, `AssumeRole`).
fn read(form: &Form) -> Result<gantry_accounts::AssumeRole, Fault> {
    let (role, session) = (form.get("RoleArn").unwrap_or_default(), form.get("RoleSessionName").unwrap_or_default());
    check(role, session)?;
    let external_id = form.get("ExternalId");
    if external_id.is_some_and(|id| !EXTERNAL_ID_CHARS.contains(&id.len())) {
        return invalid("ExternalId must have 2 to 1224 characters");
    }
    let source_identity = form.get("SourceIdentity");
    if source_identity.is_some_and(|name| !SESSION_NAME_CHARS.contains(&name.len()) || !name.chars().all(is_name_char))
    {
        return invalid("SourceIdentity must have 2 to 64 characters of [A-Za-z0-9_+=,.@-]");
    }
    if form.get("SerialNumber").is_some() || form.get("TokenCode").is_some() {
        return invalid("This site knows no MFA devices; leave SerialNumber and TokenCode out");
    }
    let seconds = match form.get("DurationSeconds") {
        Some(_) => Some(form.number("DurationSeconds", ROLE_SECONDS_MIN..=ROLE_SECONDS_MAX, ROLE_SECONDS_MIN)?),
        None => None,
    };
    Ok(gantry_accounts::AssumeRole {
        role: role.into(),
        session: session.into(),
        seconds,
        policy: form.get("Policy").map(str::to_string),
        policy_arns: policy_arns(form)?,
        tags: tags(form)?,
        transitive_keys: listed(form, TAGS_MAX, |number| format!("TransitiveTagKeys.member.{number}"))?,
        external_id: external_id.map(str::to_string),
        source_identity: source_identity.map(str::to_string),
    })
}

fn tags(form: &Form) -> Result<Vec<(String, String)>, Fault> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for number in 1..=TAGS_MAX {
        let Some(key) = form.get(&format!("Tags.member.{number}.Key")) else { break };
        let value = form.get(&format!("Tags.member.{number}.Value")).unwrap_or_default();
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return invalid("The key of a tag has 1 to 128 characters, its value up to 256");
        }
        if tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key)) {
            return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
        }
        tags.push((key.into(), value.into()));
    }
    if form.get(&format!("Tags.member.{}.Key", TAGS_MAX + 1)).is_some() {
        return invalid(format!("A session has at most {TAGS_MAX} tags"));
    }
    Ok(tags)
}

/// Reads the managed policies that a session is narrowed by.
pub(super) fn policy_arns(form: &Form) -> Result<Vec<String>, Fault> {
    let arns = listed(form, POLICY_ARNS_MAX, |number| format!("PolicyArns.member.{number}.arn"))?;
    match arns.iter().find(|arn| !(20..=2048).contains(&arn.len())) {
        Some(arn) => invalid(format!("{arn:?} is not the ARN of a policy, which has 20 to 2048 characters")),
        None => Ok(arns),
    }
}

/// Reads a list; `name` says how its members are called, counted from 1.
fn listed(form: &Form, count_max: usize, name: impl Fn(usize) -> String) -> Result<Vec<String>, Fault> {
    let found: Vec<String> = (1..=count_max).map_while(|number| form.get(&name(number)).map(str::to_string)).collect();
    match form.get(&name(count_max + 1)) {
        Some(_) if found.len() == count_max => invalid(format!("{} is one too many", name(count_max + 1))),
        _ => Ok(found),
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

/// Checks what names a role and its session.
fn check(role: &str, session: &str) -> Result<(), Fault> {
    check_role(role)?;
    if !is_session_name(session) {
        return invalid("RoleSessionName must have 2 to 64 characters of [A-Za-z0-9_+=,.@-]");
    }
    Ok(())
}

/// Checks what names a role.
pub(super) fn check_role(role: &str) -> Result<(), Fault> {
    let is_role = role.split_once(":role/").is_some_and(|(account, name)| {
        account.strip_prefix("arn:aws:iam::").is_some_and(|account| account.len() == 12) && !name.is_empty()
    });
    if !is_role || role.len() > 2048 {
        return invalid("RoleArn must be the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME");
    }
    Ok(())
}

/// Whether a session can be called so.
pub(super) fn is_session_name(name: &str) -> bool {
    SESSION_NAME_CHARS.contains(&name.len()) && name.chars().all(is_name_char)
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

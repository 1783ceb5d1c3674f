use super::assume_role::{check_role, is_session_name, policy_arns};
use crate::wire::{AwsQuery, Form, Xml};
use gantry_access::{Access, Principal};
use gantry_accounts::{Accounts, AssumedByToken, ROLE_SECONDS_MAX, ROLE_SECONDS_MIN};
use gantry_api::{IntoWire, Lock, Operation, Outgoing};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret};
use std::sync::Arc;

/// The longest token (AWS STS API, `WebIdentityToken`), and the shortest.
const TOKEN_CHARS: std::ops::RangeInclusive<usize> = 4..=20_000;

/// `sts:AssumeRoleWithWebIdentity`: credentials of a role, for whom an identity provider vouches that the role trusts. It is not
/// signed: who asks is said by the token that he brings, so the door asks for nothing.
pub struct AssumeRoleWithWebIdentity;

/// The credentials, and who got them.
pub struct Response {
    xml: Xml,
    actor: Arc<str>,
}

impl Operation for AssumeRoleWithWebIdentity {
    type Wire = AwsQuery;
    const NAME: &'static str = "sts:AssumeRoleWithWebIdentity";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AssumeRoleWithWebIdentity");
    const LOCK: Lock = Lock::Open;
    type Needs = Accounts;
    type Request = Form;
    type Response = Response;

    fn access(_: &Form, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(accounts: &Accounts, cx: &Cx, caller: &Principal, form: Form) -> Result<Response, Fault> {
        let asked = read(&form)?;
        let assumed = accounts.assume_role_with_web_identity(cx, caller.arrival.clone(), asked).await?;
        Ok(Response { xml: print(&assumed, cx), actor: assumed.actor.as_ref().into() })
    }
}

impl IntoWire<AwsQuery> for Response {
    fn actor(&self) -> Option<Arc<str>> {
        Some(self.actor.clone())
    }

    fn write(self) -> Outgoing {
        self.xml.write()
    }
}

fn print(by_token: &AssumedByToken, cx: &Cx) -> Xml {
    let (assumed, credentials) = (&by_token.assumed, &by_token.assumed.credentials);
    Xml::response("AssumeRoleWithWebIdentity", cx.request_id, |xml| {
        xml.text("SubjectFromWebIdentityToken", &by_token.subject);
        xml.text("Audience", &by_token.audience);
        xml.open("AssumedRoleUser");
        xml.text("AssumedRoleId", &assumed.id);
        xml.text("Arn", &assumed.arn);
        xml.close("AssumedRoleUser");
        xml.open("Credentials");
        xml.text("AccessKeyId", &credentials.access_key_id);
        xml.text("SecretAccessKey", credentials.secret_access_key.reveal());
        xml.text("SessionToken", &credentials.session_token);
        xml.text("Expiration", &credentials.expires_at.to_string());
        xml.close("Credentials");
        xml.text("PackedPolicySize", &assumed.packed_percent.to_string());
        xml.text("Provider", &by_token.provider);
        if let Some(identity) = &by_token.source_identity {
            xml.text("SourceIdentity", identity);
        }
    })
}

/// Reads what is asked for (AWS STS API, `AssumeRoleWithWebIdentity`). The name of the session may be left out here.
fn read(form: &Form) -> Result<gantry_accounts::AssumeRoleWithWebIdentity, Fault> {
    let invalid = |message: &str| Fault::new(FaultKind::ValidationFailed, message);
    let role = form.get("RoleArn").unwrap_or_default();
    check_role(role)?;
    let session = form.get("RoleSessionName").filter(|name| !name.is_empty());
    if session.is_some_and(|name| !is_session_name(name)) {
        return Err(invalid("RoleSessionName must have 2 to 64 characters of [A-Za-z0-9_+=,.@-]"));
    }
    let token = form.get("WebIdentityToken").unwrap_or_default();
    if !TOKEN_CHARS.contains(&token.len()) {
        return Err(invalid("WebIdentityToken must have 4 to 20000 characters"));
    }
    if form.get("ProviderId").is_some() {
        return Err(invalid(
            "Tokens of OAuth 2.0 are not taken here, only those of OpenID Connect; leave ProviderId out",
        ));
    }
    let seconds = match form.get("DurationSeconds") {
        Some(_) => Some(form.number("DurationSeconds", ROLE_SECONDS_MIN..=ROLE_SECONDS_MAX, ROLE_SECONDS_MIN)?),
        None => None,
    };
    Ok(gantry_accounts::AssumeRoleWithWebIdentity {
        role: role.into(),
        session: session.map(str::to_string),
        token: Secret::new(token.into()),
        seconds: seconds.and_then(|seconds| u32::try_from(seconds).ok()),
        policy: form.get("Policy").map(str::to_string),
        policy_arns: policy_arns(form)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_api::Incoming;
    use http::Method;

    const ROLE: &str = "RoleArn=arn:aws:iam::000000000000:role/deploy";

    fn read_from(form: &str) -> Result<gantry_accounts::AssumeRoleWithWebIdentity, Fault> {
        read(&Form::of(&Incoming::new(Method::GET, &format!("/?{form}"))))
    }

    #[test]
    fn a_request_names_a_role_and_brings_a_token_and_may_leave_the_rest_out() {
        let asked = read_from(&format!("{ROLE}&WebIdentityToken=eyJ.a.b&DurationSeconds=900")).unwrap();

        assert_eq!((asked.role.as_str(), asked.session), ("arn:aws:iam::000000000000:role/deploy", None));
        assert_eq!((asked.token.reveal().as_str(), asked.seconds), ("eyJ.a.b", Some(900)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_before_anybody_is_asked() {
        let long = format!("WebIdentityToken={}", "a".repeat(20_001));
        for form in [
            "WebIdentityToken=eyJ.a.b".to_string(),
            ROLE.to_string(),
            format!("{ROLE}&WebIdentityToken=abc"),
            format!("{ROLE}&{long}"),
            format!("{ROLE}&WebIdentityToken=eyJ.a.b&RoleSessionName=a%20b"),
            format!("{ROLE}&WebIdentityToken=eyJ.a.b&ProviderId=www.amazon.com"),
            format!("{ROLE}&WebIdentityToken=eyJ.a.b&DurationSeconds=899"),
            format!("{ROLE}&WebIdentityToken=eyJ.a.b&DurationSeconds=43201"),
            format!("{ROLE}&WebIdentityToken=eyJ.a.b&PolicyArns.member.1.arn=x"),
        ] {
            assert_eq!(
                read_from(&form).err().unwrap().kind,
                FaultKind::ValidationFailed,
                "{}",
                &form[..60.min(form.len())]
            );
        }
    }
}

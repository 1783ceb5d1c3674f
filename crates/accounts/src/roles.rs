use crate::{SessionCredentials, accounts::Accounts, directory::Person};
use gantry_access::{
    Access, Facts, Principal, PrincipalKind, ROLE_SESSION_BYTES_MAX, Refusal, RoleSession, action,
    policy::{Caller, Policy, PolicyPlace},
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Timestamp};

/// The shortest session of a role, in seconds (AWS STS API, `AssumeRole`).
pub const ROLE_SECONDS_MIN: u64 = 900;
/// The longest, where the role allows it.
pub const ROLE_SECONDS_MAX: u64 = 43_200;
/// How long a session lasts where nobody says.
const ROLE_SECONDS_DEFAULT: u64 = 3_600;
/// The longest of who is in a session of a role himself.
const CHAINED_SECONDS_MAX: u64 = 3_600;
/// The longest text of a policy that narrows a session, in characters.
const POLICY_CHARS_MAX: usize = 2_048;
const TAGS_MAX: usize = 50;

/// What somebody asks for who wants to become a role. Lengths and letters have been looked at.
#[derive(Clone, Debug, Default)]
pub struct AssumeRole {
    /// The ARN of the role.
    pub role: String,
    /// The name of the session.
    pub session: String,
    /// How long it is to last, in seconds; the default is an hour.
    pub seconds: Option<u64>,
    /// A policy that narrows it.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// What the role's account and the caller have agreed on (`ExternalId`).
    pub external_id: Option<String>,
    /// Who the caller says that he is.
    pub source_identity: Option<String>,
}

/// What somebody gets who has become a role.
#[derive(Clone, Debug)]
pub struct AssumedRole {
    /// Its credentials.
    pub credentials: SessionCredentials,
    /// `AROA…:NAME`.
    pub id: String,
    /// The ARN of the session.
    pub arn: String,
    /// How much of what a session may carry this one does, in percent.
    pub packed_percent: u64,
}

impl Accounts {
    /// Lets a principal become a role, where the role trusts him and he may.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`], in the same words for a role that does not exist; [`FaultKind::ValidationFailed`] for what
    /// the role does not give to anybody; [`FaultKind::MalformedPolicyDocument`].
    pub fn assume_role(&self, principal: &Principal, asked: AssumeRole, now: Timestamp) -> Result<AssumedRole, Fault> {
        let directory = self.directory();
        let role = directory.role(&asked.role).cloned();
        let access = asked.access();
        let actions = [Some(action::STS_ASSUME_ROLE), (!asked.tags.is_empty()).then_some(action::STS_TAG_SESSION)];
        for action in actions.into_iter().flatten() {
            let access = Access { action, ..access.clone() };
            self.judge_role(principal, role.as_deref(), &access)?;
        }
        // Whom no role trusts has been refused above.
        let role = role.ok_or_else(|| denied(principal, &access))?;
        let session = session(principal, &role, asked, now)?;
        self.become_role(&role, session, now)
    }

    fn judge_role(&self, principal: &Principal, role: Option<&Person>, access: &Access) -> Result<(), Fault> {
        let Some(trust) = role.and_then(|role| role.trust.as_ref()) else { return Err(denied(principal, access)) };
        let judge = |facts: &Facts<'_>| gantry_access::judge(principal, access, facts).map(drop);
        match self.with_facts(&self.directory(), principal, access, Some(trust), judge) {
            Ok(()) => Ok(()),
            Err(refusal @ Refusal::Denied { .. }) => Err(Fault::new(FaultKind::AccessDenied, refusal.message())),
            Err(_) => Err(denied(principal, access)),
        }
    }

    pub(crate) fn become_role(
        &self,
        role: &Person,
        session: RoleSession,
        now: Timestamp,
    ) -> Result<AssumedRole, Fault> {
        let bytes = session.print().len();
        if bytes > ROLE_SESSION_BYTES_MAX {
            let message = format!(
                "The policy and tags of the session take {} percent of what a session may carry; give fewer or shorter ones",
                percent(bytes)
            );
            return Err(Fault::new(FaultKind::ValidationFailed, message));
        }
        let account: AccountId = role.identity.account;
        let identity = &role.identity;
        let caller = Caller::session(account, &identity.path, &identity.name, &identity.id, &session.name);
        let id = format!("{}:{}", identity.id, session.name);
        let credentials = self.session_of_role(account, session, now);
        Ok(AssumedRole { credentials, id, arn: caller.arn().into(), packed_percent: percent(bytes) })
    }
}

fn percent(bytes: usize) -> u64 {
    (bytes * 100).div_ceil(ROLE_SESSION_BYTES_MAX) as u64
}

/// The answer to whoever may not, and to whoever asks for a role that does not exist: they are the same.
fn denied(principal: &Principal, access: &Access) -> Fault {
    let (arn, action) = (&principal.arn, access.action);
    let gantry_access::Resource::Arn(role) = &access.resource else {
        return Fault::internal("a role is asked for by its ARN");
    };
    Fault::new(
        FaultKind::AccessDenied,
        format!(
            "User: {arn} is not authorized to perform: {action} on resource: {role} because no role trust policy allows the \
             {action} action"
        ),
    )
}

impl AssumeRole {
    /// What must be allowed, with what policies can ask of it.
    fn access(&self) -> Access {
        let mut access = Access::on_arn(action::STS_ASSUME_ROLE, self.role.as_str());
        access = access.with("sts:RoleSessionName", [self.session.as_str()]);
        if let Some(id) = &self.external_id {
            access = access.with("sts:ExternalId", [id.as_str()]);
        }
        if let Some(identity) = &self.source_identity {
            access = access.with("sts:SourceIdentity", [identity.as_str()]);
        }
        match self.tags.is_empty() {
            true => access,
            false => access.with_tags(self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))),
        }
    }
}

/// Says what holds for the session of somebody who may have it.
fn session(principal: &Principal, role: &Person, asked: AssumeRole, now: Timestamp) -> Result<RoleSession, Fault> {
    let invalid = |message: String| Fault::new(FaultKind::ValidationFailed, message);
    let seconds = asked.seconds.unwrap_or(ROLE_SECONDS_DEFAULT);
    let seconds_max =
        role.identity.role.as_ref().map_or(ROLE_SECONDS_DEFAULT, |rules| rules.session_seconds_max.into());
    if principal.kind == PrincipalKind::Session && seconds > CHAINED_SECONDS_MAX {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(invalid(message.into()));
    }
    if seconds > seconds_max {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(invalid(message.into()));
    }
    if asked.tags.len() > TAGS_MAX {
        return Err(invalid(format!("A session has at most {TAGS_MAX} tags")));
    }
    if let Some(text) = &asked.policy {
        check_policy(text)?;
    }
    Ok(RoleSession {
        role_id: role.identity.id.as_str().into(),
        name: asked.session.into(),
        policies: asked.policy.iter().map(|text| compact(text)).collect(),
        tags: asked.tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        source_identity: asked.source_identity.map(Into::into),
        provider: None,
        issued_at: now.millis(),
        expires_at: now.plus(std::time::Duration::from_secs(seconds)).millis(),
    })
}

pub(crate) fn check_policy(text: &str) -> Result<(), Fault> {
    if text.chars().count() > POLICY_CHARS_MAX {
        let message = format!("Policy has more than {POLICY_CHARS_MAX} characters");
        return Err(Fault::new(FaultKind::ValidationFailed, message));
    }
    match Policy::parse(text, PolicyPlace::Identity) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::new(FaultKind::MalformedPolicyDocument, format!("Syntax errors in policy. {error}"))),
    }
}

/// The same text without white space between its parts.
pub(crate) fn compact(text: &str) -> Box<str> {
    let value = serde_json::from_str::<serde_json::Value>(text);
    value.map_or_else(|_| text.into(), |value| value.to_string().into())
}

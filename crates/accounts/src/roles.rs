use crate::{
    SessionCredentials,
    accounts::Accounts,
    directory::{Directory, Person},
};
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
/// The most managed policies that narrow a session (AWS STS API, `PolicyArns`).
const POLICY_ARNS_MAX: usize = 10;

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
    /// ARNs of managed policies of the role's account that narrow it too; what one of all these allows is not taken from it.
    pub policy_arns: Vec<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// The keys of those tags that sessions have, too, that begin from this one.
    pub transitive_keys: Vec<String>,
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
    /// Who he said that he was.
    pub source_identity: Option<Box<str>>,
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
        let asked = asked.continuing(principal.role_session.as_deref())?;
        let access = asked.access();
        let actions = [Some(action::STS_ASSUME_ROLE), (!asked.tags.is_empty()).then_some(action::STS_TAG_SESSION)];
        for action in actions.into_iter().flatten() {
            let access = Access { action, ..access.clone() };
            self.judge_role(principal, role.as_deref(), &access)?;
        }
        // Whom no role trusts has been refused above.
        let role = role.ok_or_else(|| denied(principal, &access))?;
        check_narrowing(&directory, &role, asked.policy.as_deref(), &asked.policy_arns)?;
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
        let source_identity = session.source_identity.clone();
        let credentials = self.session_of_role(account, session, now);
        Ok(AssumedRole { credentials, id, source_identity, arn: caller.arn().into(), packed_percent: percent(bytes) })
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
    /// The same by somebody who is in a session of a role already: what that one hands on is added (AWS IAM User Guide, "Chaining
    /// roles with session tags", "Monitor and control actions taken with assumed roles").
    ///
    /// # Errors
    /// [`FaultKind::ValidationFailed`]: it would be other than what was handed on, or there are too many tags.
    fn continuing(mut self, session: Option<&RoleSession>) -> Result<Self, Fault> {
        let invalid = |message: &str| Err(Fault::new(FaultKind::ValidationFailed, message));
        let has = |tags: &[(String, String)], key: &str| tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key));
        if let Some(key) = self.transitive_keys.iter().find(|key| !has(&self.tags, key)) {
            return invalid(&format!("The transitive tag key {key} is none of the requested tags; give the tag too"));
        }
        for (key, value) in session.into_iter().flat_map(RoleSession::transitive_tags) {
            if has(&self.tags, key) {
                return invalid(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
                );
            }
            self.tags.push((key.to_string(), value.to_string()));
            self.transitive_keys.push(key.to_string());
        }
        let said = session.and_then(|session| session.source_identity.as_deref());
        match (&self.source_identity, said) {
            (Some(asked), Some(said)) if asked != said => {
                return invalid(
                    "The source identity of a session stays that of the session it begins from; leave it out",
                );
            }
            (_, Some(said)) => self.source_identity = Some(said.into()),
            (_, None) => {}
        }
        if self.tags.len() > TAGS_MAX {
            return invalid(&format!(
                "A session has at most {TAGS_MAX} tags, with those of the session it begins from"
            ));
        }
        Ok(self)
    }

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
        if !self.transitive_keys.is_empty() {
            access = access.with("sts:TransitiveTagKeys", self.transitive_keys.iter().map(String::as_str));
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
    Ok(RoleSession {
        role_id: role.identity.id.as_str().into(),
        name: asked.session.into(),
        policies: asked.policy.iter().map(|text| compact(text)).collect(),
        policy_arns: asked.policy_arns.into_iter().map(Into::into).collect(),
        transitive_keys: asked.transitive_keys.into_iter().map(Into::into).collect(),
        tags: asked.tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        source_identity: asked.source_identity.map(Into::into),
        provider: None,
        issued_at: now.millis(),
        expires_at: now.plus(std::time::Duration::from_secs(seconds)).millis(),
        vouched: None,
    })
}

/// Checks the policies that are to narrow a session: a text, and managed policies of the role's account.
///
/// # Errors
/// [`FaultKind::ValidationFailed`], [`FaultKind::MalformedPolicyDocument`].
pub(crate) fn check_narrowing(
    directory: &Directory,
    role: &Person,
    text: Option<&str>,
    arns: &[String],
) -> Result<(), Fault> {
    let invalid = |message: String| Err(Fault::new(FaultKind::ValidationFailed, message));
    if arns.len() > POLICY_ARNS_MAX {
        return invalid(format!("A session is narrowed by at most {POLICY_ARNS_MAX} managed policies"));
    }
    let chars = text.map_or(0, |text| text.chars().count()) + arns.iter().map(|arn| arn.chars().count()).sum::<usize>();
    if chars > POLICY_CHARS_MAX {
        return invalid(format!("Policy and PolicyArns have more than {POLICY_CHARS_MAX} characters together"));
    }
    let account = role.identity.account;
    if let Some(arn) = arns.iter().find(|arn| !directory.has_managed(account, arn)) {
        return invalid(format!("{arn} is no managed policy of the account {account}, of which the role is"));
    }
    match text.map(|text| Policy::parse(text, PolicyPlace::Identity)) {
        Some(Err(error)) => {
            Err(Fault::new(FaultKind::MalformedPolicyDocument, format!("Syntax errors in policy. {error}")))
        }
        Some(Ok(_)) | None => Ok(()),
    }
}

/// The same text without white space between its parts.
pub(crate) fn compact(text: &str) -> Box<str> {
    let value = serde_json::from_str::<serde_json::Value>(text);
    value.map_or_else(|_| text.into(), |value| value.to_string().into())
}

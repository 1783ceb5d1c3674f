//! Becoming a role with a token of an identity provider: by STS, and as the password of `oidc`.

mod note;
mod problem;

use crate::{
    AssumedRole,
    accounts::Accounts,
    directory::{Directory, Person, Provider},
    library::NamedPolicy,
    roles::{check_narrowing, compact},
};
use gantry_access::{
    Arrival, Principal, RoleSession,
    oidc::{
        CLOCK_LEEWAY, IdentityToken, RoleAsked, TokenProblem, UnverifiedToken, decide_trust, decide_trust_in_tags,
        session_name, session_seconds,
    },
    policy::Context,
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, Secret, Timestamp};
use note::{NoteToken, Once};
pub use problem::WebIdentityProblem;
use std::{sync::Arc, time::Duration};

/// The user whose password is a token of an identity provider; `oidc/ROLE` where several roles would take it.
const USER: &str = "oidc";
/// A longer name of somebody is not kept in his session.
const SOURCE_IDENTITY_BYTES_MAX: usize = 256;
const TAGS_MAX: usize = 50;
/// Claims that say in the trail which job it was.
const TOLD_CLAIMS: [&str; 8] =
    ["jti", "repository_id", "run_id", "project_id", "pipeline_id", "job_id", "oid", "kubernetes.io.pod.name"];

/// What somebody asks for who wants to become a role by a token. Lengths and letters have been looked at.
#[derive(Clone, Debug, Default)]
pub struct AssumeRoleWithWebIdentity {
    /// The ARN of the role.
    pub role: String,
    /// The name of the session; else one made of issuer and subject.
    pub session: Option<String>,
    /// The token.
    pub token: Secret<String>,
    /// How long it is to last, in seconds; the default is an hour.
    pub seconds: Option<u32>,
    /// A policy that narrows it.
    pub policy: Option<String>,
    /// ARNs of managed policies of the role's account that narrow it too.
    pub policy_arns: Vec<String>,
}

/// What he gets.
#[derive(Clone, Debug)]
pub struct AssumedByToken {
    /// The role.
    pub assumed: AssumedRole,
    /// Whom the token is about.
    pub subject: Box<str>,
    /// Whom it is for.
    pub audience: Box<str>,
    /// The ARN of who vouched for him.
    pub provider: Box<str>,
    /// Who he is while the session lasts.
    pub source_identity: Option<Box<str>>,
    /// How the audit names him: `arn:aws:iam::ACCOUNT:oidc-provider/HOST#SUBJECT`.
    pub actor: Box<str>,
}

/// Somebody whom a provider vouches for.
struct Vouched {
    token: IdentityToken,
    provider: Arc<Provider>,
}

impl Vouched {
    fn actor(&self) -> Box<str> {
        format!("{}#{}", self.provider.arn, self.token.subject).into()
    }

    fn source_identity(&self) -> Option<Box<str>> {
        Some(self.token.source_identity()).filter(|name| name.len() <= SOURCE_IDENTITY_BYTES_MAX).map(Box::from)
    }

    /// A role session that began at `issued_at`.
    fn session(&self, role: &Person, name: Box<str>, issued_at: Timestamp, expires_at: Timestamp) -> RoleSession {
        let tags = self.token.session_tags().into_iter().map(|(key, value)| (key.into(), value.into()));
        RoleSession {
            role_id: role.identity.id.as_str().into(),
            name,
            policies: Vec::new(),
            policy_arns: Vec::new(),
            tags: tags.collect(),
            transitive_keys: self.token.transitive_tag_keys().iter().map(|key| key.as_str().into()).collect(),
            source_identity: self.source_identity(),
            provider: Some(self.provider.arn.clone()),
            issued_at: issued_at.millis(),
            expires_at: expires_at.millis(),
            vouched: None,
        }
    }
}

/// Whom a login name means: `oidc`, `oidc/ROLE`, `oidc/ACCOUNT/ROLE`; none where it is another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LoginName<'a> {
    account: Option<AccountId>,
    role: Option<&'a str>,
}

impl<'a> LoginName<'a> {
    fn parse(user: &'a str) -> Option<Self> {
        let rest = user.strip_prefix(USER)?;
        if rest.is_empty() {
            return Some(LoginName { account: None, role: None });
        }
        let role = rest.strip_prefix('/')?;
        let with_account = role.split_once('/').and_then(|(account, role)| Some((account.parse().ok()?, role)));
        Some(match with_account {
            Some((account, role)) => LoginName { account: Some(account), role: Some(role) },
            None => LoginName { account: None, role: Some(role) },
        })
    }
}

/// Whether the password of this user is a token of an identity provider.
pub(crate) fn is_token_user(user: &str) -> bool {
    LoginName::parse(user).is_some()
}

impl Accounts {
    /// Lets somebody become a role whom a provider of its account vouches for, where the role trusts him. The provider is asked
    /// for its keys where none are at hand.
    ///
    /// # Errors
    /// [`FaultKind::IdentityTokenInvalid`], [`FaultKind::IdentityTokenExpired`]; [`FaultKind::AccessDenied`], in the same words
    /// for a role that does not exist; [`FaultKind::TooManyRequests`] where too many from this address were refused;
    /// [`FaultKind::ValidationFailed`] and [`FaultKind::MalformedPolicyDocument`] for what the role gives to nobody.
    pub async fn assume_role_with_web_identity(
        &self,
        cx: &Cx,
        arrival: Arrival,
        asked: AssumeRoleWithWebIdentity,
    ) -> Result<AssumedByToken, Fault> {
        match self.become_by_token(cx, &arrival, asked).await {
            Ok(assumed) => Ok(assumed),
            Err(problem) => Err(self.refused_token(problem, cx).unwrap_or_else(WebIdentityProblem::sts_fault)),
        }
    }

    async fn become_by_token(
        &self,
        cx: &Cx,
        arrival: &Arrival,
        asked: AssumeRoleWithWebIdentity,
    ) -> Result<AssumedByToken, WebIdentityProblem> {
        let unverified = UnverifiedToken::parse(asked.token.reveal())?;
        let issuer = unverified.issuer().unwrap_or_default();
        let account = asked.role.split(':').nth(4).and_then(|account| account.parse().ok());
        let provider = account.and_then(|account: AccountId| self.directory().provider(account, issuer).cloned());
        let provider = provider.ok_or_else(|| WebIdentityProblem::no_provider(issuer))?;
        let vouched = self.vouch(asked.token.reveal(), provider, cx.now).await?;
        self.session_by_token(cx, arrival, asked, &vouched)
            .await
            .map_err(|problem| WebIdentityProblem::Of { actor: vouched.actor(), problem: Box::new(problem) })
    }

    async fn session_by_token(
        &self,
        cx: &Cx,
        arrival: &Arrival,
        asked: AssumeRoleWithWebIdentity,
        vouched: &Vouched,
    ) -> Result<AssumedByToken, WebIdentityProblem> {
        let invalid = |error: &dyn std::fmt::Display| Fault::new(FaultKind::ValidationFailed, error.to_string());
        let name = session_name(asked.session.as_deref(), &vouched.token).map_err(|error| invalid(&error))?;
        let directory = self.directory();
        let context = self.context_of(vouched, &name, arrival);
        let role = directory.role(&asked.role).filter(|role| trusts(&directory, role, vouched, &context));
        let role = role.ok_or(WebIdentityProblem::NotTrusted)?.clone();
        if directory.is_revoked(&role.identity.id, vouched.token.issued_at) {
            return Err(WebIdentityProblem::Revoked);
        }
        let seconds_max = role.identity.role.as_ref().map_or(0, |rules| rules.session_seconds_max);
        let seconds = session_seconds(asked.seconds, seconds_max).map_err(|error| invalid(&error))?;
        check_narrowing(&directory, &role, asked.policy.as_deref(), &asked.policy_arns)?;
        let expires_at = cx.now.plus(Duration::from_secs(seconds.into()));
        let session = RoleSession {
            policies: asked.policy.iter().map(|text| compact(text)).collect(),
            policy_arns: asked.policy_arns.iter().map(|arn| arn.as_str().into()).collect(),
            ..vouched.session(&role, name, cx.now, expires_at)
        };
        let source_identity = session.source_identity.clone();
        let assumed = self.become_role(&role, session, cx.now)?;
        self.note_token(cx, vouched, &role, &assumed.arn, asked.token.reveal()).await?;
        Ok(AssumedByToken {
            assumed,
            subject: vouched.token.subject.clone(),
            audience: vouched.token.audiences.first().cloned().unwrap_or_default(),
            provider: vouched.provider.arn.clone(),
            source_identity,
            actor: vouched.actor(),
        })
    }

    /// Writes down who became what, and that his token is used up where it is good for once.
    async fn note_token(
        &self,
        cx: &Cx,
        vouched: &Vouched,
        role: &Person,
        session: &str,
        text: &str,
    ) -> Result<(), WebIdentityProblem> {
        let token = &vouched.token;
        let until = token.expires_at.plus(CLOCK_LEEWAY);
        let claims = TOLD_CLAIMS.iter().filter_map(|name| Some((*name, token.claim(name)?.to_string()))).collect();
        let act = NoteToken {
            account: role.identity.account,
            provider: vouched.provider.arn.clone(),
            issuer: token.issuer.clone(),
            subject: token.subject.clone(),
            claims,
            role: role.identity.arn(),
            session: session.into(),
            once: vouched.provider.is_single_use.then(|| Once::of(token, text, until)),
        };
        let cx = Cx { actor: vouched.actor().into(), account: role.identity.account, ..cx.clone() };
        if self.metadata().perform(&cx, act).await? { Ok(()) } else { Err(WebIdentityProblem::UsedUp) }
    }

    /// Says whose token of a provider the password of `oidc` is: somebody who has become the one role that takes it, until the
    /// token ends.
    ///
    /// # Errors
    /// [`FaultKind::Unauthenticated`]; [`FaultKind::Unavailable`] where the provider must be asked and does not answer;
    /// [`FaultKind::TooManyRequests`] where too many logins from this address have failed.
    pub async fn log_in_with_token(
        &self,
        user: &str,
        token: &Secret<String>,
        arrival: Arrival,
    ) -> Result<Principal, Fault> {
        match self.principal_of_token(user, token.reveal(), &arrival).await {
            Ok(principal) => Ok(principal.arrived(arrival)),
            Err(problem) => {
                let cx = Cx { source: arrival.source, now: arrival.at, ..self.cx_of_login() };
                Err(self.refused_token(problem, &cx).unwrap_or_else(WebIdentityProblem::login_fault))
            }
        }
    }

    async fn principal_of_token(
        &self,
        user: &str,
        text: &str,
        arrival: &Arrival,
    ) -> Result<Principal, WebIdentityProblem> {
        let name = LoginName::parse(user).unwrap_or(LoginName { account: None, role: None });
        let unverified = UnverifiedToken::parse(text)?;
        let issuer = unverified.issuer().unwrap_or_default();
        let mut providers = self.directory().providers_of(issuer);
        providers.retain(|provider| name.account.is_none_or(|account| account == provider.account));
        // Whom a role of the account takes that is addressed is not kept out by what others trust.
        let home = arrival.account.unwrap_or(self.site().account);
        providers.sort_by_key(|provider| provider.account != home);
        let mut problem = WebIdentityProblem::no_provider(issuer);
        let mut opened: Option<(Arc<Person>, Vouched)> = None;
        for provider in providers {
            if opened.as_ref().is_some_and(|(_, vouched)| vouched.provider.account == home) {
                break;
            }
            let vouched = match self.vouch(text, provider, arrival.at).await {
                Ok(vouched) => vouched,
                Err(other) => {
                    problem = other;
                    continue;
                }
            };
            let session = session_name(None, &vouched.token).map_err(|_| WebIdentityProblem::NoRole)?;
            let context = self.context_of(&vouched, &session, arrival);
            let mut roles = roles_that_trust(&self.directory(), name.role, &vouched, &context);
            match (roles.pop(), roles.is_empty() && opened.is_none()) {
                (None, _) => problem = WebIdentityProblem::NoRole,
                (Some(_), false) => return Err(WebIdentityProblem::SeveralRoles),
                (Some(role), true) => opened = Some((role, vouched)),
            }
        }
        let (role, vouched) = opened.ok_or(problem)?;
        if vouched.provider.is_single_use {
            return Err(WebIdentityProblem::SingleUse);
        }
        self.principal_by(&role, &vouched, arrival.at)
    }

    fn principal_by(&self, role: &Person, vouched: &Vouched, now: Timestamp) -> Result<Principal, WebIdentityProblem> {
        let token = &vouched.token;
        let seconds_max = role.identity.role.as_ref().map_or(0, |rules| rules.session_seconds_max);
        let expires_at = token.expires_at.min(now.plus(Duration::from_secs(seconds_max.into())));
        if expires_at <= now {
            return Err(TokenProblem::Expired.into());
        }
        let name = session_name(None, token).map_err(|_| WebIdentityProblem::NoRole)?;
        // Issued when the token was: whoever shows it again is as old as it, also where sessions are revoked.
        let session = vouched.session(role, name, token.issued_at, expires_at);
        if session.print().len() > gantry_access::ROLE_SESSION_BYTES_MAX {
            return Err(WebIdentityProblem::TooManyTags);
        }
        let directory = self.directory();
        directory.session(session, now).ok_or(WebIdentityProblem::Revoked)
    }

    /// What is known of somebody who comes with a token.
    fn context_of(&self, vouched: &Vouched, session: &str, arrival: &Arrival) -> Context {
        let mut context = vouched.token.context(&vouched.provider.arn).at(arrival.at);
        context.set("aws:SecureTransport", [if arrival.is_secure { "true" } else { "false" }]);
        context.set("aws:RequestedRegion", [self.site().region.as_str()]);
        context.set("aws:ResourceAccount", [vouched.provider.account.as_str()]);
        if let Some(source) = arrival.source {
            context.set("aws:SourceIp", [source.to_canonical().to_string().as_str()]);
        }
        context.set("sts:RoleSessionName", [session]);
        context.set("sts:SourceIdentity", vouched.source_identity().as_deref());
        let tags = vouched.token.session_tags();
        for (key, value) in &tags {
            context.set(&format!("aws:RequestTag/{key}"), [*value]);
        }
        context.set("aws:TagKeys", tags.iter().map(|(key, _)| *key));
        context
    }

    async fn vouch(&self, text: &str, provider: Arc<Provider>, now: Timestamp) -> Result<Vouched, WebIdentityProblem> {
        let verifier = self.providers().ok_or(WebIdentityProblem::NotHere)?;
        let token = verifier.verify(text, &provider.settings, now).await?;
        Ok(Vouched { token, provider })
    }

    /// Writes down that a token was refused. Returns what to say where that was once too often, else the problem.
    fn refused_token(&self, problem: WebIdentityProblem, cx: &Cx) -> Result<Fault, WebIdentityProblem> {
        let source = cx.source.map_or("a Unix socket".into(), |source| source.to_string());
        tracing::info!(source, "identity token refused: {problem}");
        if !problem.is_failure() {
            return Err(problem);
        }
        match self.note_failure(cx.source) {
            Some(retry_after_seconds) => {
                Ok(crate::AuthenticationProblem::TooManyFailures { retry_after_seconds }.fault())
            }
            None => Err(problem),
        }
    }

    /// Writes down that somebody has logged in as a role whom a provider vouches for. That it cannot be written down keeps
    /// nobody from pulling: who pulls what stands in the audit in any case.
    pub async fn note_login(&self, cx: &Cx, principal: &Principal) {
        let Some(session) = &principal.role_session else { return };
        let Some(provider) = &session.provider else { return };
        let act = NoteToken {
            account: principal.account,
            provider: provider.clone(),
            issuer: "".into(),
            // The id of a person stands in the name of his session, which the audit can forget; a job's is told.
            subject: session.source_identity.clone().filter(|_| provider.starts_with("arn:")).unwrap_or_default(),
            claims: Vec::new(),
            role: principal.caller.role_arn().unwrap_or_default().into(),
            session: principal.arn.as_ref().into(),
            once: None,
        };
        if let Err(fault) = self.metadata().perform(cx, act).await {
            tracing::warn!(error = ?fault, "it cannot be written down who has logged in as {}: {fault}", principal.arn);
        }
    }
}

/// The roles of the provider's account that take a token, or the one of a name.
fn roles_that_trust(
    directory: &Directory,
    name: Option<&str>,
    vouched: &Vouched,
    context: &Context,
) -> Vec<Arc<Person>> {
    let is_meant = |role: &&Arc<Person>| name.is_none_or(|name| role.identity.name.eq_ignore_ascii_case(name));
    let roles = directory.roles(vouched.provider.account).filter(is_meant);
    roles.filter(|role| trusts(directory, role, vouched, context)).cloned().collect()
}

/// Decides whether a role trusts who comes with a token, and takes the tags that it brings.
fn trusts(directory: &Directory, role: &Person, vouched: &Vouched, context: &Context) -> bool {
    let Some(trust) = &role.trust else { return false };
    let arn = role.identity.arn();
    let account = role.identity.account;
    let account_wide = directory.of(account).into_iter().flat_map(|own| &own.account_wide);
    let account_wide: Vec<_> = account_wide.map(NamedPolicy::attached).collect();
    let asked = RoleAsked { arn: &arn, account, trust: trust.attached(), account_wide: &account_wide };
    let (provider, tags) = (&*vouched.provider.arn, vouched.token.session_tags().len());
    tags <= TAGS_MAX
        && decide_trust(&asked, provider, context).is_allowed()
        && (tags == 0 || decide_trust_in_tags(&asked, provider, context).is_allowed())
}

#[cfg(test)]
mod tests;

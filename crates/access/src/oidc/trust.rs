//! Which role a token opens, and for how long.

use super::IdentityToken;
use crate::policy::{Attached, Caller, Context, Denial, Policies, Request, Verdict, evaluate};
use aws_lc_rs::digest::{SHA256, digest};
use gantry_words::AccountId;

/// The shortest session of a role, in seconds.
pub const ROLE_SECONDS_MIN: u32 = 900;
/// How long a session lives whose length nobody asked for, unless the role allows less.
pub const ROLE_SECONDS_DEFAULT: u32 = 3600;
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";
const TAG_ACTION: &str = "sts:TagSession";
const SESSION_NAME_BYTES: std::ops::RangeInclusive<usize> = 2..=64;

/// A role that somebody with a token asks for.
#[derive(Clone, Copy, Debug)]
pub struct RoleAsked<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// Its account.
    pub account: AccountId,
    /// Its trust policy.
    pub trust: Attached<'a>,
    /// What denies for the account as a whole.
    pub account_wide: &'a [Attached<'a>],
}

/// Decides whether the role trusts who comes with a token of `provider`, the ARN of an identity provider of the role's own
/// account; providers of others are not trusted, whatever the policy says. `context` begins as [`IdentityToken::context`].
pub fn decide_trust<'a>(role: &RoleAsked<'a>, provider: &str, context: &Context) -> Verdict<'a> {
    decide(ACTION, role, provider, context)
}

/// The same for `sts:TagSession`: whether the provider's tags are taken, where its token brings some.
pub fn decide_trust_in_tags<'a>(role: &RoleAsked<'a>, provider: &str, context: &Context) -> Verdict<'a> {
    decide(TAG_ACTION, role, provider, context)
}

fn decide<'a>(action: &str, role: &RoleAsked<'a>, provider: &str, context: &Context) -> Verdict<'a> {
    if provider.split(':').nth(4) != Some(role.account.as_str()) {
        return Verdict::Denied(Denial::Trust);
    }
    let caller = Caller::federated(provider);
    let request = Request { caller: &caller, action, resource: role.arn, resource_account: role.account, context };
    evaluate(&request, &Policies { trust: Some(role.trust), account_wide: role.account_wide, ..Policies::default() })
}

/// Why a name is none for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session name has 2 to 64 letters, digits and _+=,.@-")]
pub struct SessionNameError;

/// Returns the name of the session: what was asked for (AWS STS API, `RoleSessionName`), or one made of issuer and subject,
/// the same each time and no other's.
///
/// # Errors
/// [`SessionNameError`].
pub fn session_name(asked: Option<&str>, token: &IdentityToken) -> Result<Box<str>, SessionNameError> {
    let Some(name) = asked else {
        let hashed = digest(&SHA256, format!("{}\0{}", token.issuer, token.subject).as_bytes());
        return Ok(format!("oidc-{}", &hex::encode(hashed)[..32]).into());
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    let is_name = SESSION_NAME_BYTES.contains(&name.len()) && name.bytes().all(is_allowed);
    if is_name { Ok(name.into()) } else { Err(SessionNameError) }
}

/// Why a session cannot live as long as was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionSecondsError {
    /// It is too short for any.
    #[error("a session lives at least {ROLE_SECONDS_MIN} seconds")]
    TooShort,
    /// It is too long for this role.
    #[error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")]
    TooLong,
}

/// Returns how long the session lives, in seconds: as asked, or an hour; never longer than `role_seconds_max`.
///
/// # Errors
/// [`SessionSecondsError`], as STS refuses it.
pub fn session_seconds(asked: Option<u32>, role_seconds_max: u32) -> Result<u32, SessionSecondsError> {
    match asked {
        None => Ok(ROLE_SECONDS_DEFAULT.min(role_seconds_max)),
        Some(seconds) if seconds < ROLE_SECONDS_MIN => Err(SessionSecondsError::TooShort),
        Some(seconds) if seconds > role_seconds_max => Err(SessionSecondsError::TooLong),
        Some(seconds) => Ok(seconds),
    }
}

use super::{LoginAttempt, LoginProblem};
use crate::{equal_secrets, oidc::IdentityToken};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// OpenID Connect Core, section 2.
const SUBJECT_BYTES_MAX: usize = 255;
const NAME_CHARS_MAX: usize = 128;
/// How much of a name stands in the name of a session, before what makes it unique.
const SESSION_NAME_CHARS_MAX: usize = 40;
/// By which a provider says, besides `_claim_names`, that there are more groups than it tells (Microsoft identity platform,
/// "Groups overage claim").
const OVERAGE: &str = "hasgroups";

/// Which claims say what of a person.
#[derive(Clone, Copy, Debug)]
pub struct PersonClaims<'a> {
    /// The path of the one that people know him by, to be shown.
    pub name: &'a str,
    /// The path of the list of his groups.
    pub groups: &'a str,
}

/// Somebody an identity provider vouches for. Who he is, is issuer and subject; the name is only shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderPerson {
    /// The URL of the provider.
    pub issuer: String,
    /// What the provider calls him, always the same.
    pub subject: String,
    /// How he is shown.
    pub name: String,
    /// His groups.
    pub groups: Vec<String>,
}

impl ProviderPerson {
    /// Returns the name of his sessions: one to recognise, and behind it one that nobody else can get.
    pub fn session_name(&self) -> String {
        let is_allowed = |c: &char| c.is_ascii_alphanumeric() || "_+=,.@".contains(*c);
        let known: String = self.name.chars().filter(is_allowed).take(SESSION_NAME_CHARS_MAX).collect();
        let hash = hex::encode(digest(&SHA256, format!("{}\0{}", self.issuer, self.subject).as_bytes()));
        let known = if known.is_empty() { "oidc" } else { &known };
        format!("{known}-{}", &hash[..16])
    }
}

/// Says whom a token is about that came of `attempt`. Its signature, issuer, audience and times have been checked.
///
/// # Errors
/// [`LoginProblem::Nonce`], [`LoginProblem::AuthorizedParty`]; [`LoginProblem::GroupsElsewhere`] where the provider leaves groups
/// out for their number (to take that for none, or for all that there are, would both be wrong); [`LoginProblem::Malformed`] where the subject is longer than one may be.
pub fn admit_person(
    token: &IdentityToken,
    attempt: &LoginAttempt,
    client_id: &str,
    claims: PersonClaims<'_>,
) -> Result<ProviderPerson, LoginProblem> {
    let nonce = token.claim("nonce").unwrap_or_default();
    if !equal_secrets(nonce.as_bytes(), attempt.nonce().as_bytes()) {
        return Err(LoginProblem::Nonce);
    }
    if token.authorized_party.as_deref().is_some_and(|party| party != client_id) {
        return Err(LoginProblem::AuthorizedParty);
    }
    if token.subject.len() > SUBJECT_BYTES_MAX {
        return Err(LoginProblem::Malformed);
    }
    // Of a list within an object the object is named.
    let outermost = claims.groups.split('.').next().unwrap_or_default();
    let is_elsewhere =
        [claims.groups, outermost].iter().any(|name| token.claim(&format!("_claim_names.{name}")).is_some());
    if is_elsewhere || token.claim(OVERAGE).is_some_and(|value| value != "false") {
        return Err(LoginProblem::GroupsElsewhere);
    }
    let name = token.claim(claims.name).unwrap_or(&token.subject);
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    Ok(ProviderPerson {
        issuer: token.issuer.to_string(),
        subject: token.subject.to_string(),
        name: name.trim().into(),
        groups: token.values(claims.groups).to_vec(),
    })
}

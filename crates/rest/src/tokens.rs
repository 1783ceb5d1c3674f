//! Personal tokens as the management API shows them, and whose they are.

use gantry_access::{Access, Action, Principal};
use gantry_accounts::{Accounts, PersonalToken, TokenOwner};
use gantry_fault::{Fault, FaultKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A personal token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PersonalToken")]
pub struct PersonalTokenDocument {
    /// Its id.
    pub id: String,
    /// Whose it is: the user of `docker login`.
    pub user: String,
    /// Of somebody from outside: who vouched for him, `ldap` or the URL of an identity provider.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String")]
    pub provider: Option<String>,
    /// What it is called.
    pub name: String,
    /// The policy that it is narrowed to; missing where it may what its user may.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub policy: Option<String>,
    /// When it was made, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: String,
    /// From when on it is worth nothing, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub expires_at: String,
    /// When it was last used, to the minute, RFC 3339; missing where it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub used_at: Option<String>,
}

impl From<PersonalToken> for PersonalTokenDocument {
    fn from(token: PersonalToken) -> Self {
        PersonalTokenDocument {
            id: token.id,
            user: token.user,
            provider: token.provider,
            name: token.name,
            policy: token.policy,
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            used_at: token.used_at.map(|at| at.to_string()),
        }
    }
}

/// Stands for everybody where a user is named.
const EVERYBODY: &str = "*";

/// What must be allowed about the tokens of the user who is named, or else of whoever asks.
pub(crate) fn access(action: Action, named: Option<&str>, actor: &str) -> Vec<Access> {
    vec![match user_of(named, actor) {
        Some(EVERYBODY) => Access::to(action),
        Some(name) => Access::of(action, "iam", format!("user/{name}")),
        None if actor.contains(":assumed-role/") => Accounts::access_to_own_tokens(action, actor),
        None => Access::of(action, "iam", "root"),
    }]
}

/// Whose tokens are meant: those of the user who is named, or else of whoever asks.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: nobody is named, and whoever asks can have none, or came with what was made of a login.
pub(crate) fn owner(accounts: &Accounts, named: Option<&str>, asker: &Principal) -> Result<TokenOwner, Fault> {
    match (named, accounts.vouched_person(asker)) {
        (Some(EVERYBODY), _) => Ok(TokenOwner::Anybody),
        (None, Some(person)) => Ok(accounts.owner_of_tokens(&person)),
        (named, _) => load_user(named, &asker.arn).map(TokenOwner::from),
    }
}

/// The user who is named, or else whoever asks, where he is one.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: nobody is named, and whoever asks is no user.
fn load_user<'a>(named: Option<&'a str>, actor: &'a str) -> Result<&'a str, Fault> {
    user_of(named, actor).ok_or_else(|| {
        let message = "Only users and people who log in with a password have personal tokens, and you are neither here; name a \
                       user, or see to your tokens at /ui/login";
        Fault::new(FaultKind::InvalidParameter, message)
    })
}

fn user_of<'a>(named: Option<&'a str>, actor: &'a str) -> Option<&'a str> {
    named.or_else(|| actor.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next()))
}

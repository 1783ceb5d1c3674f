//! Personal tokens as the management API shows them, and whose they are.

use gantry_access::{Access, Action};
use gantry_accounts::PersonalToken;
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
    /// Whose it is.
    pub user: String,
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
            name: token.name,
            policy: token.policy,
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            used_at: token.used_at.map(|at| at.to_string()),
        }
    }
}

/// What must be allowed about the tokens of the user who is named, or else of whoever asks.
pub(crate) fn access(action: Action, named: Option<&str>, actor: &str) -> Vec<Access> {
    let path = user_of(named, actor).map_or_else(|| "root".into(), |name| format!("user/{name}"));
    vec![Access::of(action, "iam", path)]
}

/// The user who is named, or else whoever asks, where he is one.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: nobody is named, and whoever asks is no user.
pub(crate) fn load_user<'a>(named: Option<&'a str>, actor: &'a str) -> Result<&'a str, Fault> {
    user_of(named, actor).ok_or_else(|| {
        Fault::new(FaultKind::InvalidParameter, "Only users have personal tokens, and you are none; name one with user")
    })
}

fn user_of<'a>(named: Option<&'a str>, actor: &'a str) -> Option<&'a str> {
    named.or_else(|| actor.split_once(":user/").and_then(|(_, path)| path.rsplit('/').next()))
}

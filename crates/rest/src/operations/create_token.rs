use crate::{json, tokens, tokens::PersonalTokenDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, NewPersonalToken, PERSONAL_TOKEN_NAME_CHARS_MAX, TokenOwner};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, Period, PeriodError};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long a token lives where nobody says.
const EXPIRES_IN: Period = Period::hours(30 * 24);
/// The longest beginning of repository names.
const PREFIX_BYTES_MAX: usize = 256;

/// Makes a personal token: what a person gives to docker in place of his password. It is shown this once. It is made with a password
/// or an access key, not with another token. That of somebody from a directory carries the groups of this login, and lives 90 days at
/// most.
#[derive(JsonSchema)]
pub struct CreateToken;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// What it is called.
    #[schemars(length(min = 1, max = PERSONAL_TOKEN_NAME_CHARS_MAX), extend("example" = "laptop"))]
    name: String,
    /// Whose it is; whoever asks where nobody is named.
    #[schemars(with = "String")]
    user: Option<String>,
    /// How long it lives, up to what the server allows; 30d where nothing is said.
    #[schemars(with = "String", extend("example" = "30d"))]
    expires_in: Option<String>,
    /// Whether it can only read.
    #[serde(default)]
    read_only: bool,
    /// The repositories that it is good for: those whose names begin so.
    #[schemars(with = "String", extend("example" = "team/"))]
    prefix: Option<String>,
    /// A policy that it is narrowed to, in place of `readOnly` and `prefix`.
    #[schemars(with = "String")]
    policy: Option<String>,
}

/// The token with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewPersonalToken")]
pub struct Response {
    #[serde(flatten)]
    about: PersonalTokenDocument,
    /// The token itself: the password for docker, with the name of its user.
    token: String,
}

impl Operation for CreateToken {
    type Wire = Rest;
    const NAME: &'static str = "CreateToken";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/tokens");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Request>();
        shape.answers::<Response>(StatusCode::CREATED);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::InvalidInput,
            FaultKind::NoSuchEntity,
            FaultKind::MalformedPolicyDocument,
            FaultKind::IdentityLimitExceeded,
        ]);
    }

    fn access(request: &Request, cx: &Cx) -> Vec<Access> {
        tokens::access(action::GANTRY_CREATE_TOKEN, request.user.as_deref(), &cx.actor)
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let person = accounts.vouched_person(principal).filter(|_| request.user.is_none());
        if accounts.is_temporary(principal) && person.is_none() {
            let message = "A personal token is made with a password or an access key, not with a token: one that leaked would \
                           otherwise beget others";
            return Err(Fault::new(FaultKind::AccessDenied, message));
        }
        let owner = tokens::owner(accounts, request.user.as_deref(), principal)?;
        let policy = request.narrowed(cx.account)?;
        let lifetime_max = match &owner {
            TokenOwner::Person(_) => accounts.person_token_lifetime_max(),
            TokenOwner::User(_) => accounts.personal_token_lifetime_max(),
            TokenOwner::Anybody => {
                return Err(Fault::new(FaultKind::InvalidParameter, "A token is somebody's; name one user"));
            }
        };
        let lifetime = request.expires_in.map_or(Ok(EXPIRES_IN.min(lifetime_max)), |text| {
            let wrong = |error: PeriodError| Fault::new(FaultKind::InvalidParameter, format!("expiresIn: {error}"));
            text.parse::<Period>().map_err(wrong)
        })?;
        let new = NewPersonalToken {
            owner,
            name: request.name,
            lifetime: lifetime.duration(),
            lifetime_max,
            policy,
        };
        let (token, secret) = accounts.identities().create_personal_token(cx, new).await?;
        Ok(Response { about: token.into(), token: secret.reveal().clone() })
    }
}

impl Request {
    /// The policy that it asks to be narrowed to.
    fn narrowed(&self, account: AccountId) -> Result<Option<String>, Fault> {
        let is_narrowed = self.read_only || self.prefix.is_some();
        let wrong = |message: &str| Err(Fault::new(FaultKind::InvalidParameter, message));
        if self.policy.is_some() && is_narrowed {
            return wrong("policy stands in place of readOnly and prefix; give the one or the others");
        }
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._/-".contains(&byte);
        if prefix.len() > PREFIX_BYTES_MAX || !prefix.bytes().all(allowed) {
            return wrong("prefix is the beginning of repository names: lower-case letters, digits and ._/-");
        }
        if !is_narrowed {
            return Ok(self.policy.clone());
        }
        let actions: &[&str] = match self.read_only {
            true => &["ecr:BatchGet*", "ecr:BatchCheck*", "ecr:Get*", "ecr:Describe*", "ecr:List*", "gantry:Get*", "gantry:List*"],
            false => &["ecr:*", "gantry:*"],
        };
        let resource = match &self.prefix {
            Some(prefix) => format!("arn:aws:ecr:*:{account}:repository/{prefix}*"),
            None => "*".into(),
        };
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
        Ok(Some(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::body(incoming).await
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrowed(text: &str) -> Result<Option<String>, FaultKind> {
        let request: Request = serde_json::from_str(text).unwrap();
        request.narrowed(AccountId::DEFAULT).map_err(|fault| fault.kind)
    }

    #[test]
    fn a_token_is_narrowed_to_reading_and_to_names_by_a_policy() {
        assert_eq!(narrowed(r#"{"name": "a"}"#), Ok(None));
        assert_eq!(narrowed(r#"{"name": "a", "policy": "{}"}"#), Ok(Some("{}".into())));
        let both = narrowed(r#"{"name": "a", "readOnly": true, "prefix": "team/"}"#).unwrap().unwrap();
        assert!(both.contains("repository/team/*") && both.contains("ecr:BatchGet*") && !both.contains("\"ecr:*\""), "{both}");
        gantry_access::policy::Policy::parse(&both, gantry_access::PolicyPlace::Identity).unwrap();
        for wrong in [r#"{"name": "a", "readOnly": true, "policy": "{}"}"#, r#"{"name": "a", "prefix": "a*"}"#] {
            assert_eq!(narrowed(wrong), Err(FaultKind::InvalidParameter), "{wrong}");
        }
    }
}

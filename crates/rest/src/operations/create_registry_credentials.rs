use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_accounts::{
    Accounts, LoginPassword, REGISTRY_CREDENTIALS_SECONDS_MAX, REGISTRY_CREDENTIALS_SECONDS_MIN,
};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, RepositoryName};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SECONDS_DEFAULT: u32 = 900;

/// Issues user name and password for a client of the registry, against the caller's own credentials: those of an identity
/// token (user `oidc`), of an access key, or of a session. They end soon, and with a repository they pull from that one alone.
#[derive(JsonSchema)]
pub struct CreateRegistryCredentials;

/// What they are for.
pub struct Request {
    repository: Option<RepositoryName>,
    seconds: u32,
}

/// What they are for; all members may be left out.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// The repository that they pull from, and nothing else. For this the caller must have become a role.
    repository: Option<String>,
    /// How long they are good, in seconds; 900 where nothing is said. They end with the session that they are made of.
    #[schemars(with = "Option<i32>", range(min = REGISTRY_CREDENTIALS_SECONDS_MIN, max = REGISTRY_CREDENTIALS_SECONDS_MAX))]
    seconds: Option<u32>,
}

/// User name and password.
pub struct Response(LoginPassword);

/// User name and password, as a client of the registry takes them.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RegistryCredentialsDocument {
    /// The user name.
    username: &'static str,
    /// The password.
    password: String,
    /// From when on they are worth nothing.
    expires_at: String,
}

impl Operation for CreateRegistryCredentials {
    type Wire = Rest;
    const NAME: &'static str = "CreateRegistryCredentials";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/registry-credentials");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<RegistryCredentialsDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NameInvalid, FaultKind::AccessDenied]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        // They are what that gives out, for a shorter time and perhaps for less.
        vec![Access::to(action::ECR_GET_AUTHORIZATION_TOKEN)]
    }

    async fn call(accounts: &Accounts, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let issued =
            accounts.registry_credentials(principal, request.repository.as_ref(), request.seconds, cx.now)?;
        let cx = Cx { actor: principal.arn.clone(), account: principal.account, ..cx.clone() };
        accounts.note_login(&cx, principal).await;
        Ok(Response(issued))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        asked(json::body(incoming).await?)
    }
}

fn asked(body: Body) -> Result<Request, Fault> {
    let repository = body.repository.as_deref().map(json::parse_name).transpose()?;
    match body.seconds.unwrap_or(SECONDS_DEFAULT) {
        seconds @ REGISTRY_CREDENTIALS_SECONDS_MIN..=REGISTRY_CREDENTIALS_SECONDS_MAX => {
            Ok(Request { repository, seconds })
        }
        seconds => {
            let message = format!(
                "seconds is {seconds}; credentials are good for {REGISTRY_CREDENTIALS_SECONDS_MIN} to \
                 {REGISTRY_CREDENTIALS_SECONDS_MAX} seconds"
            );
            Err(Fault::new(FaultKind::InvalidParameter, message))
        }
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        let document = RegistryCredentialsDocument {
            username: "AWS",
            password: self.0.password.reveal().clone(),
            expires_at: self.0.expires_at.to_string(),
        };
        let mut outgoing = json::answer(StatusCode::OK, &document);
        outgoing.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        outgoing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_last_from_a_minute_to_twelve_hours() {
        let read = |text: &str| asked(serde_json::from_str(text).unwrap());

        assert_eq!(read("{}").unwrap().seconds, 900);
        assert_eq!(read(r#"{"repository": "team/app"}"#).unwrap().repository.unwrap().as_str(), "team/app");
        for (text, kind) in [
            (r#"{"seconds": 59}"#, FaultKind::InvalidParameter),
            (r#"{"seconds": 43201}"#, FaultKind::InvalidParameter),
            (r#"{"repository": "Team/*"}"#, FaultKind::NameInvalid),
        ] {
            assert_eq!(read(text).err().unwrap().kind, kind, "{text}");
        }
    }
}

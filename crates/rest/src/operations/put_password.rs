use crate::json::{self, Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, PasswordChange};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

/// Gives a user a password, the first or another. What came of the one before is worth nothing then.
#[derive(JsonSchema)]
pub struct PutPassword;

/// Whose, and which.
pub struct Request {
    user: String,
    body: Body,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// The password: 12 characters at least, and not the name.
    #[schemars(with = "String", extend("writeOnly" = true))]
    password: Secret<String>,
    /// Whether the user must choose another before it can be used.
    #[serde(default)]
    must_change: bool,
}

impl Operation for PutPassword {
    type Wire = Rest;
    const NAME: &'static str = "PutPassword";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/passwords/{user}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity, FaultKind::PasswordPolicyViolation]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let on = |action| Access::of(action, "iam", format!("user/{}", request.user));
        vec![on(action::IAM_CREATE_LOGIN_PROFILE), on(action::IAM_UPDATE_LOGIN_PROFILE)]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        let Request { user, body } = request;
        identities.put_password(cx, &user, &body.password, body.must_change, PasswordChange::Set).await?;
        Ok(Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { user: incoming.params.get("user").into(), body: json::body(incoming).await? })
    }
}

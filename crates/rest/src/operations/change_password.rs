use crate::json::{self, Nothing};
use gantry_access::{Access, Principal};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, Lock, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Secret};
use schemars::JsonSchema;
use serde::Deserialize;

/// Lets a user choose another password for himself. User and password stand in the body: one that is only good for choosing
/// another opens no door.
#[derive(JsonSchema)]
pub struct ChangePassword;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The user.
    user: String,
    /// The password until now.
    #[schemars(with = "String", extend("writeOnly" = true))]
    old: Secret<String>,
    /// The password from now on: 12 characters at least, and not the name.
    #[schemars(with = "String", extend("writeOnly" = true))]
    new: Secret<String>,
}

impl Operation for ChangePassword {
    type Wire = Rest;
    const NAME: &'static str = "ChangePassword";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/password");
    const LOCK: Lock = Lock::Open;
    type Needs = Accounts;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Request>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::PasswordPolicyViolation, FaultKind::TooManyRequests]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(accounts: &Accounts, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        accounts.change_own_password(cx, &request.user, &request.old, &request.new).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::body(incoming).await
    }
}

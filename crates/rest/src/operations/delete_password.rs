use crate::json::Nothing;
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use schemars::JsonSchema;

/// Takes the password from a user, who may log in with personal tokens and access keys then.
#[derive(JsonSchema)]
pub struct DeletePassword;

/// From whom.
pub struct Request(String);

impl Operation for DeletePassword {
    type Wire = Rest;
    const NAME: &'static str = "DeletePassword";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/passwords/{user}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::of(action::IAM_DELETE_LOGIN_PROFILE, "iam", format!("user/{}", request.0))]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.delete_password(cx, &request.0).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request(incoming.params.get("user").into()))
    }
}

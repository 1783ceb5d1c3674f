use crate::{identity, json::Nothing};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;

/// Lets an OpenID Connect provider vouch for nobody any more.
#[derive(JsonSchema)]
pub struct DeleteProvider;

/// Which one.
pub struct Request {
    arn: String,
}

impl Operation for DeleteProvider {
    type Wire = Rest;
    const NAME: &'static str = "DeleteProvider";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/providers/{provider}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on_arn(action::IAM_DELETE_OPENID_CONNECT_PROVIDER, &*request.arn)]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.delete_oidc_provider(cx, &request.arn).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { arn: identity::place(&incoming, "provider") })
    }
}

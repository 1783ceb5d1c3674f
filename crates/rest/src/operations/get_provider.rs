use crate::{
    identity::{self, ProviderDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Reads an OpenID Connect provider.
#[derive(JsonSchema)]
pub struct GetProvider;

/// Which one.
pub struct Request {
    arn: String,
}

/// The provider.
pub struct Response(ProviderDocument);

impl Operation for GetProvider {
    type Wire = Rest;
    const NAME: &'static str = "GetProvider";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/providers/{provider}");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<ProviderDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on_arn(action::IAM_GET_OPENID_CONNECT_PROVIDER, &*request.arn)]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.load_oidc_provider(cx.account, &request.arn).await.map(|found| Response(found.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { arn: identity::place(&incoming, "provider") })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

use crate::{identity::ProviderDocument, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the OpenID Connect providers that the account trusts.
#[derive(JsonSchema)]
pub struct ListProviders;

/// All of them.
pub struct Request;

/// The providers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProviderList")]
pub struct Response {
    providers: Vec<ProviderDocument>,
}

impl Operation for ListProviders {
    type Wire = Rest;
    const NAME: &'static str = "ListProviders";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/providers");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::of(action::IAM_LIST_OPENID_CONNECT_PROVIDERS, "iam", "oidc-provider/*")]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        let found = identities.list_oidc_providers(cx.account).await?;
        Ok(Response { providers: found.into_iter().map(ProviderDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

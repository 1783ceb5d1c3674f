use crate::{
    identity::{self, ProviderDocument},
    json,
};
use gantry_access::{Access, Principal};
use gantry_accounts::{Identities, NewOidcProvider};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Lets an OpenID Connect provider vouch for others, whom roles can trust then.
#[derive(JsonSchema)]
pub struct CreateProvider;

/// What it shall be.
pub struct Request(NewOidcProvider);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// Its issuer, with `https://`.
    #[schemars(extend("example" = "https://token.actions.githubusercontent.com"))]
    url: String,
    /// The audiences its tokens may name.
    #[serde(default)]
    client_ids: Vec<String>,
    /// SHA-1 hashes of certificates, in hexadecimal.
    #[serde(default)]
    thumbprints: Vec<String>,
    /// Its tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// It, as it is.
pub struct Response(ProviderDocument);

impl Operation for CreateProvider {
    type Wire = Rest;
    const NAME: &'static str = "CreateProvider";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/providers");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ProviderDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::InvalidInput, FaultKind::EntityAlreadyExists, FaultKind::IdentityLimitExceeded]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::made_provider(&request.0)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.create_oidc_provider(cx, request.0).await.map(|made| Response(made.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let Body { url, client_ids, thumbprints, tags } = json::body(incoming).await?;
        Ok(Request(NewOidcProvider { url, client_ids, thumbprints, tags: identity::tags(&tags)? }))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}

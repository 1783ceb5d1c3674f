use crate::{
    identity::{self, PolicyDocument},
    json,
};
use gantry_access::{Access, Principal};
use gantry_accounts::{Identities, NewPolicy};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Creates a managed policy.
#[derive(JsonSchema)]
pub struct CreatePolicy;

/// What it shall be.
pub struct Request(NewPolicy);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Its name: letters, digits and any of `_+=,.@-`.
    #[schemars(length(min = 1, max = 128), extend("example" = "pull"))]
    name: String,
    /// Its path: `/`, or text between slashes.
    #[serde(default)]
    #[schemars(with = "String")]
    path: Option<String>,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// Its text, which is JSON itself.
    document: String,
    /// Its tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// It, as it is.
pub struct Response(PolicyDocument);

impl Operation for CreatePolicy {
    type Wire = Rest;
    const NAME: &'static str = "CreatePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/policies");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<PolicyDocument>(StatusCode::CREATED);
        shape.refuses(&[
            FaultKind::InvalidInput,
            FaultKind::MalformedPolicyDocument,
            FaultKind::EntityAlreadyExists,
            FaultKind::IdentityLimitExceeded,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::made_policy(&request.0)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.create_policy(cx, request.0).await.map(|made| Response(made.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let Body { name, path, description, document, tags } = json::body(incoming).await?;
        let (path, tags) = (path.unwrap_or_else(|| "/".into()), identity::tags(&tags)?);
        Ok(Request(NewPolicy { name, path, description, document, tags }))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}

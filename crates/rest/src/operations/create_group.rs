use crate::{
    identity::{self, IdentityDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, NewIdentity};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Creates a group.
#[derive(JsonSchema)]
pub struct CreateGroup;

/// What it shall be.
pub struct Request(NewIdentity);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// Its name: letters, digits and any of `_+=,.@-`.
    #[schemars(length(min = 1, max = 128), extend("example" = "developers"))]
    name: String,
    /// Its path: `/`, or text between slashes.
    #[serde(default)]
    #[schemars(with = "String")]
    path: Option<String>,
}

/// It, as it is.
pub struct Response(IdentityDocument);

impl Operation for CreateGroup {
    type Wire = Rest;
    const NAME: &'static str = "CreateGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/groups");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<IdentityDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::InvalidInput, FaultKind::EntityAlreadyExists, FaultKind::IdentityLimitExceeded]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let tagging = None;
        identity::made(action::IAM_CREATE_GROUP, tagging, &request.0)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        identities.create(cx, request.0).await.map(|made| Response(made.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: Body = json::body(incoming).await?;
        let plain = NewIdentity::group(&body.name);
        let new = NewIdentity { path: body.path.unwrap_or_else(|| plain.path.clone()), ..plain };
        Ok(Request(new))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}

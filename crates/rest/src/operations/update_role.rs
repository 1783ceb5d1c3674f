use crate::{
    identity,
    json::{self, Nothing},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use schemars::JsonSchema;
use serde::Deserialize;

/// Says anew what a role is for, and how long its sessions may be. A role keeps its name.
#[derive(JsonSchema)]
pub struct UpdateRole;

/// Which role, and what becomes other.
pub struct Request {
    name: String,
    body: Body,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// What it is for; what it was where nothing is said.
    #[serde(default)]
    #[schemars(with = "String")]
    description: Option<String>,
    /// The longest session, in seconds, 3,600 to 43,200; what it was where nothing is said.
    #[serde(default)]
    #[schemars(with = "i32")]
    session_seconds_max: Option<u32>,
}

impl Operation for UpdateRole {
    type Wire = Rest;
    const NAME: &'static str = "UpdateRole";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/roles/{role}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_UPDATE_ROLE, "role", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        let Body { description, session_seconds_max } = request.body;
        let (role, description) = (&request.name, description.as_deref());
        identities.update_role(cx, role, description, session_seconds_max).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = identity::place(&incoming, "role");
        Ok(Request { name, body: json::body(incoming).await? })
    }
}

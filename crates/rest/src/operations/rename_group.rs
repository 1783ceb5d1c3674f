use crate::{
    identity,
    json::{self, Nothing},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use schemars::JsonSchema;
use serde::Deserialize;

/// Gives a group another name or path, or both; what it has, and what names it by its unique id, goes along.
#[derive(JsonSchema)]
pub struct RenameGroup;

/// Which group, and how it is called from then on.
pub struct Request {
    name: String,
    body: Body,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Its new name; the one it has where nothing is said.
    #[serde(default)]
    #[schemars(with = "String")]
    name: Option<String>,
    /// Its new path, such as `/team/`; the one it has where nothing is said.
    #[serde(default)]
    #[schemars(with = "String")]
    path: Option<String>,
}

impl Operation for RenameGroup {
    type Wire = Rest;
    const NAME: &'static str = "RenameGroup";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/groups/{group}/name");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidInput, FaultKind::NoSuchEntity, FaultKind::EntityAlreadyExists]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_UPDATE_GROUP, "group", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        let Body { name, path } = request.body;
        let kind = IdentityKind::Group;
        identities.rename(cx, kind, &request.name, name.as_deref(), path.as_deref()).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = identity::place(&incoming, "group");
        Ok(Request { name, body: json::body(incoming).await? })
    }
}

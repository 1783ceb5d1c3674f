use crate::{
    identity::{self, IdentityDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists robots, by name. A page may be short, or empty; there are more while it has `next`.
#[derive(JsonSchema)]
pub struct ListRobots;

/// Which page.
pub struct Request(json::PageQuery);

/// A page of robots.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RobotPage")]
pub struct Response {
    robots: Vec<IdentityDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListRobots {
    type Wire = Rest;
    const NAME: &'static str = "ListRobots";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/robots");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<json::PageQuery>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        identity::below(action::IAM_LIST_USERS, "user")
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let (found, next) = identity::page(identities, cx, IdentityKind::User, request.0).await?;
        let robots = found.into_iter().filter(|user| user.robot.is_some());
        Ok(Response { robots: robots.map(IdentityDocument::from).collect(), next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::page(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

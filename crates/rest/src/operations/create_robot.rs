use crate::{
    identity::NewAccessKeyDocument,
    json,
    robot::{self, NewRobot},
};
use gantry_access::{Access, Principal};
use gantry_accounts::{Identities, NewIdentity, RobotRules};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Creates a robot: a user that is a program, with an access key, whose secret is in the answer, this once. What it may do is said by managed policies, or by the repositories that it may pull from and push to.
#[derive(JsonSchema)]
pub struct CreateRobot;

/// What it shall be.
pub struct Request(NewRobot);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// Its name: letters, digits and any of `_+=,.@-`.
    #[schemars(length(min = 1, max = 64), extend("example" = "ci"))]
    name: String,
    /// From when on it is nobody, RFC 3339; never where nothing is said.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Option<String>,
    /// From where it may come, as CIDR; from anywhere where there are none.
    #[serde(default)]
    #[schemars(extend("example" = ["10.1.0.0/16"]))]
    networks: Vec<String>,
    /// ARNs of managed policies that it has.
    #[serde(default)]
    policies: Vec<String>,
    /// Prefixes of the names of repositories that it may pull from, such as `team/`.
    #[serde(default)]
    pull: Vec<String>,
    /// Prefixes of the names of repositories that it may push to, and pull from.
    #[serde(default)]
    push: Vec<String>,
    /// The ARN of the managed policy that bounds it.
    #[serde(default)]
    #[schemars(with = "String")]
    boundary: Option<String>,
}

/// Its key.
pub struct Response(NewAccessKeyDocument);

impl Operation for CreateRobot {
    type Wire = Rest;
    const NAME: &'static str = "CreateRobot";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/robots");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<NewAccessKeyDocument>(StatusCode::CREATED);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::InvalidInput,
            FaultKind::EntityAlreadyExists,
            FaultKind::IdentityLimitExceeded,
            FaultKind::NoSuchEntity,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        request.0.access()
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        robot::create(identities, cx, request.0).await.map(|made| Response(made.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: Body = json::body(incoming).await?;
        let expires_at = body.expires_at.map(|text| robot::parse_time("expiresAt", &text)).transpose()?;
        let rules = RobotRules { expires_at, networks: body.networks };
        let robot = NewRobot {
            identity: NewIdentity { robot: Some(rules), boundary: body.boundary, ..NewIdentity::user(&body.name) },
            policies: body.policies,
            pull: body.pull,
            push: body.push,
        };
        robot.check()?;
        Ok(Request(robot))
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}

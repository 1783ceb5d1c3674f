use crate::{identity, json::{self, Nothing}, robot};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, RobotRules};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;

use schemars::JsonSchema;
use serde::Deserialize;

/// Says anew when a robot ends and from where it may come.
#[derive(JsonSchema)]
pub struct UpdateRobot;

/// Which one, and what holds for it.
pub struct Request {
    name: String,
    rules: RobotRules,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// From when on it is nobody, RFC 3339; never where nothing is said.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Option<String>,
    /// From where it may come, as CIDR; from anywhere where there are none.
    #[serde(default)]
    networks: Vec<String>,
}

impl Operation for UpdateRobot {
    type Wire = Rest;
    const NAME: &'static str = "UpdateRobot";
    const ROUTE: (&'static str, &'static str) = ("PUT", "/api/v1/robots/{robot}");
    type Needs = Identities;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        identity::named(action::IAM_UPDATE_USER, "user", &request.name)
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        identities.update_robot(cx, &request.name, request.rules).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let name = identity::place(&incoming, "robot");
        let body: Body = json::body(incoming).await?;
        let expires_at = body.expires_at.map(|text| robot::parse_time("expiresAt", &text)).transpose()?;
        Ok(Request { name, rules: RobotRules { expires_at, networks: body.networks } })
    }
}

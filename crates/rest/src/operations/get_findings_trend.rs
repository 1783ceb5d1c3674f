use crate::{
    found::{self, Rooms, TrendDayDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

const DAYS_DEFAULT: i64 = 30;
const DAYS_MAX: i64 = 400;

/// Tells how many findings there were on each of the last days, by severity: those of the newest scanned image of each repository, when
/// it was looked last on that day (UTC), without what VEX documents suppress. A day on which no server ran is missing.
#[derive(JsonSchema)]
pub struct GetFindingsTrend;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only in repositories whose name begins so.
    #[schemars(extend("example" = "team/"))]
    repository: Option<String>,
    /// How many days, today among them.
    #[schemars(with = "i32", default = "days_default", range(min = 1, max = DAYS_MAX))]
    days: i64,
}

fn days_default() -> i64 {
    DAYS_DEFAULT
}

/// Of which repositories, and how many days.
pub struct Request {
    prefix: String,
    days: i64,
}

/// The days, in their order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FindingsTrend")]
pub struct Response {
    days: Vec<TrendDayDocument>,
}

impl Operation for GetFindingsTrend {
    type Wire = Rest;
    const NAME: &'static str = "GetFindingsTrend";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/findings/trend");
    type Needs = Rooms;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS)]
    }

    async fn call(rooms: &Rooms, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let visible = found::visible(rooms, cx, principal, &request.prefix).await?;
        let days = rooms.1.trend(visible, cx.now, request.days).await?;
        Ok(Response { days: days.into_iter().map(TrendDayDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let days = match incoming.query("days") {
            None => DAYS_DEFAULT,
            Some(text) => text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days)).ok_or_else(|| {
                Fault::new(FaultKind::InvalidParameter, format!("days={text:?} is no number from 1 to {DAYS_MAX}"))
            })?,
        };
        Ok(Request { prefix: incoming.query("repository").map(String::from).unwrap_or_default(), days })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

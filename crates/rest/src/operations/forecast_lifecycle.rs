use crate::{json, lifecycle::LifecycleForecastDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{LIFECYCLE_FORECAST_DAYS_MAX, Lifecycle, Repositories};
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;

/// Says which images a repository's lifecycle policy will act on in the days to come, when, and how many bytes they hold, if
/// nothing is pushed, pulled or protected meanwhile.
#[derive(JsonSchema)]
pub struct ForecastLifecycle;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// How many days ahead.
    #[schemars(with = "i32", default = "days_default", range(min = 1, max = LIFECYCLE_FORECAST_DAYS_MAX))]
    days: u32,
}

fn days_default() -> u32 {
    30
}

/// Of which repository, and how far.
pub struct Request {
    name: RepositoryName,
    days: u32,
}

/// What goes.
pub struct Response(LifecycleForecastDocument);

impl Operation for ForecastLifecycle {
    type Wire = Rest;
    const NAME: &'static str = "ForecastLifecycle";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/repositories/{name}/lifecycle/forecast");
    type Needs = (Repositories, Lifecycle);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<LifecycleForecastDocument>(StatusCode::OK);
        shape.refuses(&[
            FaultKind::InvalidParameter,
            FaultKind::RepositoryNotFound,
            FaultKind::LifecyclePolicyNotFound,
        ]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::on(action::ECR_GET_LIFECYCLE_POLICY_PREVIEW, &request.name)]
    }

    async fn call((repositories, lifecycle): &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let repository = repositories.load(cx, &request.name).await?;
        lifecycle.forecast(cx, &repository, request.days).await.map(|forecast| Response(forecast.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let days = match incoming.query("days") {
            None => days_default(),
            Some(text) => parse_days(&text)?,
        };
        Ok(Request { name: json::name(&incoming)?, days })
    }
}

fn parse_days(text: &str) -> Result<u32, Fault> {
    text.parse().ok().filter(|days| (1..=LIFECYCLE_FORECAST_DAYS_MAX).contains(days)).ok_or_else(|| {
        let message = format!("days={text:?} is no number from 1 to {LIFECYCLE_FORECAST_DAYS_MAX}");
        Fault::new(FaultKind::InvalidParameter, message)
    })
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_is_for_a_day_to_a_year() {
        for (text, expected) in
            [("1", Some(1)), ("366", Some(366)), ("0", None), ("367", None), ("90d", None), ("", None)]
        {
            assert_eq!(parse_days(text).ok(), expected, "{text:?}");
        }
    }
}

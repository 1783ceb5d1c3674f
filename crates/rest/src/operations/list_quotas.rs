use crate::{json, quota::QuotaDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_registry::Quotas;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the quotas of the registry by their scopes, with how much of each is used.
#[derive(JsonSchema)]
pub struct ListQuotas;

/// All of them.
pub struct Request;

/// The quotas.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QuotaList")]
pub struct Response {
    quotas: Vec<QuotaDocument>,
}

impl Operation for ListQuotas {
    type Wire = Rest;
    const NAME: &'static str = "ListQuotas";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/quotas");
    type Needs = Quotas;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_QUOTAS)]
    }

    async fn call(quotas: &Quotas, cx: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        Ok(Response { quotas: quotas.list(cx).await?.into_iter().map(QuotaDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(_: Incoming) -> Result<Self, Fault> {
        Ok(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

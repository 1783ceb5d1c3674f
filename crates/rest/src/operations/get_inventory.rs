use crate::{
    json,
    protection::{InventorySourceDocument, ReportedImageDocument},
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Inventory, InventorySource};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Shows the last report of a cluster or script, with its images.
#[derive(JsonSchema)]
pub struct GetInventory;

/// Whose.
pub struct Request(InventorySource);

/// The report.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InventoryReport")]
pub struct Response {
    #[serde(flatten)]
    source: InventorySourceDocument,
    /// By repository and digest; first those that any repository may hold.
    images: Vec<ReportedImageDocument>,
}

impl Operation for GetInventory {
    type Wire = Rest;
    const NAME: &'static str = "GetInventory";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/inventory/{source}");
    type Needs = Inventory;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InventorySourceNotFound]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_INVENTORY)]
    }

    async fn call(inventory: &Inventory, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let (summary, images) = inventory.load(cx, &request.0).await?;
        Ok(Response { source: summary.into(), images: images.into_iter().map(ReportedImageDocument::from).collect() })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::source(&incoming).map(Request)
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

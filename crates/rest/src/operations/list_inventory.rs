use crate::{json, protection::InventorySourceDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::Fault;
use gantry_registry::Inventory;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the clusters and scripts that report which images they run, by name.
#[derive(JsonSchema)]
pub struct ListInventory;

/// All of them.
pub struct Request;

/// Who reports.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InventorySources")]
pub struct Response {
    sources: Vec<InventorySourceDocument>,
}

impl Operation for ListInventory {
    type Wire = Rest;
    const NAME: &'static str = "ListInventory";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/inventory");
    type Needs = Inventory;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<Response>(StatusCode::OK);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_LIST_INVENTORY)]
    }

    async fn call(inventory: &Inventory, cx: &Cx, _: &Principal, _: Request) -> Result<Response, Fault> {
        let found = inventory.sources(cx).await?;
        Ok(Response { sources: found.into_iter().map(InventorySourceDocument::from).collect() })
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

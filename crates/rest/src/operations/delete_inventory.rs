use crate::json::{self, Nothing};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Inventory, InventorySource};
use gantry_words::Cx;
use schemars::JsonSchema;

/// Forgets a cluster or script that reported, with its report.
#[derive(JsonSchema)]
pub struct DeleteInventory;

/// Which one.
pub struct Request(InventorySource);

impl Operation for DeleteInventory {
    type Wire = Rest;
    const NAME: &'static str = "DeleteInventory";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/inventory/{source}");
    type Needs = Inventory;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InventorySourceNotFound]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_DELETE_INVENTORY)]
    }

    async fn call(inventory: &Inventory, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        inventory.remove(cx, &request.0).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        json::source(&incoming).map(Request)
    }
}

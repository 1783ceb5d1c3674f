use crate::json::Nothing;
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, Operation, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::Scans;
use gantry_words::Cx;
use schemars::JsonSchema;

/// Removes a VEX document: what it suppressed counts again.
#[derive(JsonSchema)]
pub struct DeleteVex;

/// Which one.
pub struct Request {
    id: i64,
}

impl Operation for DeleteVex {
    type Wire = Rest;
    const NAME: &'static str = "DeleteVex";
    const ROUTE: (&'static str, &'static str) = ("DELETE", "/api/v1/vex/{document}");
    type Needs = Scans;
    type Request = Request;
    type Response = Nothing;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers_nothing();
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_DELETE_VEX)]
    }

    async fn call(scans: &Scans, cx: &Cx, _: &Principal, request: Request) -> Result<Nothing, Fault> {
        scans.remove_vex(cx, request.id).await.map(|()| Nothing)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let text = incoming.params.get("document");
        let wrong = |_| Fault::new(FaultKind::InvalidParameter, format!("{text:?} is no number of a VEX document"));
        Ok(Request { id: text.parse().map_err(wrong)? })
    }
}

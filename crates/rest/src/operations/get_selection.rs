use crate::{json, selection::SelectionStatusDocument};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Images;
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Says what has come of images that were chosen by a query: while they are worked on, and for an hour afterwards. Only whoever chose
/// them can ask.
#[derive(JsonSchema)]
pub struct GetSelection;

/// Which ones.
pub struct Request {
    token: String,
}

/// What has come of them.
pub struct Response(SelectionStatusDocument);

impl Operation for GetSelection {
    type Wire = Rest;
    const NAME: &'static str = "GetSelection";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/images/selections/{token}");
    type Needs = Images;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<SelectionStatusDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::SelectionNotFound]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGES)]
    }

    async fn call(images: &Self::Needs, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        images.selection(cx, &request.token).await.map(|status| Response(status.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { token: incoming.params.get("token").into() })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

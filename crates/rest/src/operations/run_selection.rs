use crate::{
    json,
    selection::{SelectionStatusDocument, may},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Archive, BulkAsked, Images, Traffic};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Does to images that were chosen by a query what they were chosen for, once, and answers when that is over. How far it is,
/// `GET /api/v1/images/selections/{token}` says meanwhile, also to a client whose connection broke: the work goes on without it. Each
/// image is allowed or refused on its own, by the permission that doing it to this one image takes. One that is not as it was shown,
/// since its tags moved, or it was pulled where the query asks about pulls, is left alone.
#[derive(JsonSchema)]
pub struct RunSelection;

/// Which ones.
pub struct Request {
    token: String,
}

/// What has come of them.
pub struct Response(SelectionStatusDocument);

impl Operation for RunSelection {
    type Wire = Rest;
    const NAME: &'static str = "RunSelection";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/images/selections/{token}/run");
    type Needs = (Images, Archive, (Accounts, Traffic));
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.answers::<SelectionStatusDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::SelectionNotFound, FaultKind::SelectionUsed]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGES)]
    }

    async fn call(
        (images, archive, (accounts, traffic)): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        // An image that was pulled a moment ago may be one that nobody wants to lose.
        traffic.write_down(cx).await?;
        let allowed = |asked: BulkAsked<'_>| may(accounts, principal, asked);
        images.run_selection(cx, archive, &request.token, allowed).await.map(|status| Response(status.into()))
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

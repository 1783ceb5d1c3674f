use crate::{
    found, json,
    operations::search_images::wrong,
    selection::{ImageSelectionDocument, SelectImagesDocument, may},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_query::{Field, Query as ImageQuery};
use gantry_registry::{BulkAction, CHOSEN_IMAGES_MAX, Images, Traffic, Repositories};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Chooses images by a query to do one thing to all of them, and shows them. Nothing is done yet: the token that is answered does it,
/// once and within a quarter of an hour, to these images and no others. At most 10,000 are chosen at a time.
#[derive(JsonSchema)]
pub struct SelectImages;

/// Which images, and what is to be done to them.
pub struct Request {
    query: ImageQuery,
    action: BulkAction,
}

/// The images.
pub struct Response(ImageSelectionDocument);

impl Operation for SelectImages {
    type Wire = Rest;
    const NAME: &'static str = "SelectImages";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/images/selections");
    type Needs = (Repositories, Images, (Accounts, Traffic));
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<SelectImagesDocument>();
        shape.answers::<ImageSelectionDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::TagInvalid, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGES)]
    }

    async fn call(
        (repositories, images, (accounts, traffic)): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let Request { query, action } = request;
        if query.asks(Field::Pulled) {
            traffic.write_down(cx).await?;
        }
        let bounds = query.bounds(cx.now, |_, _| None).unwrap_or_default();
        let prefix = bounds.repository.map(|name| name.prefix).unwrap_or_default();
        let rooms = (repositories, accounts);
        let seen = found::visible_repositories(rooms, cx, principal, action::ECR_DESCRIBE_IMAGES, &prefix, "").await?;
        let seen = seen.into_iter().filter(|repository| repository.image_count > 0).collect();
        let selection = images.choose(cx, seen, query, action, |asked| may(accounts, principal, asked)).await?;
        Ok(Response(selection.into()))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: SelectImagesDocument = json::body(incoming).await?;
        let query = body.q.parse::<ImageQuery>().map_err(|error| wrong(&body.q, &error))?;
        if query.terms().is_empty() {
            let message = format!(
                "q: a query without conditions means every image; say so with repository:* if that is meant, of which at most \
                 {CHOSEN_IMAGES_MAX} are chosen"
            );
            return Err(Fault::new(FaultKind::InvalidParameter, message));
        }
        Ok(Request { query, action: body.read_action()? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

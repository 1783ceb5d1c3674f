use crate::{json, undo::TrashedImageDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Paging, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Trash, TrashPlace, TrashedImage};
use gantry_words::{Cx, RepositoryName, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Lists the images in the trash: what was deleted last comes first. It shows what was in repositories, deleted ones too, whose images
/// the caller may describe; a page may have fewer than were asked for, or none, and a next one all the same.
#[derive(JsonSchema)]
pub struct ListTrash;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only what was in this repository, which may be deleted.
    #[schemars(extend("example" = "team/app"))]
    repository: Option<String>,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

/// Of which repository, and which page.
pub struct Request {
    name: Option<RepositoryName>,
    after: Option<String>,
    limit: usize,
}

/// A page of the trash.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrashPage")]
pub struct Response {
    images: Vec<TrashedImageDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListTrash {
    type Wire = Rest;
    const NAME: &'static str = "ListTrash";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/trash");
    type Needs = (Trash, Accounts, Paging);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NameInvalid]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let describe = action::ECR_DESCRIBE_IMAGES;
        vec![request.name.as_ref().map_or(Access::to_list(describe), |name| Access::on(describe, name))]
    }

    async fn call((trash, accounts, paging): &Self::Needs, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { name, after, limit } = request;
        let list = name.as_ref().map_or("", RepositoryName::as_str);
        let unknown = || Fault::new(FaultKind::InvalidParameter, "after is not what an answer gave as next");
        let before = after.map(|token| paging.place(cx, list, &token).map(place).ok_or_else(unknown)).transpose()?;
        let page = trash.list(cx, name.as_ref(), before, limit).await?;
        // Sealed: the last of them may be an image that the caller must not know of.
        let next = page.items.last().filter(|_| page.has_more).map(|last| paging.token(cx, list, &written(&last.place)));
        let may_see = |image: &TrashedImage| {
            let name: Result<RepositoryName, _> = image.repository.parse();
            name.is_ok_and(|name| accounts.may(principal, &Access::on(action::ECR_DESCRIBE_IMAGES, &name)))
        };
        let seen = page.items.into_iter().filter(may_see);
        Ok(Response { images: seen.map(TrashedImageDocument::from).collect(), next })
    }
}

/// A place as it lies in a token: milliseconds since 1970, number of the repository, digest.
type Written = (i64, i64, String);

fn written(place: &TrashPlace) -> Written {
    (place.trashed_at.millis(), place.repository, place.digest.clone())
}

fn place((millis, repository, digest): Written) -> TrashPlace {
    TrashPlace { trashed_at: Timestamp::from_millis(millis), repository, digest }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let name = incoming.query("repository").map(|name| json::parse_name(&name)).transpose()?;
        Ok(Request { name, after: page.after, limit: page.limit })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

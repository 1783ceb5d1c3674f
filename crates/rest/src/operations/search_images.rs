use crate::{document::ImageDocument, found, json};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Paging, Rest, Shape};
use gantry_fault::{Detail, Fault, FaultKind};
use gantry_query::{Order, OrderError, Query as ImageQuery, QueryError};
use gantry_registry::{ImageSearch, Images, Repositories, SearchPlace, SearchedImage, SearchedRepository};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Finds images by a query, in all repositories whose images the caller may ask about. A page may have fewer than were asked for, or
/// none, and a next one all the same: `cutShort` says that no more were looked at for it.
#[derive(JsonSchema)]
pub struct SearchImages;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Which images: conditions that must all hold, with `or`, `not` and parentheses; `docs/search.md` has the fields. Without it all.
    #[schemars(extend("example" = "tag:v1.* pushed<2026-01-01 size>1GiB"))]
    q: Option<String>,
    /// What comes first: `repository` (within one the newest), `pushed`, `tagged`, `pulled`, `size`, `tags`, `digest`, `type`,
    /// `status`, `pusher` or `class`, each with `-` before it for the other way round. By `tags` and those after it they are sorted
    /// where no more than 20,000 images are to be looked at.
    #[schemars(with = "String", default = "sort_default", extend("example" = "-size"))]
    sort: String,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

fn sort_default() -> &'static str {
    "repository"
}

/// What is asked, and which page.
pub struct Request {
    query: ImageQuery,
    order: Order,
    after: Option<String>,
    limit: usize,
}

/// A page of images.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SearchPage")]
pub struct Response {
    images: Vec<SearchedImageDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
    /// How many images were looked at for this page.
    looked_at: u64,
    /// Whether the page ended before it was full, since no more may be looked at in one go: `next` goes on there.
    cut_short: bool,
}

/// An image that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SearchedImage")]
pub struct SearchedImageDocument {
    /// Its repository.
    pub repository: String,
    /// When a tag was last set on it, RFC 3339; missing where none was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub tagged_at: Option<String>,
    /// When it was last pulled, as far as that was noted, RFC 3339; missing where it never was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_pulled_at: Option<String>,
    /// The image.
    #[serde(flatten)]
    pub image: ImageDocument,
}

impl From<SearchedImage> for SearchedImageDocument {
    fn from(found: SearchedImage) -> Self {
        SearchedImageDocument {
            repository: found.repository.to_string(),
            tagged_at: found.tagged_at.map(|at| at.to_string()),
            last_pulled_at: found.image.last_pulled_at.map(|at| at.to_string()),
            image: found.image.into(),
        }
    }
}

impl Operation for SearchImages {
    type Wire = Rest;
    const NAME: &'static str = "SearchImages";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/images");
    type Needs = (Repositories, Images, (Accounts, Paging));
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGES)]
    }

    async fn call(
        (repositories, images, (accounts, paging)): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let Request { query, order, after, limit } = request;
        let list = format!("{order}\n{query}");
        let unknown =
            || Fault::new(FaultKind::InvalidParameter, "after is not what an answer to this query gave as next");
        let place = |token: String| paging.place::<SearchPlace>(cx, &list, &token).ok_or_else(unknown);
        let after = after.map(place).transpose()?;
        let scope = Self::scope((repositories, images, accounts), cx, principal, (&query, order), after.as_ref()).await?;
        let page = images.search(scope, ImageSearch { query, order, after, count: limit, now: cx.now }).await?;
        Ok(Response {
            images: page.images.into_iter().map(SearchedImageDocument::from).collect(),
            next: page.next.map(|place| paging.token(cx, &list, &place)),
            looked_at: page.looked_at,
            cut_short: page.is_cut_short,
        })
    }
}

impl SearchImages {
    /// The repositories whose images are searched: those that the caller may ask about. What the query rules out beforehand is not even
    /// listed.
    async fn scope(
        (repositories, images, accounts): (&Repositories, &Images, &Accounts),
        cx: &Cx,
        principal: &Principal,
        (query, order): (&ImageQuery, Order),
        after: Option<&SearchPlace>,
    ) -> Result<Vec<SearchedRepository>, Fault> {
        let action = action::ECR_DESCRIBE_IMAGES;
        let seen = match images.repositories_of(query, cx.now).await? {
            Some(few) => {
                let mut few = repositories.among(cx, few).await?;
                few.retain(|repository| accounts.may(principal, &Access::on(action, &repository.name)));
                few
            }
            None => {
                let bounds = query.bounds(cx.now, |_, _| None).unwrap_or_default();
                let prefix = bounds.repository.map(|name| name.prefix).unwrap_or_default();
                let first = match after {
                    Some(place) if order == Order::default() => place.repository(),
                    _ => "",
                };
                let rooms = (repositories, accounts);
                found::visible_repositories(rooms, cx, principal, action, &prefix, first).await?
            }
        };
        let seen = seen.into_iter().filter(|repository| repository.image_count > 0);
        Ok(seen.map(SearchedRepository::from).collect())
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let text = incoming.query("q").unwrap_or_default();
        let query = text.parse::<ImageQuery>().map_err(|error| wrong(&text, &error))?;
        let order = match incoming.query("sort") {
            None => Order::default(),
            Some(text) => text
                .parse::<Order>()
                .map_err(|error: OrderError| Fault::new(FaultKind::InvalidParameter, format!("sort: {error}")))?,
        };
        Ok(Request { query, order, after: page.after, limit: page.limit })
    }
}

/// Says what is wrong with a query, and where.
pub(crate) fn wrong(text: &str, error: &QueryError) -> Fault {
    let (offset, length) = error.span.in_characters(text);
    let number = |count: usize| Detail::Number(i64::try_from(count).unwrap_or(i64::MAX));
    Fault::new(FaultKind::InvalidParameter, format!("q, from character {}: {error}", offset + 1))
        .with("offset", number(offset))
        .with("length", number(length))
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use std::task::{Context, Poll, Waker};

    fn read(query: &str) -> Result<Request, Fault> {
        let incoming = Incoming::new(Method::GET, &format!("/api/v1/images?{query}"));
        let mut reading = std::pin::pin!(Request::read(incoming));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => panic!("a query is read at once"),
        }
    }

    #[test]
    fn a_search_is_read_from_the_query_of_the_address() {
        let request = read("q=tag:v1.*+size%3E1GiB&sort=-size&limit=7").unwrap();

        assert_eq!(request.query.to_string(), "tag:v1.* size>1GiB");
        assert_eq!((request.order.to_string().as_str(), request.limit), ("-size", 7));
        assert_eq!(read("").unwrap().query.to_string(), "");
    }

    #[test]
    fn what_is_wrong_with_a_query_is_said_with_its_place() {
        let refused = read("q=tag:%C3%A4+tga:v1").err().unwrap();

        assert_eq!(refused.message, "q, from character 7: there is no field \"tga\"; did you mean \"tag\"?");
        assert_eq!(refused.members, [("offset", Detail::Number(6)), ("length", Detail::Number(3))]);
        assert!(read("sort=colour").err().unwrap().message.starts_with("sort: there is no order"));
    }
}

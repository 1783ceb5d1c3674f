use crate::{
    headers,
    paging::{self, Paging},
    target,
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Oci, Operation, Outgoing, Paging as Places, Payload};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Repositories;
use gantry_words::{Cx, Page};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Names that are read at once where not all of them are shown.
const PAGE_READ: usize = 1_000;

/// `GET /v2/_catalog`: the repositories the caller may see, in the order of their bytes, in pages.
///
/// Not part of OCI Distribution 1.1.1; docker registries have it, and clients use it.
pub struct Catalog;

/// Which page.
pub struct Request {
    paging: Paging,
}

/// A page.
pub struct Response {
    count: usize,
    page: Page<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    repositories: &'a [String],
}

impl Operation for Catalog {
    type Wire = Oci;
    const NAME: &'static str = "Catalog";
    const ROUTE: (&'static str, &'static str) = ("GET", "/v2/_catalog");
    type Needs = (Repositories, Accounts, Places);
    type Request = Request;
    type Response = Response;

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_REPOSITORIES)]
    }

    async fn call((repositories, accounts, places): &Self::Needs, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let Paging { count, last } = request.paging;
        if count == 0 {
            return Ok(Response { count, page: Page { items: vec![], has_more: false }, next: None });
        }
        let unknown = || Fault::new(FaultKind::InvalidParameter, "last is no name; take it from the Link header");
        let last = places.name_after(cx, "", &last).ok_or_else(unknown)?;
        if principal.account != cx.account {
            let page = seen_from_elsewhere((repositories, accounts), cx, principal, last, count).await?;
            let next = page.items.last().filter(|_| page.has_more).cloned();
            return Ok(Response { count, page, next });
        }
        let mut page = repositories.names(cx, &last, count).await?;
        let may_see = |name: &str| target::parse_name(name).is_ok_and(|name| accounts.may_see(principal, &name));
        // The whole list was allowed; a name the caller may not see is left out of it, never refused by name, and not named where
        // the page ends.
        let last = page.items.last().filter(|_| page.has_more);
        let next = last.map(|last| places.after_name(cx, "", last, may_see(last)));
        page.items.retain(|name| may_see(name));
        Ok(Response { count, page, next })
    }
}

/// Who is at home in another account hears no name that he may not see, not even where a page ends: names are read until a
/// page of his is full.
async fn seen_from_elsewhere(
    (repositories, accounts): (&Repositories, &Accounts),
    cx: &Cx,
    principal: &Principal,
    mut last: String,
    count: usize,
) -> Result<Page<String>, Fault> {
    let mut items = Vec::new();
    loop {
        let page = repositories.names(cx, &last, PAGE_READ).await?;
        let may_see = |name: &&String| target::parse_name(name).is_ok_and(|name| accounts.may_see(principal, &name));
        items.extend(page.items.iter().filter(may_see).cloned());
        if items.len() > count {
            items.truncate(count);
            return Ok(Page { items, has_more: true });
        }
        match page.items.last() {
            Some(end) if page.has_more => last.clone_from(end),
            _ => return Ok(Page { items, has_more: false }),
        }
    }
}

impl FromWire<Oci> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { paging: Paging::read(&incoming)? })
    }
}

impl IntoWire<Oci> for Response {
    fn write(self) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(last) = &self.next {
            let link = paging::next_link("/v2/_catalog", &[("n", &self.count.to_string()), ("last", last)]);
            headers.insert(header::LINK, headers::value(&link));
        }
        let body = serde_json::to_vec(&Document { repositories: &self.page.items }).expect("names are strings");
        Outgoing { status: StatusCode::OK, headers, body: Payload::Bytes(body.into()) }
    }
}

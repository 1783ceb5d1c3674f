use crate::{
    json,
    usage::{StoreUsageDocument, UsageDocument},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Paging, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Usage, UsageBy, UsageEntry, UsageOrder, UsagePlace, Usages, usage_by, usage_page};
use gantry_words::{AccountId, Cx};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

/// Tells what the repositories use that the caller may see: images, tags, bytes, what of them is held once only, and how they grow.
/// All figures are kept with every push and deletion.
#[derive(JsonSchema)]
pub struct GetUsage;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Of this account instead of the caller's own: for the root user of the site's own account alone.
    #[schemars(length(min = 12, max = 12), extend("example" = "111122223333"))]
    account: Option<String>,
    /// Only of these repositories: `team/app` means the one of that name and those below it, `team/` those below it alone.
    #[schemars(extend("example" = "team/"))]
    prefix: Option<String>,
    /// Of what there is a line: of each `repository`, of each `prefix` (all repositories whose names are the same up to the next slash
    /// after `prefix`), or of the `account`.
    #[schemars(with = "String", default = "by_default", extend("enum" = ["repository", "prefix", "account"]))]
    by: String,
    /// What comes first: `name`, `size` (logical bytes), `unique`, `images`, `tags`, `growth` or `pulled`, each with `-` before it for
    /// the other way round.
    #[schemars(with = "String", default = "sort_default", extend("example" = "-size"))]
    sort: String,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

fn by_default() -> &'static str {
    "repository"
}

fn sort_default() -> &'static str {
    "name"
}

/// What is asked, and which page.
pub struct Request {
    account: Option<AccountId>,
    prefix: String,
    by: UsageBy,
    order: UsageOrder,
    after: Option<String>,
    limit: usize,
}

/// A page of usage.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UsagePage")]
pub struct Response {
    usage: Vec<UsageDocument>,
    /// What all lines of all pages use together; its name is the prefix that was asked for.
    total: UsageDocument,
    /// What the store of the whole site holds: for the root user of the site's own account alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "StoreUsageDocument")]
    store: Option<StoreUsageDocument>,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for GetUsage {
    type Wire = Rest;
    const NAME: &'static str = "GetUsage";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/usage");
    type Needs = (Usages, Accounts, Paging);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NoSuchEntity]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_REPOSITORIES)]
    }

    async fn call(
        (usages, accounts, paging): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let Request { account, prefix, by, order, after, limit } = request;
        let cx = &accounts.asking_for(cx, principal, account)?;
        let list = format!("{by:?}\n{order}\n{prefix}");
        let unknown =
            || Fault::new(FaultKind::InvalidParameter, "after is not what an answer to this question gave as next");
        let place = |token: String| paging.place::<UsagePlace>(cx, &list, &token).ok_or_else(unknown);
        let after = after.map(place).transpose()?;
        let sees_all = accounts.may_see_all(principal);
        let (total, entries) = if by == UsageBy::Account && sees_all {
            let usage = usages.sum(cx, &prefix).await?;
            (usage, vec![UsageEntry { name: cx.account.as_str().into(), repository: None, usage }])
        } else {
            let mut found = usages.repositories(cx, &prefix).await?;
            found.retain(|repository| sees_all || accounts.may_see(principal, &repository.name));
            let total = Usage::sum(found.iter().map(|repository| &repository.usage));
            (total, usage_by(by, &found, &prefix, cx.account))
        };
        let page = usage_page(entries, order, after.as_ref(), limit);
        let last = page.items.last().filter(|_| page.has_more);
        let next = last.map(|last| paging.token(cx, &list, &last.place(order)));
        let shown = page.items.iter().filter_map(|entry| entry.repository).collect();
        let pushed = usages.last_pushed_at(shown).await?;
        let show = |entry: UsageEntry| {
            let last_pushed_at = entry.repository.and_then(|id| pushed.get(&id).copied());
            UsageDocument::of(entry, last_pushed_at)
        };
        let store = match accounts.is_site_root(principal) {
            true => Some(usages.store(cx.now).await?.into()),
            false => None,
        };
        Ok(Response {
            usage: page.items.into_iter().map(show).collect(),
            total: UsageDocument::of(UsageEntry { name: prefix, repository: None, usage: total }, None),
            store,
            next,
        })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
        let by = match incoming.query("by").as_deref() {
            None | Some("repository") => UsageBy::Repository,
            Some("prefix") => UsageBy::Prefix,
            Some("account") => UsageBy::Account,
            Some(word) => return Err(wrong(format!("by={word:?} is none; it is repository, prefix or account"))),
        };
        let order = match incoming.query("sort") {
            None => UsageOrder::default(),
            Some(text) => text.parse().map_err(|error: gantry_registry::UsageOrderError| wrong(format!("sort: {error}")))?,
        };
        let prefix = json::prefix(&incoming)?;
        Ok(Request { account: json::account(&incoming)?, prefix, by, order, after: page.after, limit: page.limit })
    }
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
        let incoming = Incoming::new(Method::GET, &format!("/api/v1/usage?{query}"));
        let mut reading = std::pin::pin!(Request::read(incoming));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => panic!("a query is read at once"),
        }
    }

    #[test]
    fn what_is_asked_is_read_from_the_query_of_the_address() {
        let request = read("prefix=team%2F&by=prefix&sort=-unique&limit=7").unwrap();
        let plain = read("").unwrap();

        assert_eq!((request.prefix.as_str(), request.by, request.limit), ("team/", UsageBy::Prefix, 7));
        assert_eq!(request.order.to_string(), "-unique");
        assert_eq!((plain.by, plain.order.to_string().as_str()), (UsageBy::Repository, "name"));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for (query, says) in [
            ("account=7", "account: "),
            ("by=team", "by=\"team\" is none"),
            ("sort=colour", "sort: there is no order"),
            ("prefix=Team%00", "prefix=\"Team\\0\" is nothing"),
        ] {
            assert!(read(query).err().unwrap().message.starts_with(says), "{query}");
        }
    }
}

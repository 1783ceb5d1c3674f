use crate::{json, traffic::TrafficDocument};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Paging, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{
    TRAFFIC_DAYS_MAX, Traffic, TrafficBy, TrafficFilter, TrafficOrder, TrafficPlace, Usages, traffic_page,
};
use gantry_oci::Digest;
use gantry_words::{Cx, RepositoryName};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest name of a principal, in bytes.
const PRINCIPAL_BYTES_MAX: usize = 2_048;

/// Tells how often the images were pulled and pushed that the caller may see, counted by repository, image, principal, network or
/// day, of one repository, image or principal alone where one is named. Principals and networks are told to those who may read the audit (`gantry:ListAuditRecords`). What happened in the last
/// minute is included; after a crash the minute before it is not.
#[derive(JsonSchema)]
pub struct GetTraffic;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only in these repositories: `team/app` means the one of that name and those below it, `team/` those below it alone.
    #[schemars(extend("example" = "team/"))]
    prefix: Option<String>,
    /// Only in the repository of this name.
    #[schemars(extend("example" = "team/app"))]
    repository: Option<String>,
    /// Only of this image: a digest, in every repository that has it, or `<repository>@<digest>`.
    image: Option<String>,
    /// Only by this principal, as the audit names it.
    #[schemars(extend("example" = "arn:aws:iam::000000000000:user/ci"))]
    principal: Option<String>,
    /// Of what there is a line: of each `repository`, `image`, `principal` (as the audit names it), `network` (24 bits of an IPv4
    /// address, 64 of an IPv6 address) or `day` (of UTC).
    #[schemars(with = "String", default = "by_default", extend("enum" = ["repository", "image", "principal", "network", "day"]))]
    by: String,
    /// Only the last so many days, today included.
    #[schemars(with = "i32", default = "days_default", range(min = 1, max = 30))]
    days: u16,
    /// What comes first: `name`, `pulls`, `pushes` or `last`, each with `-` before it for the other way round.
    #[schemars(with = "String", default = "sort_default", extend("example" = "-pulls"))]
    sort: String,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

fn by_default() -> &'static str {
    TrafficBy::Repository.word()
}

fn days_default() -> u16 {
    TRAFFIC_DAYS_MAX
}

fn sort_default() -> &'static str {
    "-pulls"
}

/// What is asked, and which page.
pub struct Request {
    prefix: String,
    /// All of these, where there are any.
    repositories: Vec<RepositoryName>,
    filter: TrafficFilter,
    by: TrafficBy,
    days: u16,
    order: TrafficOrder,
    after: Option<String>,
    limit: usize,
}

/// A page of pulls and pushes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrafficPage")]
pub struct Response {
    traffic: Vec<TrafficDocument>,
    /// All lines of all pages together; its name is the prefix that was asked for.
    total: TrafficDocument,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for GetTraffic {
    type Wire = Rest;
    const NAME: &'static str = "GetTraffic";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/traffic");
    type Needs = ((Usages, Traffic), Accounts, Paging);
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        let sees = Access::to_list(action::ECR_DESCRIBE_REPOSITORIES);
        match request.by.names_people() || request.filter.principal.is_some() {
            true => vec![sees, Access::to(action::GANTRY_LIST_AUDIT_RECORDS)],
            false => vec![sees],
        }
    }

    async fn call(
        ((usages, traffic), accounts, paging): &Self::Needs,
        cx: &Cx,
        principal: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let Request { prefix, repositories: named, filter, by, days, order, after, limit } = request;
        let list = format!("traffic\n{}\n{days}\n{order}\n{prefix}\n{named:?}\n{filter:?}", by.word());
        let unknown =
            || Fault::new(FaultKind::InvalidParameter, "after is not what an answer to this question gave as next");
        let place = |token: String| paging.place::<TrafficPlace>(cx, &list, &token).ok_or_else(unknown);
        let after = after.map(place).transpose()?;
        let sees_all = accounts.may_see_all(principal);
        let mut repositories: BTreeMap<i64, String> = BTreeMap::new();
        for repository in usages.repositories(cx, &prefix).await? {
            let is_meant = named.iter().all(|name| *name == repository.name);
            if is_meant && (sees_all || accounts.may_see(principal, &repository.name)) {
                repositories.insert(repository.id, repository.name.as_str().into());
            }
        }
        traffic.write_down(cx).await?;
        let entries = traffic.sum(cx, by, &repositories, &filter, days).await?;
        let total = TrafficDocument::sum(prefix, &entries);
        let page = traffic_page(entries, order, after.as_ref(), limit);
        let last = page.items.last().filter(|_| page.has_more);
        let next = last.map(|last| paging.token(cx, &list, &last.place(order)));
        Ok(Response { traffic: page.items.into_iter().map(TrafficDocument::from).collect(), total, next })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
        let by = match incoming.query("by") {
            None => TrafficBy::default(),
            Some(word) => TrafficBy::ALL.into_iter().find(|by| by.word() == word).ok_or_else(|| {
                let known = TrafficBy::ALL.map(TrafficBy::word).join(", ");
                wrong(format!("by={word:?} is none; there are {known}"))
            })?,
        };
        let days = match incoming.query("days") {
            None => TRAFFIC_DAYS_MAX,
            Some(text) => text
                .parse()
                .ok()
                .filter(|days| (1..=TRAFFIC_DAYS_MAX).contains(days))
                .ok_or_else(|| wrong(format!("days={text:?} is no number from 1 to {TRAFFIC_DAYS_MAX}")))?,
        };
        let sort = incoming.query("sort").unwrap_or_else(|| sort_default().into());
        let order =
            sort.parse().map_err(|error: gantry_registry::TrafficOrderError| wrong(format!("sort: {error}")))?;
        let prefix = json::prefix(&incoming)?;
        let (repositories, filter) = filter(&incoming)?;
        Ok(Request { prefix, repositories, filter, by, days, order, after: page.after, limit: page.limit })
    }
}

/// Reads of what alone is asked.
fn filter(incoming: &Incoming) -> Result<(Vec<RepositoryName>, TrafficFilter), Fault> {
    let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
    let no_image = |text: &str| wrong(format!("image={text:?} is neither a digest nor <repository>@<digest>"));
    let (mut repositories, mut filter) = (Vec::new(), TrafficFilter::default());
    if let Some(text) = incoming.query("repository") {
        let name = text.parse::<RepositoryName>().map_err(|error| wrong(format!("repository={text:?}: {error}")))?;
        repositories.push(name);
    }
    if let Some(text) = incoming.query("image") {
        let (name, digest) = text.rsplit_once('@').map_or((None, &*text), |(name, digest)| (Some(name), digest));
        if let Some(name) = name {
            repositories.push(name.parse::<RepositoryName>().map_err(|_| no_image(&text))?);
        }
        filter.digest = Some(digest.parse::<Digest>().map_err(|_| no_image(&text))?);
    }
    if let Some(text) = incoming.query("principal") {
        if !(1..=PRINCIPAL_BYTES_MAX).contains(&text.len()) || text.chars().any(char::is_control) {
            return Err(wrong("principal is no principal; write it as the audit names it".into()));
        }
        filter.principal = Some(text.to_string());
    }
    Ok((repositories, filter))
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
        let incoming = Incoming::new(Method::GET, &format!("/api/v1/traffic?{query}"));
        let mut reading = std::pin::pin!(Request::read(incoming));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => read,
            Poll::Pending => panic!("a query is read at once"),
        }
    }

    #[test]
    fn what_is_asked_is_read_from_the_query_of_the_address() {
        let request = read("prefix=team%2F&by=network&days=7&sort=last&limit=5").unwrap();
        let plain = read("").unwrap();

        assert_eq!((request.prefix.as_str(), request.by, request.days), ("team/", TrafficBy::Network, 7));
        assert_eq!((request.order.to_string().as_str(), request.limit), ("last", 5));
        assert_eq!((plain.by, plain.days, plain.order.to_string().as_str()), (TrafficBy::Repository, 30, "-pulls"));
    }

    #[test]
    fn a_repository_an_image_and_a_principal_can_be_asked_about_alone() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let request = read(&format!("image=team/app@{digest}&principal=arn:aws:iam::000000000000:user/ci")).unwrap();
        let plain = read(&format!("image={digest}&repository=zoo&by=day")).unwrap();

        let names = |request: &Request| request.repositories.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((names(&request), names(&plain)), (vec!["team/app".to_string()], vec!["zoo".to_string()]));
        assert_eq!(request.filter.digest, plain.filter.digest);
        assert_eq!(request.filter.principal.as_deref(), Some("arn:aws:iam::000000000000:user/ci"));
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for (query, says) in [
            ("by=team", "by=\"team\" is none"),
            ("days=0", "days=\"0\" is no number"),
            ("days=31", "days=\"31\" is no number"),
            ("sort=colour", "sort: there is no order"),
            ("prefix=Team", "prefix=\"Team\" is nothing"),
            ("image=v1", "image=\"v1\" is neither"),
            ("repository=Team", "repository=\"Team\": "),
            ("principal=", "principal is no principal"),
        ] {
            assert!(read(query).err().unwrap().message.starts_with(says), "{query}");
        }
    }
}

use crate::{
    found::{self, FoundFileDocument, FoundPackageDocument, Rooms},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{PackagePlace, PackageQuestion, Visible};
use gantry_scan::{PackageType, PathPattern, VersionRange, VersionRangeError, purl};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lists which packages all images hold, by name: each version once, with the images that hold it. Where it is asked for a file
/// alone, files that belong to no package come after the packages. It looks at images that were scanned and can be pulled, in the
/// repositories of whose findings the caller may ask; what was pushed a second ago may be missing.
#[derive(JsonSchema)]
pub struct ListPackages;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Only packages of this name, or built from a source package of this name; Maven's also without the group. `*` stands for
    /// any characters.
    #[schemars(extend("example" = "openssl"))]
    name: Option<String>,
    /// Only versions in this range, by the order of the package's kind: comparisons that must all hold, with `||` between
    /// alternatives.
    #[schemars(extend("example" = ">=3.0, <3.0.13"))]
    version: Option<String>,
    /// Only this package-url; without a version any.
    #[schemars(extend("example" = "pkg:npm/left-pad@1.3.0"))]
    purl: Option<String>,
    /// Only packages of this kind, in purl's word.
    #[serde(rename = "type")]
    #[schemars(extend("example" = "deb"))]
    kind: Option<String>,
    /// Only what is at this path, or named by the file there, such as `opt/app/*.jar`, or without a slash, what is in a file of this
    /// name; `*` stands for any characters, slashes too. Packages of a distribution are at the path of its database, and their
    /// files are not searched. Files that belong to no package are, if it is asked for neither name, version, purl nor type.
    #[schemars(extend("example" = "*/log4j-core-*.jar"))]
    file: Option<String>,
    /// Only in repositories whose name begins so.
    #[schemars(extend("example" = "team/"))]
    repository: Option<String>,
    /// What the page before gave as `next`; the first page without it.
    after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "json::page_default", range(min = 1, max = json::PAGE_MAX))]
    limit: usize,
}

/// What is asked, and which page.
pub struct Request {
    question: PackageQuestion,
    prefix: String,
    after: Option<String>,
    limit: usize,
}

/// A page of packages.
#[derive(Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PackagePage")]
pub struct Response {
    packages: Vec<FoundPackageDocument>,
    /// Files that belong to no package, after the last of the packages; missing where it is not asked for such.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<FoundFileDocument>")]
    files: Option<Vec<FoundFileDocument>>,
    /// How many images may have such files and are not searched for them: an earlier version scanned them, or one that shares a layer
    /// with them was scanned by a later one. Missing where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    images_without_files: Option<usize>,
    /// Whether there may be more files: an image has more than are kept, or too many layers may have what is asked for. Missing where
    /// it is not so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    files_truncated: bool,
    /// What to give as `after` for the next page; missing at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    next: Option<String>,
}

impl Operation for ListPackages {
    type Wire = Rest;
    const NAME: &'static str = "ListPackages";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/packages");
    type Needs = Rooms;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<Response>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to_list(action::ECR_DESCRIBE_IMAGE_SCAN_FINDINGS)]
    }

    async fn call(rooms: &Rooms, cx: &Cx, principal: &Principal, request: Request) -> Result<Response, Fault> {
        let (after_package, after_file) = match found::place::<Place>(rooms, cx, "", request.after)? {
            None => (None, None),
            Some(Place::Package(place)) => (Some(place), None),
            Some(Place::File(path)) => (None, Some(path)),
        };
        let visible = found::visible(rooms, cx, principal, &request.prefix).await?;
        let (mut response, mut next) = (Response::default(), None);
        if after_file.is_none() {
            let question = request.question.clone();
            let page = rooms.1.find_packages(visible.clone(), question, after_package, request.limit).await?;
            next = page.items.last().filter(|_| page.has_more).map(|last| Place::Package(last.place.clone()));
            response.packages = page.items.into_iter().map(FoundPackageDocument::from).collect();
        }
        if next.is_none() && let Some(pattern) = request.question.loose_files() {
            next = add_files(rooms, &mut response, visible, pattern, after_file, request.limit).await?;
        }
        response.next = next.map(|place| rooms.2.1.token(cx, "", &place));
        Ok(response)
    }
}

/// Where the list goes on.
#[derive(Serialize, Deserialize)]
enum Place {
    /// After this package.
    Package(PackagePlace),
    /// After the last package, and the file at this path.
    File(String),
}

/// Adds files that belong to no package, until the page is full; says where they go on.
async fn add_files(
    rooms: &Rooms,
    response: &mut Response,
    visible: Visible,
    pattern: &PathPattern,
    after: Option<String>,
    limit: usize,
) -> Result<Option<Place>, Fault> {
    let room = limit.saturating_sub(response.packages.len());
    if room == 0 {
        // No path comes before the empty one.
        return Ok(Some(Place::File(String::new())));
    }
    let found = rooms.1.find_files(visible, pattern.clone(), after, room).await?;
    let last = found.page.items.last().filter(|_| found.page.has_more);
    let next = last.map(|last| Place::File(last.path.clone()));
    response.images_without_files = Some(found.unknown_images).filter(|count| *count > 0);
    response.files_truncated = found.is_truncated;
    response.files = Some(found.page.items.into_iter().map(FoundFileDocument::from).collect());
    Ok(next)
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let page = json::page(&incoming)?;
        let wrong = |message: String| Fault::new(FaultKind::InvalidParameter, message);
        let text = |name: &str| incoming.query(name).map(String::from);
        let range = |text: String| {
            text.parse::<VersionRange>().map_err(|error: VersionRangeError| wrong(format!("version={text:?}: {error}")))
        };
        let url = |text: String| {
            let unknown = format!("purl={text:?} is no package-url of a kind that is known");
            purl::parse(&text).ok_or_else(|| wrong(unknown))
        };
        let kind = |text: String| {
            let known = PackageType::ALL.iter().find(|kind| kind.name() == text);
            known.copied().ok_or_else(|| {
                let names: Vec<_> = PackageType::ALL.iter().map(|kind| kind.name()).collect();
                wrong(format!("type={text:?} is none; there are {}", names.join(", ")))
            })
        };
        let question = PackageQuestion {
            name: text("name"),
            kind: text("type").map(kind).transpose()?,
            versions: text("version").map(range).transpose()?,
            purl: text("purl").map(url).transpose()?,
            file: text("file").map(|file| PathPattern::new(&file)),
        };
        Ok(Request { question, prefix: text("repository").unwrap_or_default(), after: page.after, limit: page.limit })
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

    fn read(query: &str) -> Result<Request, Fault> {
        let incoming = Incoming::new(Method::GET, &format!("/api/v1/packages?{query}"));
        let mut reading = std::pin::pin!(Request::read(incoming));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match std::future::Future::poll(reading.as_mut(), &mut cx) {
            std::task::Poll::Ready(read) => read,
            std::task::Poll::Pending => panic!("{query} has no body to wait for"),
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for query in ["version=~%3E1", "version=", "purl=left-pad", "type=exe", "limit=0"] {
            let Err(fault) = read(query) else { panic!("{query} was taken") };

            assert_eq!(fault.kind, FaultKind::InvalidParameter, "{query}");
        }
    }

    #[test]
    fn files_that_belong_to_no_package_are_asked_for_with_a_file_alone() {
        let asks = |query: &str| read(query).ok().is_some_and(|request| request.question.loose_files().is_some());

        assert!(asks("file=run.sh") && asks("file=*/kubectl&repository=team/&limit=3"));
        for query in ["name=openssl", "", "file=x&name=a", "file=x&type=deb", "file=x&purl=pkg:npm/a", "file=x&version=1"] {
            assert!(!asks(query), "{query}");
        }
    }

    #[test]
    fn a_question_is_read_as_it_was_written() {
        let request = read("name=openssl&version=%3E%3D3.0,%20%3C3.0.13&type=deb&file=usr/lib/*&repository=team/").unwrap();

        let wanted = PackageQuestion {
            name: Some("openssl".into()),
            kind: Some(PackageType::Deb),
            versions: Some(">=3.0, <3.0.13".parse().unwrap()),
            purl: None,
            file: Some(PathPattern::new("usr/lib/*")),
        };
        assert_eq!((request.question, request.prefix.as_str()), (wanted, "team/"));
    }
}

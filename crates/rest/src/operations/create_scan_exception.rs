use crate::{
    gates::{self, ScanExceptionDocument},
    json,
};
use gantry_access::{Access, Principal, action};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_findings::{Gates, NewException};
use gantry_words::{Cx, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Makes an exception from scan policies: a flaw, or a package, does not count for a while. Where a policy asks for two people,
/// it holds once somebody else has approved it.
#[derive(JsonSchema)]
pub struct CreateScanException;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// For which repositories: `*` for all, `team/*` for those below a prefix, `team/app` for one.
    #[schemars(extend("example" = "team/*"))]
    scope: String,
    /// For this image only.
    #[serde(default)]
    #[schemars(with = "String")]
    digest: Option<String>,
    /// The flaw, by any of its ids; any where it is not given. Licences are excepted by their package alone.
    #[serde(default)]
    #[schemars(with = "String", extend("example" = "CVE-2024-0727"))]
    vulnerability: Option<String>,
    /// The package, in which `*` stands for any text; any where it is not given.
    #[serde(default)]
    #[schemars(with = "String", extend("example" = "libssl*"))]
    package: Option<String>,
    /// Why.
    reason: String,
    /// Who answers for it; who makes it where nobody is named.
    #[serde(default)]
    #[schemars(with = "String")]
    owner: Option<String>,
    /// When it ceases to hold, RFC 3339. This or `holdsFor` is needed.
    #[serde(default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    ends_at: Option<Timestamp>,
    /// For how long it holds.
    #[serde(default)]
    #[schemars(with = "String", extend("example" = "30d"))]
    holds_for: Option<String>,
}

/// What it shall be.
pub struct Request {
    new: NewException,
    /// For how long it holds; an end that is given comes before.
    holds_for: Option<Duration>,
}

/// The exception.
pub struct Response(ScanExceptionDocument);

impl Operation for CreateScanException {
    type Wire = Rest;
    const NAME: &'static str = "CreateScanException";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/scan-exceptions");
    type Needs = Gates;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<ScanExceptionDocument>(StatusCode::CREATED);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::LimitExceeded]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::GANTRY_CREATE_SCAN_EXCEPTION)]
    }

    async fn call(gates: &Gates, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { mut new, holds_for } = request;
        if let Some(holds_for) = holds_for {
            new.ends_at = cx.now.plus(holds_for);
        }
        let made = gates.make_exception(cx, new).await?;
        Ok(Response(ScanExceptionDocument::of(&made, cx.now)))
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: Body = json::body(incoming).await?;
        let holds_for = body.holds_for.as_deref().map(gates::holds_for).transpose()?;
        if body.ends_at.is_some() == holds_for.is_some() {
            return Err(gates::wrong("an exception has an end: either endsAt or holdsFor".into()));
        }
        let new = NewException {
            scope: gates::parse_scope(&body.scope)?,
            digest: body.digest.as_deref().map(gates::digest).transpose()?,
            vulnerability: body.vulnerability,
            package: body.package,
            reason: body.reason,
            owner: body.owner,
            ends_at: body.ends_at.unwrap_or_default(),
        };
        Ok(Request { new, holds_for })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::CREATED, &self.0)
    }
}

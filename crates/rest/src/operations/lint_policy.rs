use crate::access::{LintDocument, PolicyFindingDocument, lint, policy_place};
use crate::json;
use gantry_access::{
    Access, Principal, action,
    policy::{Policy, PolicyPlace},
};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// Says what is wrong with a policy, or probably meant otherwise, and which users and roles that it names are not there. Nothing
/// is kept.
#[derive(JsonSchema)]
pub struct LintPolicy;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    /// Its text.
    policy: String,
    /// `identity`, `repository`, `registry`, `trust`, `key` or `account`; by how it reads where nothing is said.
    #[serde(default)]
    #[schemars(with = "String", extend("example" = "repository"))]
    kind: Option<String>,
}

/// The policy.
pub struct Request {
    text: String,
    place: PolicyPlace,
}

/// What is wrong with it.
pub struct Response(LintDocument);

impl Operation for LintPolicy {
    type Wire = Rest;
    const NAME: &'static str = "LintPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/access/lint");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<LintDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter]);
    }

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_GET_ACCOUNT_AUTHORIZATION_DETAILS)]
    }

    async fn call(accounts: &Accounts, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let Request { text, place } = request;
        let mut findings = lint(&text, place);
        if let Ok(policy) = Policy::parse(&text, place) {
            findings.extend(accounts.unknown_principals(cx.account, &policy).iter().map(|arn| unknown(&text, arn)));
            findings.sort_by_key(|finding| finding.line);
        }
        Ok(Response(LintDocument { findings }))
    }
}

fn unknown(text: &str, arn: &str) -> PolicyFindingDocument {
    let line = text.lines().position(|line| line.contains(arn)).map_or(1, |index| index + 1);
    let message = format!("there is no {arn}; the policy means nobody by it, also not whoever is made under that name later");
    PolicyFindingDocument { line, statement: None, severity: "warning".into(), message }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let body: Body = json::body(incoming).await?;
        let place = policy_place(body.kind.as_deref(), &body.policy).ok_or_else(|| {
            let kind = body.kind.unwrap_or_default();
            let message = format!("kind={kind:?} is none; it is identity, repository, registry, trust, key or account");
            Fault::new(FaultKind::InvalidParameter, message)
        })?;
        Ok(Request { text: body.policy, place })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

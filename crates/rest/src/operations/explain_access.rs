use crate::access::{AccessDecisionDocument, AccessExplanationDocument};
use crate::json;
use gantry_access::{Access, Arrival, Principal, policy::ImageKeys};
use gantry_accounts::{Accounts, AskedAbout, explained_accesses, explained_resource};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use http::StatusCode;
use schemars::JsonSchema;

/// Says whether somebody may do something, which statement decides, and what is missing where he may not: by the same decision
/// as that of a request that comes the way this one does.
#[derive(JsonSchema)]
pub struct ExplainAccess;

#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
struct Query {
    /// Who: `user/NAME`, `robot/NAME`, `role/NAME`, `root`, `anonymous`, or an ARN.
    #[schemars(extend("example" = "user/ci"))]
    principal: String,
    /// What: an action such as `ecr:PutImage`, or `pull`, `push`, `delete`.
    #[schemars(extend("example" = "push"))]
    action: String,
    /// To what: a repository, an ARN, or `*` for the registry as a whole.
    #[schemars(extend("example" = "team/app"))]
    resource: String,
    /// What else the request brings, as `key=value`; as often as there are values. Of the image of `gantry:ImageTag` or
    /// `gantry:ImageDigest` what scans found is looked up, and whether it is signed.
    context: Option<String>,
}

/// Who, what, and to what.
pub struct Request {
    principal: AskedAbout,
    asked: Question,
}

/// What is to be done to what.
pub(crate) struct Question {
    action: String,
    resource: String,
    context: Vec<(String, Vec<String>)>,
}

/// Why, or why not.
pub struct Response(AccessExplanationDocument);

impl Operation for ExplainAccess {
    type Wire = Rest;
    const NAME: &'static str = "ExplainAccess";
    const ROUTE: (&'static str, &'static str) = ("GET", "/api/v1/access/explain");
    type Needs = Accounts;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_query::<Query>();
        shape.answers::<AccessExplanationDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::NameInvalid, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, cx: &Cx) -> Vec<Access> {
        vec![request.principal.access(cx.account)]
    }

    async fn call(accounts: &Accounts, cx: &Cx, asker: &Principal, request: Request) -> Result<Response, Fault> {
        let principal = accounts.asked_about(cx.account, &request.principal, arrival(asker, cx))?;
        let needs = request.asked.needs(accounts, cx).await?;
        let besides: Vec<Access> = needs.iter().flat_map(|access| accounts.asked_besides(cx.account, access)).collect();
        let decisions: Vec<AccessDecisionDocument> =
            needs.iter().chain(&besides).map(|access| accounts.explain(&principal, access).into()).collect();
        Ok(Response(AccessExplanationDocument {
            principal: principal.arn.to_string(),
            is_allowed: decisions.iter().all(|decision| decision.is_allowed),
            notes: accounts.notes_about(&principal),
            decisions,
        }))
    }
}

/// How the request comes that is asked about: now, as this one does, and from a place that is not known.
pub(crate) fn arrival(asker: &Principal, cx: &Cx) -> Arrival {
    Arrival { source: None, is_secure: asker.arrival.is_secure, at: cx.now, user_agent: None, account: None }
}

impl Question {
    /// Reads `action`, `resource` and `context` of a query.
    pub(crate) fn read(incoming: &Incoming) -> Result<Self, Fault> {
        let mut context: Vec<(String, Vec<String>)> = Vec::new();
        for text in incoming.query_all("context") {
            let Some((key, value)) = text.split_once('=') else {
                let message = format!("context={text:?} is no key with a value; write it as aws:SourceIp=192.0.2.7");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            };
            match context.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
                Some((_, values)) => values.push(value.into()),
                None => context.push((key.into(), vec![value.into()])),
            }
        }
        Ok(Question { action: member(incoming, "action")?, resource: member(incoming, "resource")?, context })
    }

    /// What a request needs that does this. What is known of the image is looked up where its tag or digest is said.
    pub(crate) async fn needs(&self, accounts: &Accounts, cx: &Cx) -> Result<Vec<Access>, Fault> {
        let region = &accounts.site().region;
        let resource = explained_resource(&self.resource, &self.action, cx.account, region)?;
        let mut needs = explained_accesses(&self.action, &resource)?;
        for access in &mut needs {
            for (key, values) in &self.context {
                *access = access.clone().with(key.clone(), values.iter().map(String::as_str));
            }
        }
        accounts.look_up_images(cx, &mut needs, ImageKeys::ALL).await?;
        Ok(needs)
    }
}

/// Reads a member of the query that must be there.
pub(crate) fn member(incoming: &Incoming, name: &str) -> Result<String, Fault> {
    let found = incoming.query(name).filter(|text| !text.is_empty()).map(String::from);
    found.ok_or_else(|| Fault::new(FaultKind::InvalidParameter, format!("{name} is missing in the address")))
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let principal = AskedAbout::parse(&member(&incoming, "principal")?)?;
        Ok(Request { principal, asked: Question::read(&incoming)? })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        json::answer(StatusCode::OK, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn values_of_one_key_belong_together() {
        let path = "/api/v1/access/explain?action=pull&resource=a&context=aws:TagKeys=a&context=aws:tagkeys=b&context=x=1=2";
        let question = Question::read(&Incoming::new(Method::GET, path)).unwrap();

        let (tags, other) = (vec!["a".to_string(), "b".into()], vec!["1=2".to_string()]);
        assert_eq!(question.context, [("aws:TagKeys".to_string(), tags), ("x".to_string(), other)]);
    }

    #[test]
    fn what_is_missing_is_named() {
        for query in ["action=pull", "resource=a", "action=pull&resource=a&context=x"] {
            let incoming = Incoming::new(Method::GET, &format!("/api/v1/access/explain?{query}"));
            let fault = Question::read(&incoming).map(drop).unwrap_err();
            assert_eq!(fault.kind, FaultKind::InvalidParameter, "{query}");
        }
    }
}

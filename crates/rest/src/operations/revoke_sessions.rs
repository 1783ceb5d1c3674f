use crate::json;
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, RevokedSessions};
use gantry_api::{FromWire, Incoming, IntoWire, Operation, Outgoing, Rest, Shape};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Timestamp};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes the sessions of a role that began before a moment worth nothing, with all tokens and passwords made of them; within
/// seconds on every replica. Sessions that begin later are not concerned. A moment earlier than that of an earlier call
/// changes nothing.
#[derive(JsonSchema)]
pub struct RevokeSessions;

/// Of which role, and before when.
pub struct Request {
    role: String,
    before: Option<Timestamp>,
}

/// Before when.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Body {
    /// A time that is past (RFC 3339); now where it is left out.
    before: Option<String>,
}

/// What was revoked.
pub struct Response(RevokedSessions);

/// Sessions that are worth nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokedSessionsDocument {
    /// The ARN of the role.
    pub role: String,
    /// Those that began before.
    pub revoked_before: String,
}

impl Operation for RevokeSessions {
    type Wire = Rest;
    const NAME: &'static str = "RevokeSessions";
    const ROUTE: (&'static str, &'static str) = ("POST", "/api/v1/roles/{role}/revoke-sessions");
    type Needs = Identities;
    type Request = Request;
    type Response = Response;

    fn shape(shape: &mut Shape<'_>) {
        shape.says::<Self>();
        shape.takes_body::<Body>();
        shape.answers::<RevokedSessionsDocument>(StatusCode::OK);
        shape.refuses(&[FaultKind::InvalidParameter, FaultKind::InvalidInput, FaultKind::NoSuchEntity]);
    }

    fn access(request: &Request, _: &Cx) -> Vec<Access> {
        // What AWS asks for the same: it is done there by a policy that denies what began earlier.
        vec![Access::of(action::IAM_PUT_ROLE_POLICY, "iam", format!("role/{}", request.role))]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, request: Request) -> Result<Response, Fault> {
        let before = request.before.unwrap_or(cx.now);
        identities.revoke_sessions(cx, &request.role, before).await.map(Response)
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        let role = incoming.params.get("role").to_string();
        let body: Body = json::body(incoming).await?;
        let before = body.before.map(|text| moment(&text)).transpose()?;
        Ok(Request { role, before })
    }
}

fn moment(text: &str) -> Result<Timestamp, Fault> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        let message = format!("before is {shown:?}; write a time such as 2026-11-26T08:00:00Z");
        Fault::new(FaultKind::InvalidParameter, message)
    })
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        let document = RevokedSessionsDocument { role: self.0.role, revoked_before: self.0.before.to_string() };
        json::answer(StatusCode::OK, &document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_is_refused() {
        assert!(moment("2026-11-26T08:00:00Z").is_ok());
        assert_eq!(moment("yesterday").unwrap_err().kind, FaultKind::InvalidParameter);
    }
}

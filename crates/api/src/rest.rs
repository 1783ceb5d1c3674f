use crate::{Challenges, Outgoing, Payload, Refused, Wire};
use gantry_fault::{Detail, Fault, FaultKind};
use schemars::JsonSchema;
use serde::Serialize;

/// The management API at `/api/v1`: JSON in and out.
pub struct Rest;

/// Why a request was refused.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Refusal")]
pub(crate) struct Document<'a> {
    error: Item<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct Item<'a> {
    /// What kind of refusal it is.
    #[schemars(extend("enum" = codes()))]
    code: String,
    /// What happened, to what, and what to do.
    message: &'a str,
    /// What the log calls the request.
    request_id: String,
    /// Where in a text that was sent, such as a query, something is wrong: how many characters come before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    offset: Option<i64>,
    /// How many characters are wrong there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    length: Option<i64>,
}

/// Every code there is.
fn codes() -> Vec<String> {
    FaultKind::ALL.iter().map(|kind| format!("{kind:?}")).collect()
}

/// A number that a refusal has beside its message.
fn number(fault: &Fault, member: &str) -> Option<i64> {
    fault.members.iter().find_map(|(name, detail)| match detail {
        Detail::Number(number) if *name == member => Some(*number),
        Detail::Number(_) | Detail::Text(_) => None,
    })
}

impl Wire for Rest {
    const NAME: &'static str = "rest";
    const READS_BODY: bool = true;
    const CHALLENGES: Challenges = Challenges::Basic;

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        let item = Item {
            code: format!("{:?}", refused.fault.kind),
            message: &refused.fault.message,
            request_id: refused.request_id.to_string(),
            offset: number(refused.fault, "offset"),
            length: number(refused.fault, "length"),
        };
        let body = serde_json::to_vec(&Document { error: item }).expect("strings become JSON");
        Outgoing { status: refused.status(), headers: refused.headers(), body: Payload::Bytes(body.into()) }
    }
}

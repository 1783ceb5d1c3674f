use crate::{Challenges, Outgoing, Payload, Refused, Wire};
use gantry_fault::FaultKind;
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
}

/// Every code there is.
fn codes() -> Vec<String> {
    FaultKind::ALL.iter().map(|kind| format!("{kind:?}")).collect()
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
        };
        let body = serde_json::to_vec(&Document { error: item }).expect("strings become JSON");
        Outgoing { status: refused.status(), headers: refused.headers(), body: Payload::Bytes(body.into()) }
    }
}

use crate::{Challenges, Outgoing, Payload, Refused, Wire};
use serde::Serialize;

/// The management API at `/api/v1`: JSON in and out.
pub struct Rest;

#[derive(Serialize)]
struct Document<'a> {
    error: Item<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    code: String,
    message: &'a str,
    request_id: String,
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

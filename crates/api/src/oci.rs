use crate::{Challenges, Outgoing, Payload, Refused, Wire};
use gantry_words::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

/// OCI Distribution 1.1.1: addresses, headers and streams; each request type reads itself.
pub struct Oci;

#[derive(Serialize)]
struct Document<'a> {
    errors: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    code: &'a str,
    message: &'a str,
}

impl Wire for Oci {
    const NAME: &'static str = "oci-distribution";
    const READS_BODY: bool = false;
    const CHALLENGES: Challenges = Challenges::BearerAndBasic;
    const ACCOUNT_BY_HOST: bool = true;

    fn refuse(refused: &Refused<'_>) -> Outgoing {
        let item = Item { code: refused.fault.kind.row().oci, message: &refused.fault.message };
        let body = serde_json::to_vec(&Document { errors: [item] }).expect("strings become JSON");
        Outgoing { status: refused.status(), headers: refused.headers(), body: Payload::Bytes(body.into()) }
    }

    fn dress(headers: &mut HeaderMap, _: RequestId) {
        const VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
        headers.insert(VERSION, HeaderValue::from_static("registry/2.0"));
    }
}

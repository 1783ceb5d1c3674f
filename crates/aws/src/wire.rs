//! How requests and answers look: JSON 1.1 for ECR, KMS and Secrets Manager, the query protocol for STS and IAM.

mod iam;
mod json;
mod members;
mod query;

pub(crate) use iam::{Filled, IamQuery, Reply};
pub(crate) use json::{Answer, Asked, AwsJson, DONE, Empty, KmsJson, SecretsJson};
pub(crate) use query::{AwsQuery, Form, MAP_ENTRY, Xml};

use gantry_fault::FaultKind;
use gantry_words::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Puts the request's id where AWS's clients look for it.
fn dress(headers: &mut HeaderMap, request_id: RequestId) {
    if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
}

/// The status of a refusal. AWS's clients go by the type in the body; by a status from 500 on they try again, many times.
fn status(kind: FaultKind) -> StatusCode {
    let status = match kind {
        // Nobody who speaks these protocols asks for what does not exist.
        FaultKind::RouteNotFound => 404,
        FaultKind::MethodNotAllowed => 405,
        FaultKind::Unavailable => 503,
        FaultKind::Internal => 500,
        _ => 400,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
}

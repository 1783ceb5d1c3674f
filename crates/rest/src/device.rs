//! What both operations of the device flow do with body and answer.

use crate::json;
use gantry_api::{Incoming, Outgoing, form};
use gantry_fault::{Fault, FaultKind};
use http::{HeaderValue, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

const FORM_BYTES_MAX: usize = 16 * 1024;

/// Reads a body in JSON, or a form as RFC 8628 has it.
pub(crate) async fn body<T: DeserializeOwned>(incoming: Incoming) -> Result<T, Fault> {
    let is_form =
        incoming.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return json::body(incoming).await;
    }
    let fields = form(&incoming.body.collect(FORM_BYTES_MAX).await?);
    let members: Map<String, Value> = fields.into_iter().map(|(name, value)| (name, value.into())).collect();
    serde_json::from_value(members.into())
        .map_err(|error| Fault::new(FaultKind::Malformed, format!("the form: {error}")))
}

/// The same answer, to be kept by nobody on the way (RFC 6749 section 5.1).
pub(crate) fn unkept(mut answer: Outgoing) -> Outgoing {
    answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

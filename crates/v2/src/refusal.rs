use gantry_api::{BodyError, Outgoing, Payload};
use gantry_fault::{Fault, FaultKind};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A refusal in the specification's shape that carries more than a [`Fault`] does: `detail`, and headers to be added.
///
/// Whoever answers so says which it is in `IntoWire::refusal`, so that it is counted.
pub(crate) fn refusal(kind: FaultKind, message: &str, detail: &serde_json::Value) -> Outgoing {
    let row = kind.row();
    let document = serde_json::json!({"errors": [{"code": row.oci, "message": message, "detail": detail}]});
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let status = StatusCode::from_u16(row.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Outgoing { status, headers, body: Payload::Bytes(document.to_string().into()) }
}

/// A body that was too slow is the client's line, not an invalid upload: 408 says that the same may be tried again.
pub(crate) fn of_upload(fault: Fault) -> Fault {
    let cause = fault.source.as_ref().and_then(|source| source.downcast_ref::<BodyError>());
    let Some(error @ (BodyError::Stalled { .. } | BodyError::Slow { .. })) = cause else { return fault };
    let message = format!("{error}. What came of an upload is kept: ask for its status");
    Fault { kind: FaultKind::RequestTimeout, message, ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_was_too_slow_is_no_invalid_upload() {
        let of = |error: BodyError| of_upload(Fault::new(FaultKind::UploadInvalid, "it ended").because(error)).kind;

        assert_eq!(of(BodyError::Stalled { seconds: 60 }), FaultKind::RequestTimeout);
        assert_eq!(of(BodyError::Slow { bytes_per_second: 128 }), FaultKind::RequestTimeout);
        assert_eq!(of(BodyError::Broken("gone".into())), FaultKind::UploadInvalid);
        assert_eq!(of_upload(Fault::new(FaultKind::StorageFull, "full")).kind, FaultKind::StorageFull);
    }
}

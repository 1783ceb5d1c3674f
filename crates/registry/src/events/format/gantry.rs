//! Gantry's own words: `id`, `at`, `kind`, `account`, `repository`, `body`, and `eventBridge` where a scan has written it.

use super::{EVENT_BRIDGE, FeedEvent, own_body};
use serde_json::{Value, json};

pub(super) fn write(event: &FeedEvent) -> Vec<Value> {
    let mut document = json!({
        // As text: readers of JSON take numbers for floating ones, which are not so exact.
        "id": event.id.to_string(),
        "at": event.at,
        "kind": event.kind,
        "account": event.account,
        "repository": event.repository,
        "body": own_body(event),
    });
    let envelope = &event.body[EVENT_BRIDGE];
    if !envelope.is_null() {
        document[EVENT_BRIDGE] = envelope.clone();
    }
    vec![document]
}

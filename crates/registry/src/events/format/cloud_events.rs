//! CloudEvents 1.0.2 in the JSON format, structured.

use super::{FeedEvent, own_body};
use serde_json::{Value, json};

pub(super) fn write(event: &FeedEvent) -> Vec<Value> {
    let FeedEvent { id, at, kind, account, region, repository, body: _ } = event;
    let source = match repository {
        Some(name) => format!("arn:aws:ecr:{region}:{account}:repository/{name}"),
        None => format!("arn:aws:ecr:{region}:{account}:registry"),
    };
    let mut document = json!({
        "specversion": "1.0",
        "id": id.to_string(),
        "source": source,
        "type": format!("dev.gantry.{kind}.v1"),
        "time": at,
        "datacontenttype": "application/json",
        "data": own_body(event),
    });
    if let Some(subject) = subject(event) {
        document["subject"] = subject;
    }
    vec![document]
}

/// What within the source it is about: an image's digest, or a tag.
fn subject(event: &FeedEvent) -> Option<Value> {
    let named = |name: &str| event.body.get(name).filter(|value| value.is_string());
    match event.kind.starts_with("tag.") {
        true => named("tag").cloned(),
        false => named("digest").cloned(),
    }
}

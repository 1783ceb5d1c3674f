//! The envelopes of EventBridge: those that scans have written, and `ECR Image Action` for pushes and deletions.

use super::{EVENT_BRIDGE, FeedEvent};
use serde_json::{Value, json};

pub(super) fn write(event: &FeedEvent) -> Vec<Value> {
    let envelope = &event.body[EVENT_BRIDGE];
    if !envelope.is_null() {
        return vec![envelope.clone()];
    }
    match event.kind.as_str() {
        // That its tags were set is told of each of them.
        "image.pushed" if tags(event).is_empty() => {
            let mut detail = action(event, "PUSH", &event.body["digest"], None);
            for (member, said) in [("manifest-media-type", "mediaType"), ("artifact-media-type", "artifactType")] {
                if let Some(media_type) = event.body[said].as_str() {
                    detail[member] = json!(media_type);
                }
            }
            vec![enclose(event, 0, detail)]
        }
        "tag.moved" => vec![enclose(event, 0, action(event, "PUSH", &event.body["digest"], Some(&event.body["tag"])))],
        "tag.removed" => {
            vec![enclose(event, 0, action(event, "DELETE", &event.body["previous"], Some(&event.body["tag"])))]
        }
        "image.removed" => removed(event),
        _ => Vec::new(),
    }
}

/// One for each tag that the image had, as ECR does; one for an image without.
fn removed(event: &FeedEvent) -> Vec<Value> {
    let digest = &event.body["digest"];
    match tags(event) {
        [] => vec![enclose(event, 0, action(event, "DELETE", digest, None))],
        tags => {
            let one = |(index, tag)| enclose(event, index, action(event, "DELETE", digest, Some(tag)));
            tags.iter().enumerate().map(one).collect()
        }
    }
}

fn tags(event: &FeedEvent) -> &[Value] {
    event.body["tags"].as_array().map_or(&[], Vec::as_slice)
}

fn action(event: &FeedEvent, action: &str, digest: &Value, tag: Option<&Value>) -> Value {
    let mut detail = json!({
        "result": "SUCCESS",
        "repository-name": event.repository,
        "image-digest": digest,
        "action-type": action,
    });
    if let Some(tag) = tag {
        detail["image-tag"] = tag.clone();
    }
    detail
}

fn enclose(event: &FeedEvent, index: usize, detail: Value) -> Value {
    json!({
        "version": "0",
        "id": id_of(event.id, index),
        "detail-type": "ECR Image Action",
        "source": "aws.ecr",
        "account": event.account,
        "time": whole_seconds(&event.at.to_string()),
        "region": event.region.as_str(),
        "resources": [],
        "detail": detail,
    })
}

/// A UUID (RFC 9562, version 8) that is the same each time the event is told: its id, and which of its envelopes it is.
fn id_of(id: i64, index: usize) -> String {
    let (id, index) = (id.cast_unsigned(), index as u64 & 0xffff_ffff);
    let (high, middle, low) = (id >> 16, id >> 4 & 0xfff, id & 0xf);
    let last = low << 32 | index;
    format!("{:08x}-{:04x}-8{middle:03x}-8000-{last:012x}", high >> 16, high & 0xffff)
}

/// RFC 3339 in UTC without fractions, as EventBridge writes it.
fn whole_seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_string(), |(seconds, _)| format!("{seconds}Z"))
}

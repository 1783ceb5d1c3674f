use super::*;
use gantry_words::{AccountId, Region, Timestamp};
use serde_json::json;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn event(kind: &str, body: Value) -> FeedEvent {
    FeedEvent {
        id: 0x1234_5678_9abc_def0,
        at: Timestamp::from_millis(1_800_000_000_123),
        kind: kind.into(),
        account: AccountId::DEFAULT,
        region: Region::default(),
        repository: Some("team/app".into()),
        body,
    }
}

fn written(format: &str, event: &FeedEvent) -> Vec<Value> {
    EventFormat::find(format).unwrap().write(event)
}

/// Action, digest and tag of envelopes.
fn actions(kind: &str, body: Value) -> Vec<Value> {
    let envelopes = written("eventbridge", &event(kind, body));
    envelopes.into_iter().map(|mut envelope| envelope["detail"].take()).collect()
}

#[test]
fn an_event_in_gantrys_words_has_its_id_as_text_and_the_envelope_beside_its_body() {
    let envelope = json!({"detail-type": "ECR Image Scan"});

    let scanned = written("gantry", &event("image.scanned", json!({"digest": DIGEST, "eventBridge": envelope})));
    let failed = written("gantry", &event("image.scanned", json!({"digest": DIGEST, "eventBridge": null})));

    let expected = json!({
        "id": "1311768467463790320", "at": "2027-01-15T08:00:00.123Z", "kind": "image.scanned",
        "account": "000000000000", "repository": "team/app", "body": {"digest": DIGEST}, "eventBridge": envelope,
    });
    assert_eq!(scanned, [expected]);
    assert_eq!((failed[0].get("eventBridge"), &failed[0]["body"]), (None, &json!({"digest": DIGEST})));
}

#[test]
fn a_tag_that_is_set_is_a_push_in_the_envelope_of_eventbridge() {
    let written =
        written("eventbridge", &event("tag.moved", json!({"repository": "team/app", "tag": "v1", "digest": DIGEST})));

    let expected = json!({
        "version": "0", "id": "12345678-9abc-8def-8000-000000000000", "detail-type": "ECR Image Action",
        "source": "aws.ecr", "account": "000000000000", "time": "2027-01-15T08:00:00Z",
        "region": Region::default().as_str(), "resources": [],
        "detail": {"result": "SUCCESS", "repository-name": "team/app", "image-digest": DIGEST, "action-type": "PUSH", "image-tag": "v1"},
    });
    assert_eq!(written, [expected]);
}

#[test]
fn an_image_that_is_pushed_with_tags_is_told_by_them_and_one_without_by_itself() {
    let media_type = "application/vnd.oci.image.manifest.v1+json";

    let with_tags = actions("image.pushed", json!({"digest": DIGEST, "tags": ["v1"], "mediaType": media_type}));
    let without =
        actions("image.pushed", json!({"digest": DIGEST, "tags": [], "mediaType": media_type, "artifactType": null}));

    assert_eq!(with_tags, Vec::<Value>::new());
    let expected = json!({
        "result": "SUCCESS", "repository-name": "team/app", "image-digest": DIGEST, "action-type": "PUSH",
        "manifest-media-type": media_type,
    });
    assert_eq!(without, [expected]);
}

#[test]
fn an_image_that_is_deleted_is_told_once_for_each_of_its_tags() {
    let action = |tag: Option<&str>| {
        let mut action = json!({
            "result": "SUCCESS", "repository-name": "team/app", "image-digest": DIGEST, "action-type": "DELETE",
        });
        if let Some(tag) = tag {
            action["image-tag"] = json!(tag);
        }
        action
    };

    let tagged = actions("image.removed", json!({"digest": DIGEST, "tags": ["v1", "v2"]}));
    let untagged = actions("image.removed", json!({"digest": DIGEST, "tags": []}));
    let tag = actions("tag.removed", json!({"tag": "v1", "previous": DIGEST}));

    assert_eq!(tagged, [action(Some("v1")), action(Some("v2"))]);
    assert_eq!(untagged, [action(None)]);
    assert_eq!(tag, [action(Some("v1"))]);
}

#[test]
fn envelopes_of_one_event_have_ids_of_their_own() {
    let removed = event("image.removed", json!({"digest": DIGEST, "tags": ["v1", "v2"]}));

    let first = written("eventbridge", &removed);
    let again = written("eventbridge", &removed);

    assert_ne!(first[0]["id"], first[1]["id"]);
    assert_eq!(first, again, "whenever it is told");
}

#[test]
fn what_eventbridge_has_no_words_for_is_left_out_there() {
    assert_eq!(written("eventbridge", &event("image.held", json!({"digest": DIGEST}))), Vec::<Value>::new());
    assert_eq!(written("eventbridge", &event("finding.gone", json!({"eventBridge": null}))), Vec::<Value>::new());
}

#[test]
fn every_event_is_a_cloud_event() {
    let held = written("cloudevents", &event("image.held", json!({"digest": DIGEST, "eventBridge": {}})));
    let account = FeedEvent { repository: None, ..event("quota.removed", json!({"scope": "*"})) };
    let account = written("cloudevents", &account);

    let region = Region::default();
    let expected = json!({
        "specversion": "1.0", "id": "1311768467463790320", "type": "dev.gantry.image.held.v1", "subject": DIGEST,
        "source": format!("arn:aws:ecr:{region}:000000000000:repository/team/app"), "time": "2027-01-15T08:00:00.123Z",
        "datacontenttype": "application/json", "data": {"digest": DIGEST},
    });
    assert_eq!(held, [expected]);
    assert_eq!(account[0]["source"], json!(format!("arn:aws:ecr:{region}:000000000000:registry")));
    assert_eq!(account[0].get("subject"), None);
}

#[test]
fn there_is_no_format_of_another_name() {
    assert!(EventFormat::find("harbor").is_none());
}

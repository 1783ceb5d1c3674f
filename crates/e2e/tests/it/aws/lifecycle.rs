use super::Boto;
use gantry_e2e::{Image, Server};
use serde_json::{Value, json};

const INVALID: &str = "InvalidParameterException";
const TWO: &str = r#"{"rules": [{"rulePriority": 1, "description": "keep two", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}, "action": {"type": "expire"}}]}"#;

fn server() -> (Server, Boto) {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]);
    let boto = Boto::of(&server);
    (server, boto)
}

/// A policy with one rule.
fn policy(selection: &Value, action: &Value) -> String {
    json!({"rules": [{"rulePriority": 3, "description": "what this test is about, at length", "selection": selection, "action": action}]})
        .to_string()
}

#[test]
fn a_preview_tells_what_would_go_and_changes_nothing() {
    let (mut server, mut boto) = server();
    let pushed: Vec<_> = (0..5).map(Image::small).collect();
    for (number, image) in pushed.iter().enumerate() {
        image.push(&server.client(), "team/app", &format!("v{number}")).unwrap();
    }
    let name = json!({"repositoryName": "team/app"});

    assert_eq!(
        boto.refused("get_lifecycle_policy_preview", name.clone()).code,
        "LifecyclePolicyPreviewNotFoundException"
    );
    assert_eq!(boto.refused("start_lifecycle_policy_preview", name.clone()).code, "LifecyclePolicyNotFoundException");
    let started =
        boto.done("start_lifecycle_policy_preview", json!({"repositoryName": "team/app", "lifecyclePolicyText": TWO}));
    assert_eq!((&started["status"], &started["lifecyclePolicyText"]), (&json!("IN_PROGRESS"), &json!(TWO)));
    Image::small(99).push(&server.client(), "team/app", "later").unwrap();
    server.restart();
    let preview = boto.done("get_lifecycle_policy_preview", name.clone());

    assert_eq!(preview["status"], "COMPLETE");
    assert_eq!(
        preview["summary"],
        json!({"expiringImageTotalCount": 3, "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 0}]})
    );
    let gone: Vec<_> = preview["previewResults"].as_array().unwrap().iter().map(|image| &image["imageTags"]).collect();
    assert_eq!(gone, [&json!(["v0"]), &json!(["v1"]), &json!(["v2"])]);
    let first = &preview["previewResults"][0];
    assert_eq!(
        (&first["action"], &first["appliedRulePriority"], &first["storageClass"]),
        (&json!({"type": "EXPIRE"}), &json!(1), &json!("STANDARD"))
    );
    assert_eq!(boto.done("list_images", name.clone())["imageIds"].as_array().unwrap().len(), 6);

    // Its pages, its filters, and single images.
    let page = boto.done("get_lifecycle_policy_preview", json!({"repositoryName": "team/app", "maxResults": 2}));
    assert_eq!(page["previewResults"].as_array().unwrap().len(), 2);
    let next = &page["nextToken"];
    let rest = boto.done(
        "get_lifecycle_policy_preview",
        json!({"repositoryName": "team/app", "maxResults": 2, "nextToken": next}),
    );
    assert_eq!((rest["previewResults"].as_array().unwrap().len(), &rest["nextToken"]), (1, &Value::Null));
    let untagged = json!({"repositoryName": "team/app", "filter": {"tagStatus": "UNTAGGED"}});
    assert_eq!(boto.done("get_lifecycle_policy_preview", untagged)["previewResults"], json!([]));
    let one = json!({"repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}, {"imageTag": "v4"}]});
    assert_eq!(boto.done("get_lifecycle_policy_preview", one)["previewResults"].as_array().unwrap().len(), 1);
    let foreign = json!({"repositoryName": "team/app", "nextToken": "x"});
    assert_eq!(boto.refused("get_lifecycle_policy_preview", foreign).code, INVALID);
}

#[test]
fn a_preview_takes_the_policy_of_the_repository_where_none_is_given() {
    let (server, mut boto) = server();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    boto.done("put_lifecycle_policy", json!({"repositoryName": "team/app", "lifecyclePolicyText": TWO}));

    boto.done("start_lifecycle_policy_preview", json!({"repositoryName": "team/app"}));

    let preview = boto.done("get_lifecycle_policy_preview", json!({"repositoryName": "team/app"}));
    assert_eq!((&preview["lifecyclePolicyText"], &preview["previewResults"]), (&json!(TWO), &json!([])));
}

#[test]
fn a_policy_that_is_wrong_is_refused_by_rule_and_member() {
    let (server, mut boto) = server();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let expire = json!({"type": "expire"});

    for (selection, action, words) in [
        (json!({"tagStatus": "any", "countType": "imageCountMoreThan"}), &expire, "countNumber"),
        (
            json!({"tagStatus": "tagged", "countType": "imageCountMoreThan", "countNumber": 1}),
            &expire,
            "tagPatternList",
        ),
        (
            json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}),
            &json!({"type": "delete"}),
            "action",
        ),
        (
            json!({"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 9}),
            &expire,
            "lifecycle.expire_since_pulled",
        ),
    ] {
        let text = policy(&selection, action);
        for operation in ["put_lifecycle_policy", "start_lifecycle_policy_preview"] {
            let refused =
                boto.refused(operation, json!({"repositoryName": "team/app", "lifecyclePolicyText": text.clone()}));
            assert_eq!(refused.code, INVALID);
            assert!(refused.message.contains("rule 3") && refused.message.contains(words), "{refused:?}");
        }
    }
}

#[test]
fn what_people_write_as_archive_comes_back_as_transition() {
    let (server, mut boto) = server();
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let selection =
        json!({"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90});
    let text = policy(&selection, &json!({"type": "archive", "targetStorageClass": "archive"}));

    let put = boto.done("put_lifecycle_policy", json!({"repositoryName": "team/app", "lifecyclePolicyText": text}));

    let kept: Value = serde_json::from_str(put["lifecyclePolicyText"].as_str().unwrap()).unwrap();
    assert_eq!(kept["rules"][0]["action"], json!({"type": "transition", "targetStorageClass": "archive"}));
}

#[test]
fn a_site_may_let_policies_expire_what_nobody_pulls() {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "true"), ("GANTRY_LIFECYCLE__EXPIRE_SINCE_PULLED", "true")]);
    let mut boto = Boto::of(&server);
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let selection = json!({"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 9});
    let text = policy(&selection, &json!({"type": "expire"}));

    boto.done("start_lifecycle_policy_preview", json!({"repositoryName": "team/app", "lifecyclePolicyText": text}));

    let preview = boto.done("get_lifecycle_policy_preview", json!({"repositoryName": "team/app"}));
    assert_eq!(preview["lifecyclePolicyText"], text);
}

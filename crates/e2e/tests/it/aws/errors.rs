//! Each operation of the service model: a call that is answered, and each error that the model lists for it.

mod table;

use super::Boto;
use gantry_e2e::Server;
use serde_json::{Map, Value, json};
use table::{Row, World};

/// An error of the model that nothing can provoke: in these operations, or where there are none in all.
type Excuse = (&'static str, &'static [&'static str], &'static str);

/// Errors that the model lists and that cannot arise here, with the reason.
const EXCUSES: &[Excuse] = &[
    ("ServerException", &[], "our own failure, which no client can bring about"),
    ("ValidationException", &[], "what is wrong with a parameter is an InvalidParameterException in all operations"),
    (
        "KmsException",
        &["complete_layer_upload", "delete_repository", "initiate_layer_upload", "put_image", "upload_layer_part"],
        "it takes a key that is switched off, as the tests of encryption do",
    ),
    ("UnableToGetUpstreamImageException", &[], "nothing is fetched from upstreams yet"),
    ("UnableToGetUpstreamLayerException", &[], "nothing is fetched from upstreams yet"),
    ("UnableToListUpstreamImageReferrersException", &[], "nothing is fetched from upstreams yet"),
    ("UnableToAccessSecretException", &[], "nothing is fetched from upstreams yet"),
    ("UnableToDecryptSecretValueException", &[], "nothing is fetched from upstreams yet"),
    ("UnsupportedUpstreamRegistryException", &[], "every registry may be an upstream"),
    ("BlockedByOrganizationPolicyException", &[], "accounts belong to no organisation"),
    ("LayerPartTooSmallException", &[], "a part may be as small as one likes"),
    ("LayerInaccessibleException", &[], "a layer that is there can be read, or that is our own failure"),
    ("UnsupportedImageTypeException", &[], "until there is a scanner, there is no image that it does not understand"),
    ("LifecyclePolicyPreviewInProgressException", &[], "a preview is made before its start is answered"),
    ("ReplicationBackfillInProgressException", &[], "a backfill ends at once, until there is replication"),
    (
        "LimitExceededException",
        &[
            "batch_get_image",
            "create_repository",
            "deregister_pull_time_update_exclusion",
            "list_pull_time_update_exclusions",
            "put_account_setting",
            "start_replication_backfill",
        ],
        "this has no limit",
    ),
    ("LimitExceededException", &["put_image", "upload_layer_part"], "only a full disk ends so"),
    (
        "RepositoryNotFoundException",
        &["batch_get_repository_scanning_configuration"],
        "what is not there is told among the failures",
    ),
    (
        "InvalidParameterException",
        &[
            "delete_registry_policy",
            "describe_registry",
            "get_registry_policy",
            "get_registry_scanning_configuration",
            "get_signing_configuration",
        ],
        "it has no parameters",
    ),
    ("InvalidTagParameterException", &["untag_resource"], "a key that no tag has is none that could be removed"),
    ("TooManyTagsException", &["untag_resource"], "the fewer the better"),
];

/// How a call is refused: the exception, and what of the good call's arguments is other.
type Case = (&'static str, Value);

#[test]
fn every_operation_is_answered_and_refused_as_its_model_says() {
    let server = Server::start();
    let mut boto = Boto::of(&server);
    let model = boto.model("ecr");
    let rows = table::rows(&World::make(&server, &mut boto));
    let cases: Vec<Vec<Case>> = rows.iter().map(|row| cases(row, &model[row.operation])).collect();
    assert_eq!(without(&rows, &cases, &model), Vec::<String>::new());

    let mut wrong = Vec::new();
    for (row, cases) in rows.iter().zip(&cases) {
        for (code, change) in cases {
            let said = boto.ecr(row.operation, merged(&row.good, change)).map_err(|refused| refused.code);
            if said != Err((*code).to_string()) {
                wrong.push(format!("{} with {change}: {said:?} in place of {code}", row.operation));
            }
        }
    }
    for row in rows.iter().filter(|row| row.is_answered) {
        if let Err(refused) = boto.ecr(row.operation, row.good.clone()) {
            wrong.push(format!("{} {}: {refused:?}", row.operation, row.good));
        }
    }
    for row in &rows {
        if let Some((most, arguments)) = row.limit {
            // By now one is there, of those that the world began with.
            let mut said = (1..=most).map(|number| boto.ecr(row.operation, arguments(number)));
            let refused = said.by_ref().enumerate().find_map(|(made, said)| Some((made, said.err()?.code)));
            if refused != Some((most - 1, "LimitExceededException".into())) {
                wrong.push(format!("{}, of which there may be {most}: {refused:?}", row.operation));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The cases of a row, and those that the members of the request bring with them.
fn cases(row: &Row, model: &Value) -> Vec<Case> {
    let has = |what: &str, name: &str| model[what].as_array().is_some_and(|names| names.contains(&json!(name)));
    let mut cases = row.refused.clone();
    for (member, value) in [("registryId", json!("1")), ("maxResults", json!(0)), ("nextToken", json!("x"))] {
        if has("members", member) {
            cases.push(("InvalidParameterException", json!({member: value})));
        }
    }
    if has("members", "repositoryName") && has("errors", "RepositoryNotFoundException") {
        cases.push(("RepositoryNotFoundException", json!({"repositoryName": "team/none"})));
    }
    cases
}

/// Arguments with some of them changed; what is changed to null is left out.
fn merged(good: &Value, change: &Value) -> Value {
    let members = [good, change].into_iter().flat_map(|value| value.as_object().cloned().unwrap_or_default());
    members.collect::<Map<_, _>>().into()
}

/// Says what the table leaves out of the model, and what it excuses without need.
fn without(rows: &[Row], cases: &[Vec<Case>], model: &Value) -> Vec<String> {
    let is_tried = |operation: &str, error: &str| {
        let of = |row: &Row, cases: &[Case]| {
            let is_case = cases.iter().any(|(code, _)| *code == error);
            row.operation == operation && (is_case || (row.limit.is_some() && error == "LimitExceededException"))
        };
        rows.iter().zip(cases).any(|(row, cases)| of(row, cases))
    };
    let excuses = |excuse: &Excuse, operation: &str, error: &str| {
        excuse.0 == error && (excuse.1.is_empty() || excuse.1.contains(&operation))
    };
    let (mut left, mut used) = (Vec::new(), vec![false; EXCUSES.len()]);
    for (operation, said) in model.as_object().unwrap() {
        if !rows.iter().any(|row| row.operation == operation) {
            left.push(format!("{operation} is not called"));
        }
        for error in said["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()) {
            let excuse = EXCUSES.iter().position(|excuse| excuses(excuse, operation, error));
            match (is_tried(operation, error), excuse) {
                (false, None) => left.push(format!("{operation} never ends with {error}")),
                (true, Some(_)) => left.push(format!("{operation} ends with {error}, which is said to be impossible")),
                (false, Some(at)) => used[at] = true,
                (true, None) => (),
            }
        }
    }
    left.extend(EXCUSES.iter().zip(used).filter(|(_, used)| !used).map(|(excuse, _)| format!("{excuse:?} is no use")));
    left
}

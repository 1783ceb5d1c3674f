use super::Boto;
use gantry_e2e::{Image, Server};
use serde_json::{Value, json};

/// Walks a list to its end, `count` at a time; returns the pages.
fn walk(boto: &mut Boto, operation: &str, arguments: Value, items: &str, count: u64) -> Vec<Vec<Value>> {
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let mut arguments = arguments.clone();
        arguments["maxResults"] = count.into();
        if let Some(token) = &token {
            arguments["nextToken"] = Value::clone(token);
        }
        let answer = boto.done(operation, arguments);
        pages.push(answer[items].as_array().unwrap().clone());
        token = answer.get("nextToken").cloned();
        if token.is_none() {
            return pages;
        }
    }
}

#[test]
fn repositories_come_by_name_and_a_token_outlives_a_crash() {
    let mut server = Server::start();
    let mut boto = Boto::of(&server);
    for number in 0..5 {
        boto.done("create_repository", json!({"repositoryName": format!("team/app{number}")}));
    }

    let first = boto.done("describe_repositories", json!({"maxResults": 2}));
    server.restart();
    let second = boto.done("describe_repositories", json!({"maxResults": 2, "nextToken": first["nextToken"]}));

    let names = |answer: &Value| {
        let items = answer["repositories"].as_array().unwrap().clone();
        items.iter().map(|item| item["repositoryName"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&first), names(&second)),
        (vec!["team/app0".into(), "team/app1".into()], vec!["team/app2".into(), "team/app3".into()])
    );
    let sizes: Vec<_> =
        walk(&mut boto, "describe_repositories", json!({}), "repositories", 2).iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[test]
fn images_come_in_pages_each_once() {
    let server = Server::start();
    let mut boto = Boto::of(&server);
    let mut digests = Vec::new();
    for number in 0..7 {
        let image = Image::small(number);
        // Three keep a tag; of the others each takes `moving` away from the one before.
        let tag = if number < 3 { format!("v{number}") } else { "moving".into() };
        image.push(&server.client(), "team/app", &tag).unwrap();
        digests.push(image.digest());
    }
    digests.sort();

    for (filter, tagged, images) in
        [(json!({}), 4, 7), (json!({"tagStatus": "TAGGED"}), 4, 4), (json!({"tagStatus": "UNTAGGED"}), 0, 3)]
    {
        let arguments = json!({"repositoryName": "team/app", "filter": filter});
        let ids: Vec<_> = walk(&mut boto, "list_images", arguments.clone(), "imageIds", 2).concat();
        let details: Vec<_> = walk(&mut boto, "describe_images", arguments, "imageDetails", 2).concat();

        assert_eq!(ids.iter().filter(|id| id.get("imageTag").is_some()).count(), tagged, "{filter}");
        assert_eq!((ids.len(), details.len()), (images, images), "{filter}");
        let mut found: Vec<_> =
            details.iter().map(|detail| detail["imageDigest"].as_str().unwrap().to_string()).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), images, "{filter}");
        let times: Vec<_> = details.iter().map(|detail| detail["imagePushedAt"].as_f64().unwrap()).collect();
        assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "newest first: {times:?}");
    }
}

/// Makes three of everything that is listed; returns each list with its arguments and what its items are called.
fn lists(server: &Server, boto: &mut Boto) -> Vec<(&'static str, Value, &'static str)> {
    let policy = r#"{"rules": [{"rulePriority": 1, "description": "nothing stays but the newest", "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}"#;
    let subject = Image::small(0);
    let about = json!({"mediaType": Image::MEDIA_TYPE, "digest": subject.digest(), "size": subject.manifest.len()});
    let destination = json!({"region": "eu-west-1", "registryId": "000000000000"});
    let rules = json!({"rules": [{"destinations": [destination]}]});
    boto.done("put_replication_configuration", json!({"replicationConfiguration": rules}));
    for number in 0..3 {
        let [name, arn] = [format!("name{number}"), format!("arn:aws:iam::000000000000:role/name{number}")];
        let referrer = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [], "artifactType": format!("application/vnd.example.{name}"), "subject": about});
        boto.done("create_repository", json!({"repositoryName": name}));
        boto.done("create_repository_creation_template", json!({"prefix": name, "appliedFor": ["REPLICATION"]}));
        boto.done("register_pull_time_update_exclusion", json!({"principalArn": arn}));
        boto.done("start_replication_backfill", json!({"destination": destination}));
        boto.done(
            "create_pull_through_cache_rule",
            json!({"ecrRepositoryPrefix": name, "upstreamRegistryUrl": "hub.example"}),
        );
        Image::small(number).push(&server.client(), "team/app", &name).unwrap();
        boto.done("put_image", json!({"repositoryName": "name0", "imageManifest": referrer.to_string()}));
    }
    Image::small(3).push(&server.client(), "team/app", "newest").unwrap();
    boto.done("start_lifecycle_policy_preview", json!({"repositoryName": "team/app", "lifecyclePolicyText": policy}));
    let app = json!({"repositoryName": "team/app"});
    let of_subject = json!({"repositoryName": "name0", "subjectId": {"imageDigest": subject.digest()}});
    vec![
        ("describe_images", app.clone(), "imageDetails"),
        ("describe_pull_through_cache_rules", json!({}), "pullThroughCacheRules"),
        ("describe_repositories", json!({}), "repositories"),
        ("describe_repository_creation_templates", json!({}), "repositoryCreationTemplates"),
        ("get_lifecycle_policy_preview", app.clone(), "previewResults"),
        ("list_image_referrers", of_subject, "referrers"),
        ("list_images", app, "imageIds"),
        ("list_pull_time_update_exclusions", json!({}), "pullTimeUpdateExclusions"),
        ("list_replication_backfills", json!({}), "backfills"),
    ]
}

/// Lists that have nothing on them yet.
const EMPTY: [&str; 2] = ["describe_image_scan_findings", "describe_replication_backfill_results"];

#[test]
fn every_list_of_the_model_comes_in_pages_as_it_does_whole() {
    let server = Server::start();
    let mut boto = Boto::of(&server);
    let model = boto.model("ecr");
    let lists = lists(&server, &mut boto);

    let has_pages = |said: &&Value| said["members"].as_array().is_some_and(|names| names.contains(&json!("nextToken")));
    let of_model: Vec<_> = model.as_object().unwrap().iter().filter(|(_, said)| has_pages(said)).collect();
    let is_known = |name: &str| EMPTY.contains(&name) || lists.iter().any(|(operation, ..)| *operation == name);
    let unknown: Vec<_> = of_model.iter().map(|(name, _)| name.as_str()).filter(|name| !is_known(name)).collect();

    assert_eq!(unknown, Vec::<&str>::new());
    for (operation, arguments, items) in lists {
        let whole = walk(&mut boto, operation, arguments.clone(), items, 50);
        let pages = walk(&mut boto, operation, arguments, items, 1);

        assert_eq!(whole.len(), 1, "{operation}");
        assert!(whole[0].len() >= 3 && pages.len() == whole[0].len(), "{operation}: {pages:?}");
        assert_eq!(pages.concat(), whole[0], "{operation}");
    }
}

#[test]
fn a_token_is_good_for_its_own_list_only() {
    let server = Server::start();
    let mut boto = Boto::of(&server);
    for name in ["team/one", "team/two"] {
        for number in 0..3 {
            Image::small(number).push(&server.client(), name, &format!("v{number}")).unwrap();
        }
    }
    let page = boto.done("list_images", json!({"repositoryName": "team/one", "maxResults": 1}));
    let token = page["nextToken"].as_str().unwrap();

    for (operation, arguments) in [
        ("list_images", json!({"repositoryName": "team/two", "nextToken": token})),
        ("list_images", json!({"repositoryName": "team/one", "nextToken": token, "filter": {"tagStatus": "TAGGED"}})),
        ("describe_images", json!({"repositoryName": "team/one", "nextToken": token})),
        ("list_images", json!({"repositoryName": "team/one", "nextToken": format!("{token}A")})),
        ("list_images", json!({"repositoryName": "team/one", "nextToken": ""})),
    ] {
        let refused = boto.refused(operation, arguments);
        assert_eq!(refused.code, "InvalidParameterException", "{refused:?}");
        assert!(refused.message.contains("'nextToken'"), "{refused:?}");
    }
}

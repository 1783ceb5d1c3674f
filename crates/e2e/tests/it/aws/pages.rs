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

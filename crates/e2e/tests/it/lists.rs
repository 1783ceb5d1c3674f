//! Pages of tags and repositories, to their edges.

use crate::hostile::assert_refused;
use gantry_e2e::{Answer, Client, Image, MASTER_KEY, Server};
use serde_json::{Value, json};

fn server() -> Server {
    let (server, image) = (Server::start(), Image::small(1));
    for (name, tag) in [("team/app", "a"), ("team/app", "b"), ("team/app", "c_1.0-x"), ("team/web", "a"), ("zoo", "a")]
    {
        assert_eq!(image.push(&server.client(), name, tag).unwrap().status, 201);
    }
    server
}

fn tags(client: &Client, query: &str) -> (Vec<String>, Option<String>) {
    items(&client.get(&format!("/v2/team/app/tags/list{query}")), "tags")
}

fn items(answer: &Answer, member: &str) -> (Vec<String>, Option<String>) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json()[member].as_array().expect("it is a list, also where it is empty").clone();
    let items = items.iter().map(|item| item.as_str().unwrap().to_string()).collect();
    (items, answer.header("link").map(str::to_string))
}

#[test]
fn zero_items_are_an_empty_page_without_a_next() {
    let server = server();

    assert_eq!(tags(&server.client(), "?n=0"), (vec![], None));
    assert_eq!(items(&server.client().get("/v2/_catalog?n=0"), "repositories"), (vec![], None));
}

#[test]
fn more_items_than_there_are_and_more_than_a_page_holds_are_all_there_are() {
    let server = server();

    for count in ["3", "4", "10000", "1000000000", "18446744073709551615"] {
        let (tags, next) = tags(&server.client(), &format!("?n={count}"));
        assert_eq!((tags.len(), next), (3, None), "n={count}");
        let (names, next) = items(&server.client().get(&format!("/v2/_catalog?n={count}")), "repositories");
        assert_eq!((names.len(), next), (3, None), "n={count}");
    }
}

#[test]
fn a_count_that_is_none_is_refused() {
    let server = server();

    for count in ["-1", "x", "1.5", "%00", ""] {
        for path in ["/v2/team/app/tags/list", "/v2/_catalog"] {
            let path = format!("{path}?n={count}");
            assert_refused(&server.client().get(&path), 400, "UNSUPPORTED", &path);
        }
    }
}

#[test]
fn the_last_item_may_be_percent_encoded_and_need_not_exist() {
    let server = server();

    for (last, expected) in [
        ("a", ["b", "c_1.0-x"].as_slice()),
        ("%61", &["b", "c_1.0-x"]),
        ("c%5F1%2E0%2Dx", &[]),
        ("aa", &["b", "c_1.0-x"]),
        ("zzz", &[]),
        ("", &["a", "b", "c_1.0-x"]),
    ] {
        assert_eq!(tags(&server.client(), &format!("?last={last}")).0, expected, "last={last}");
    }
    let after = server.client().get("/v2/_catalog?last=team%2Fapp");
    assert_eq!(items(&after, "repositories").0, ["team/web", "zoo"]);
}

#[test]
fn the_link_of_each_page_leads_to_the_next_until_the_last() {
    let server = server();
    let (mut path, mut seen) = ("/v2/_catalog?n=1".to_string(), Vec::new());

    loop {
        let (page, next) = items(&server.client().get(&path), "repositories");
        seen.extend(page);
        let Some(next) = next else { break };
        path =
            next.strip_prefix('<').and_then(|next| next.strip_suffix(">; rel=\"next\"")).expect("a link").to_string();
    }

    assert_eq!(seen, ["team/app", "team/web", "zoo"]);
}

#[test]
fn no_page_ends_in_the_name_of_a_repository_that_is_not_ones_own_to_see() {
    let (server, image) = (Server::with(&[MASTER_KEY]), Image::small(1));
    let root = server.client();
    for name in ["aaa/hidden", "team/app", "team/secret", "team/web", "zzz/hidden"] {
        assert_eq!(image.push(&root, name, "v1").unwrap().status, 201);
    }
    let post = |path: &str, body: Value| {
        let headers = [("content-type", "application/json")];
        let answer = root.send("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()
    };
    post("/api/v1/users", json!({"name": "ann"}));
    let key = post("/api/v1/users/ann/access-keys", json!({}));
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:DescribeRepositories",
        "Resource": ["arn:aws:ecr:*:*:repository/team/app", "arn:aws:ecr:*:*:repository/team/web"]}}"#;
    let (headers, policy) = ([("content-type", "application/json")], json!({"document": policy}).to_string());
    let put = root.send("PUT", "/api/v1/users/ann/inline-policies/own", &headers, policy.as_bytes());
    assert!(put.status < 300, "{}", put.text());
    let secret = |member: &str| key[member].as_str().unwrap().to_string();
    let ann = Client::new(server.address(), &secret("accessKeyId"), &secret("secretAccessKey"));
    let get = |path: &str| {
        let answer = ann.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let told = format!("{path} {} {:?}", answer.text(), answer.header("link"));
        assert!(!told.contains("hidden") && !told.contains("secret"), "{told}");
        answer
    };

    for count in [1, 2, 3, 5] {
        let (mut path, mut listed) = (format!("/v2/_catalog?n={count}"), Vec::new());
        loop {
            let (page, next) = items(&get(&path), "repositories");
            listed.extend(page);
            let Some(next) = next else { break };
            path = next.trim_start_matches('<').trim_end_matches(">; rel=\"next\"").into();
        }
        assert_eq!(listed, ["team/app", "team/web"], "n={count}");

        let (mut after, mut listed) = (String::new(), Vec::new());
        loop {
            let page = get(&format!("/api/v1/repositories?limit={count}{after}")).json();
            listed.extend(page["repositories"].as_array().unwrap().iter().map(|found| found["name"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(listed, ["team/app", "team/web"], "limit={count}");
    }
    for path in ["/v2/_catalog?last=~x", "/api/v1/repositories?after=~x"] {
        assert_eq!(ann.get(path).status, 400, "{path}");
    }
}

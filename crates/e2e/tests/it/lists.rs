//! Pages of tags and repositories, to their edges.

use crate::hostile::assert_refused;
use gantry_e2e::{Answer, Client, Image, Server};

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

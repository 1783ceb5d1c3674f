//! That no operation is without a test.

use super::Boto;
use gantry_e2e::{Client, PASSWORD, Server, USER};
use serde_json::json;

/// Every test of this folder, as text.
const TESTS: &[&str] = &[
    include_str!("every.rs"),
    include_str!("images.rs"),
    include_str!("lifecycle.rs"),
    include_str!("pages.rs"),
    include_str!("repositories.rs"),
    include_str!("settings.rs"),
    include_str!("templates.rs"),
];

#[test]
fn boto3_asks_for_every_operation_that_the_page_tells_of() {
    let rows = include_str!("../../../../../docs/ecr.md").lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();

    let asked = |name: &&str| {
        let quoted = format!("\"{}\"", of_boto(name));
        TESTS.iter().any(|text| text.contains(&quoted))
    };
    let without: Vec<_> = named.iter().filter(|name| !asked(name)).collect();

    assert_eq!(named.len(), 62);
    assert!(without.is_empty(), "no test asks for {without:?}");
}

/// The name that boto3 gives to an operation.
fn of_boto(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn a_token_is_the_password_of_docker_login_and_outlives_a_crash() {
    let mut server = Server::start();
    let mut boto = Boto::of(&server);

    let answer = boto.done("get_authorization_token", json!({}));
    server.restart();

    let data = &answer["authorizationData"][0];
    let address = server.address().to_string();
    assert!(data["proxyEndpoint"].as_str().unwrap().ends_with(&address), "{data}");
    assert!(data["expiresAt"].as_f64().unwrap() > 0.0);
    let token = data["authorizationToken"].as_str().unwrap();
    let headers = [("authorization", &*format!("Basic {token}"))];
    assert_eq!(Client::anonymous(server.address()).send("GET", "/v2/", &headers, b"").status, 200);
    let refused = Boto::with(&server, USER, &format!("{PASSWORD}x")).refused("get_authorization_token", json!({}));
    assert_eq!(refused.code, "InvalidSignatureException");
}

//! Docker's token protocol: what clients ask `/token` for, and what they get.

use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_e2e::{Answer, Client, Image, PASSWORD, Server, USER};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Posts a form, without credentials of its own.
fn post(server: &Server, form: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    Client::anonymous(server.address()).send("POST", "/token", &headers, form.as_bytes())
}

/// A form of the password grant with the right credentials.
fn password_grant(rest: &str) -> String {
    format!("grant_type=password&service=gantry&client_id=test&username={USER}&password={}{rest}", encoded(PASSWORD))
}

fn bearer(server: &Server, answer: &Answer) -> Client {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let document = answer.json();
    assert_eq!(document["token"], document["access_token"], "clients read either");
    assert!(document["expires_in"].as_u64().is_some_and(|seconds| seconds >= 60), "{document}");
    assert!(document["issued_at"].is_string() && document["scope"].is_string(), "{document}");
    let token = document["token"].as_str().unwrap().to_string();
    Client::anonymous(server.address()).with_authorization(&format!("Bearer {token}"))
}

/// Which of the repositories `a` and `b` may be pulled from, and which pushed to.
fn rights(client: &Client) -> [bool; 4] {
    let may = |method: &str, path: &str| !matches!(client.send(method, path, &[], &[]).status, 401 | 403);
    let upload = |name: &str| may("POST", &format!("/v2/{name}/blobs/uploads/"));
    [may("GET", "/v2/a/manifests/v1"), upload("a"), may("GET", "/v2/b/manifests/v1"), upload("b")]
}

fn server() -> Server {
    let server = Server::start();
    for name in ["a", "b"] {
        Image::small(1).push(&server.client(), name, "v1").unwrap();
    }
    server
}

#[test]
fn several_scopes_are_all_granted_however_they_are_written() {
    let server = server();
    let (a, b) = ("repository:a:pull", "repository:b:pull,push");

    let answers = [
        ("repeated in the address", server.client().get(&format!("/token?service=gantry&scope={a}&scope={b}"))),
        ("with a blank in the address", server.client().get(&format!("/token?service=gantry&scope={a}%20{b}"))),
        ("with a plus in the address", server.client().get(&format!("/token?scope={a}+{b}"))),
        (
            "repeated in the form",
            post(&server, &password_grant(&format!("&scope={}&scope={}", encoded(a), encoded(b)))),
        ),
        ("with a plus in the form", post(&server, &password_grant(&format!("&scope={}+{}", encoded(a), encoded(b))))),
    ];

    for (how, answer) in answers {
        assert_eq!(rights(&bearer(&server, &answer)), [true, false, true, true], "{how}");
        assert_eq!(answer.json()["scope"], format!("{a} {b}"), "{how}");
    }
}

#[test]
fn what_cannot_be_granted_is_left_out_and_the_rest_is_granted() {
    let server = server();

    for scopes in ["repository:a:pull,fly", "repository:a:pull&scope=nonsense", "repository:a:pull&scope=plugin:b:pull"]
    {
        let answer = server.client().get(&format!("/token?scope={scopes}"));
        assert_eq!(rights(&bearer(&server, &answer)), [true, false, false, false], "{scopes}");
    }
}

#[test]
fn the_credentials_of_a_post_come_in_its_form_or_as_basic() {
    let server = server();
    let scope = format!("scope={}", encoded("repository:a:pull"));
    let headers = [("content-type", "application/x-www-form-urlencoded")];

    let by_form = post(&server, &password_grant(&format!("&{scope}")));
    let by_basic = server.client().send("POST", "/token", &headers, scope.as_bytes());
    let without_form = server.client().send("POST", "/token", &[], &[]);

    assert_eq!(rights(&bearer(&server, &by_form)), [true, false, false, false]);
    assert_eq!(rights(&bearer(&server, &by_basic)), [true, false, false, false]);
    assert_eq!(bearer(&server, &without_form).get("/v2/").status, 200);
}

#[test]
fn wrong_and_missing_credentials_are_401_so_that_no_login_seems_to_succeed() {
    let server = server();
    let wrong = Client::anonymous(server.address())
        .with_authorization(&format!("Basic {}", STANDARD.encode(format!("{USER}:wrong"))));
    let nobody = Client::anonymous(server.address());

    for (what, answer) in [
        ("a wrong password in the form", post(&server, &format!("grant_type=password&username={USER}&password=wrong"))),
        ("no password in the form", post(&server, "grant_type=password")),
        ("an empty form", post(&server, "")),
        ("wrong Basic", wrong.get("/token")),
        ("wrong Basic by POST", wrong.send("POST", "/token", &[], &[])),
        ("nothing", nobody.get("/token")),
    ] {
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Basic ")), "{what}");
    }
}

#[test]
fn a_token_that_renews_itself_is_neither_issued_nor_taken() {
    let server = server();

    let at_login = server.client().get("/token?service=gantry&client_id=docker&offline_token=true&account=x");
    let by_form = post(&server, &password_grant("&access_type=offline"));
    let renewal = post(&server, "grant_type=refresh_token&service=gantry&client_id=x&refresh_token=anything");

    for answer in [at_login, by_form] {
        assert_eq!(bearer(&server, &answer).get("/v2/").status, 200);
        assert!(answer.json().get("refresh_token").is_none(), "{}", answer.text());
    }
    // 400 is what containerd tries GET after.
    assert_eq!((renewal.status, renewal.code().as_str()), (400, "UNSUPPORTED"), "{}", renewal.text());
    assert!(renewal.text().contains("grant_type=refresh_token"), "{}", renewal.text());
    assert!(!renewal.text().contains("Some("), "{}", renewal.text());
}

#[test]
fn a_token_is_not_issued_against_a_token() {
    let server = server();
    let token = bearer(&server, &server.client().get("/token?scope=repository:a:pull"));

    for answer in [token.get("/token?scope=repository:b:push"), token.send("POST", "/token", &[], &[])] {
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
}

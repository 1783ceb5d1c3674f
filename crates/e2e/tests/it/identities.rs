//! Identities are administered in three ways that do the same: the IAM API, the commands, and `/api/v1`.

use crate::{audit::sqlite, aws::Boto, clients::Home, commands::Person};
use gantry_e2e::{Answer, Client, Image, PASSWORD, USER};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const BUILT_IN: &str = "arn:aws:iam::aws:policy/gantry/pull";
const OWN: &str = r#"{"Version": "2012-10-17",  "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}}"#;
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}}"#;
const ISSUER: &str = "https://issuer.example/realm";

fn root(person: &Person) -> Client {
    Client::new(person.server.address(), USER, PASSWORD)
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn send(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let answer =
        client.send(method, &format!("/api/v1/{path}"), &[("content-type", "application/json")], body.as_bytes());
    assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
    answer
}

/// A file in a person's home.
fn file(person: &Person, name: &str, text: &str) -> PathBuf {
    let path = person.home.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The same of everything that one of the three ways makes.
fn by_iam(boto: &mut Boto) {
    let mut done = |operation: &str, arguments: Value| {
        let told = arguments.to_string();
        boto.ask("iam", operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
    };
    let tags = json!([{"Key": "team", "Value": "a"}]);
    done("create_policy", json!({"PolicyName": "p-iam", "PolicyDocument": OWN}));
    let own = "arn:aws:iam::000000000000:policy/p-iam";
    done("create_user", json!({"UserName": "u-iam", "Path": "/team/", "Tags": tags, "PermissionsBoundary": own}));
    done("attach_user_policy", json!({"UserName": "u-iam", "PolicyArn": BUILT_IN}));
    done("put_user_policy", json!({"UserName": "u-iam", "PolicyName": "own", "PolicyDocument": OWN}));
    done("create_group", json!({"GroupName": "g-iam"}));
    done("attach_group_policy", json!({"GroupName": "g-iam", "PolicyArn": own}));
    done("add_user_to_group", json!({"GroupName": "g-iam", "UserName": "u-iam"}));
    let role = json!({"RoleName": "r-iam", "AssumeRolePolicyDocument": TRUST, "Description": "deploys", "MaxSessionDuration": 7200});
    done("create_role", role);
    done("put_role_policy", json!({"RoleName": "r-iam", "PolicyName": "own", "PolicyDocument": OWN}));
    done("create_access_key", json!({"UserName": "u-iam"}));
    done("create_open_id_connect_provider", json!({"Url": format!("{ISSUER}/iam"), "ClientIDList": ["gantry"]}));
}

fn by_command(person: &Person) {
    let (own_file, trust) = (file(person, "own.json", OWN), file(person, "trust.json", TRUST));
    let (own_file, trust) = (own_file.to_str().unwrap(), trust.to_str().unwrap());
    let own = "arn:aws:iam::000000000000:policy/p-cmd";
    person.types(&["policy", "create", "p-cmd", "--document", own_file]);
    person.types(&["user", "create", "u-cmd", "--path", "/team/", "--tag", "team=a", "--boundary", own]);
    person.types(&["user", "attach", "u-cmd", BUILT_IN]);
    person.types(&["user", "put-policy", "u-cmd", "own", "--document", own_file]);
    person.types(&["group", "create", "g-cmd"]);
    person.types(&["group", "attach", "g-cmd", own]);
    person.types(&["group", "add", "g-cmd", "u-cmd"]);
    let role =
        ["role", "create", "r-cmd", "--trust", trust, "--description", "deploys", "--session-seconds-max", "7200"];
    person.types(&role);
    person.types(&["role", "put-policy", "r-cmd", "own", "--document", own_file]);
    person.types(&["access-key", "create", "u-cmd"]);
    person.types(&["provider", "create", &format!("{ISSUER}/cmd"), "--client-id", "gantry"]);
}

fn by_rest(client: &Client) {
    let own = "arn:aws:iam::000000000000:policy/p-api";
    send(client, "POST", "policies", &json!({"name": "p-api", "document": OWN}));
    let user = json!({"name": "u-api", "path": "/team/", "tags": {"team": "a"}, "boundary": own});
    send(client, "POST", "users", &user);
    send(client, "PUT", &format!("users/u-api/policies/{BUILT_IN}"), &json!({}));
    send(client, "PUT", "users/u-api/inline-policies/own", &json!({"document": OWN}));
    send(client, "POST", "groups", &json!({"name": "g-api"}));
    send(client, "PUT", &format!("groups/g-api/policies/{own}"), &json!({}));
    send(client, "PUT", "groups/g-api/members/u-api", &json!({}));
    let role = json!({"name": "r-api", "trustPolicy": TRUST, "description": "deploys", "sessionSecondsMax": 7200});
    send(client, "POST", "roles", &role);
    send(client, "PUT", "roles/r-api/inline-policies/own", &json!({"document": OWN}));
    send(client, "POST", "users/u-api/access-keys", &json!({}));
    send(client, "POST", "providers", &json!({"url": format!("{ISSUER}/api"), "clientIds": ["gantry"]}));
}

/// All that the database has of identities, without what differs each time: drawn ids, times and secrets. `way` is the end of
/// all names.
fn stored(data: &Path, way: &str) -> Vec<String> {
    let questions = [
        "SELECT kind, name, path, description, boundary, tags, trust, trust_bindings, session_seconds_max, is_robot,
             coalesce(expires_at, 'never'), networks FROM identity WHERE name LIKE '%-WAY' ORDER BY kind",
        "SELECT g.name, u.name FROM membership m JOIN identity g ON g.id = m.group_id JOIN identity u ON u.id = m.user_id
         WHERE u.name LIKE '%-WAY'",
        "SELECT name, path, description, tags, default_version, last_version FROM managed_policy WHERE name LIKE '%-WAY'",
        "SELECT arn, number, document FROM managed_policy_version WHERE arn LIKE '%-WAY'",
        "SELECT i.name, a.policy_arn FROM policy_attachment a JOIN identity i ON i.id = a.identity_id
         WHERE i.name LIKE '%-WAY' ORDER BY 1, 2",
        "SELECT i.name, p.name, p.document FROM inline_policy p JOIN identity i ON i.id = p.identity_id
         WHERE i.name LIKE '%-WAY' ORDER BY 1, 2",
        "SELECT i.name, k.is_active, coalesce(k.previous, 'none') FROM access_key k JOIN identity i ON i.id = k.user_id
         WHERE i.name LIKE '%-WAY'",
        "SELECT url, client_ids, thumbprints, tags FROM oidc_provider WHERE url LIKE '%/WAY'",
    ];
    let answer = |question: &&str| {
        let found = sqlite(data, &question.replace("WAY", way));
        assert!(!found.trim().is_empty(), "nothing is stored by {way}: {question}");
        found.replace(&format!("-{way}"), "-WAY").replace(&format!("/{way}"), "/WAY")
    };
    questions.iter().map(answer).collect()
}

#[test]
fn three_ways_leave_the_same_in_the_database() {
    let person = Person::logged_in();

    by_iam(&mut Boto::of(&person.server));
    by_command(&person);
    by_rest(&root(&person));

    let [iam, command, rest] = ["iam", "cmd", "api"].map(|way| stored(person.server.data(), way));
    assert_eq!(command, iam);
    assert_eq!(rest, iam);
    let shown = json_of(&person.types(&["user", "show", "u-iam", "--output", "json"]));
    assert_eq!(shown["inlinePolicies"]["own"], OWN, "{shown}");
    assert_eq!((&shown["groups"], &shown["policies"]), (&json!(["g-iam"]), &json!([BUILT_IN])));
    let listed = person.types(&["user", "ls"]);
    assert!(["u-iam", "u-cmd", "u-api"].iter().all(|name| listed.contains(name)), "{listed}");
}

#[test]
fn a_robot_logs_in_with_docker_clients_rotates_and_is_switched_off() {
    let person = Person::logged_in();
    let address = person.server.address().to_string();
    Image::small(1).push(&root(&person), "base/app", "v1").unwrap();
    Image::small(1).push(&root(&person), "other/app", "v1").unwrap();
    let create =
        ["robot", "create", "ci", "--push", "team/", "--pull", "base/", "--network", "127.0.0.0/8", "--output", "json"];
    let made = json_of(&person.types(&create));
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    let home = Home::new();

    home.feed(&format!("crane auth login {address} --username {id} --password-stdin"), secret).succeeded();
    home.run(&format!("crane copy --insecure {address}/base/app:v1 {address}/base/copy:v1")).refused();
    Image::small(2).push(&root(&person), "team/app", "v1").unwrap();
    home.run(&format!("crane copy --insecure {address}/base/app:v1 {address}/team/app:v2")).succeeded();
    home.run(&format!("crane digest --insecure {address}/other/app:v1")).refused();

    let client = |secret: &str| Client::new(&address, id, secret);
    let rotated = json_of(&person.types(&["robot", "rotate", "ci", "--overlap", "1h", "--output", "json"]));
    let fresh = rotated["secretAccessKey"].as_str().unwrap();
    assert!(rotated["previousUntil"].is_string() && fresh != secret, "{rotated}");
    assert_eq!((client(secret).get("/v2/").status, client(fresh).get("/v2/").status), (200, 200));
    let last = json_of(&person.types(&["robot", "rotate", "ci", "--output", "json"]));
    let last = last["secretAccessKey"].as_str().unwrap();
    assert_eq!((client(fresh).get("/v2/").status, client(last).get("/v2/").status), (401, 200));
    person.types(&["robot", "disable", "ci"]);
    assert_eq!(client(last).get("/v2/").status, 401);
    person.types(&["robot", "enable", "ci"]);
    assert_eq!(client(last).get("/v2/").status, 200);
    person.types(&["robot", "update", "ci", "--network", "10.0.0.0/8"]);
    assert_eq!(client(last).get("/v2/").status, 401, "it comes from elsewhere");
    let listed = person.types(&["robot", "ls"]);
    assert!(listed.contains("10.0.0.0/8"), "{listed}");
    person.types(&["robot", "delete", "ci"]);
    assert_eq!(person.types(&["robot", "ls", "--output", "json"]).trim(), "[]");
    assert!([secret, fresh, last].iter().all(|secret| !person.server.log().contains(secret)));
}

#[test]
fn whoever_may_not_administer_is_refused_in_the_same_words_each_way() {
    let person = Person::logged_in();
    let made = json_of(&person.types(&["robot", "create", "idle", "--output", "json"]));
    let (id, secret) = (made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
    let idle = Client::new(person.server.address(), id, secret);

    let refused = idle.send("POST", "/api/v1/users", &[("content-type", "application/json")], br#"{"name": "ann"}"#);
    let by_iam =
        Boto::with(&person.server, id, secret).ask("iam", "create_user", json!({"UserName": "ann"})).unwrap_err();

    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["message"], by_iam.message);
    assert!(
        by_iam.message.contains("iam:CreateUser on resource: arn:aws:iam::000000000000:user/ann"),
        "{}",
        by_iam.message
    );
    for (method, path) in [
        ("GET", "users"),
        ("GET", "users/idle"),
        ("DELETE", "users/idle"),
        ("POST", "users/idle/access-keys"),
        ("GET", "groups"),
        ("GET", "roles"),
        ("GET", "robots"),
        ("DELETE", "robots/idle"),
        ("GET", "policies"),
        ("GET", "providers"),
    ] {
        assert_eq!(idle.send(method, &format!("/api/v1/{path}"), &[], &[]).status, 403, "{method} {path}");
    }
}

#[test]
fn what_somebody_has_is_taken_from_him_before_he_is_deleted() {
    let person = Person::logged_in();
    person.types(&["user", "create", "ann"]);
    person.types(&["user", "attach", "ann", BUILT_IN]);
    let key = json_of(&person.types(&["access-key", "create", "ann", "--output", "json"]));
    let key = key["accessKeyId"].as_str().unwrap();

    let (code, _, said) = person.tries(&["user", "delete", "ann"]);
    person.types(&["access-key", "delete", "ann", key]);
    person.types(&["user", "detach", "ann", BUILT_IN]);
    person.types(&["user", "delete", "ann"]);

    assert!(code != 0 && said.contains("Cannot delete entity"), "{said}");
    let (code, _, said) = person.tries(&["user", "show", "ann"]);
    assert!(code != 0 && said.contains("The user with name ann cannot be found"), "{said}");
}

#[test]
fn who_is_renamed_keeps_what_he_has_and_a_role_keeps_its_name() {
    let person = Person::logged_in();
    let run = |line: &str| person.types(&line.split_whitespace().collect::<Vec<_>>());
    for line in ["user create ann", "group create developers", "group add developers ann"] {
        run(line);
    }
    run(&format!("user attach ann {BUILT_IN}"));
    let trust = file(&person, "trust.json", TRUST);
    run(&format!("role create deploy --trust {}", trust.display()));

    run("user rename ann anna --path /team/");
    run("group rename developers builders");
    run("role update deploy --description deploys --session-seconds-max 7200");

    let anna = json_of(&run("user show anna --output json"));
    assert_eq!(anna["arn"], "arn:aws:iam::000000000000:user/team/anna");
    assert_eq!((&anna["policies"], &anna["groups"]), (&json!([BUILT_IN]), &json!(["builders"])));
    let role = json_of(&run("role show deploy --output json"));
    assert_eq!((&role["description"], &role["sessionSecondsMax"]), (&json!("deploys"), &json!(7200)));
}

//! The commands that say who may do what: they must say what the requests themselves are told.

use crate::{aws::Boto, commands::Person};
use gantry_e2e::{Client, Image, Server, until};
use serde_json::{Value, json};
use std::time::Duration;

/// The users of the ground.
const USERS: [&str; 4] = ["ci", "reader", "member", "nobody"];

/// A server with an image in `team/app` and in `other/app`; users with roles of their own, by a group, and with none.
struct Ground {
    person: Person,
    root: Boto,
    clients: Vec<(&'static str, Client)>,
}

fn done(boto: &mut Boto, service: &str, operation: &str, arguments: Value) -> Value {
    let told = arguments.to_string();
    boto.ask(service, operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
}

impl Ground {
    fn new() -> Ground {
        let person = Person::at(Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]));
        for name in ["team/app", "other/app"] {
            Image::small(1).push(&person.server.client(), name, "v1").unwrap();
        }
        let mut root = Boto::of(&person.server);
        let mut clients = Vec::new();
        for name in USERS {
            done(&mut root, "iam", "create_user", json!({"UserName": name}));
            let key = done(&mut root, "iam", "create_access_key", json!({"UserName": name}))["AccessKey"].take();
            let text = |member: &str| key[member].as_str().unwrap().to_string();
            let client = Client::new(person.server.address(), &text("AccessKeyId"), &text("SecretAccessKey"));
            clients.push((name, client));
        }
        done(&mut root, "iam", "create_group", json!({"GroupName": "readers"}));
        done(&mut root, "iam", "add_user_to_group", json!({"GroupName": "readers", "UserName": "member"}));
        person.types(&["access", "grant", "user/ci", "push", "--prefix", "team/"]);
        person.types(&["access", "grant", "user/reader", "pull"]);
        person.types(&["access", "grant", "group/readers", "pull", "--prefix", "team"]);
        Ground { person, root, clients }
    }

    fn client(&self, name: &str) -> &Client {
        &self.clients.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Types a command and reads what it answers as JSON.
    fn asks(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, output, errors) = self.person.tries(&[&["access"], arguments, &["--output", "json"]].concat());
        (code, serde_json::from_str(&output).unwrap_or_else(|_| panic!("{arguments:?}: {output}{errors}")))
    }

    /// Writes a policy into a file.
    fn file(&self, name: &str, policy: &Value) -> String {
        let path = self.person.home.path().join(name);
        std::fs::write(&path, serde_json::to_string_pretty(policy).unwrap()).unwrap();
        path.to_str().unwrap().into()
    }
}

#[test]
fn what_is_explained_is_what_the_request_is_told() {
    let mut ground = Ground::new();
    let closed = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Closed", "Effect": "Deny",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/reader"}, "Action": "ecr:BatchGetImage"}]});
    let closed = json!({"repositoryName": "other/app", "policyText": closed.to_string()});
    ground.root.done("set_repository_policy", closed);
    let (mut allowed, mut denied) = (0, 0);

    for name in USERS {
        for repository in ["team/app", "other/app", "none/such"] {
            let get = ground.client(name).get(&format!("/v2/{repository}/manifests/v1"));
            let post = ground.client(name).send("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], &[]);
            for (action, answer) in [("ecr:BatchGetImage", get), ("ecr:InitiateLayerUpload", post)] {
                let who = format!("user/{name}");
                let (code, told) = ground.asks(&["explain", &who, action, repository]);

                let is_allowed = answer.status != 403;
                assert_eq!(code, i32::from(!is_allowed), "{who} {action} {repository}: {told}");
                assert_eq!(told["isAllowed"], is_allowed);
                if !is_allowed {
                    let message = told["decisions"][0]["message"].as_str().unwrap();
                    assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains(message), "{told}");
                }
                *(if is_allowed { &mut allowed } else { &mut denied }) += 1;
            }
        }
    }
    assert!(allowed >= 5 && denied >= 5, "{allowed} {denied}");
}

#[test]
fn a_denial_is_mended_by_what_the_explanation_says() {
    let ground = Ground::new();
    let (_, output, _) = ground.person.tries(&["access", "explain", "user/nobody", "push", "other/app"]);
    let start = output.find("gantry access grant").unwrap_or_else(|| panic!("{output}"));
    let command: Vec<&str> = output[start..].split(';').next().unwrap().split(' ').skip(1).collect();

    ground.person.types(&command);

    Image::small(2).push(ground.client("nobody"), "other/app", "v2").unwrap();
    let told = ground.person.types(&["access", "explain", "user/nobody", "push", "other/app"]);
    assert!(!told.contains("denied"), "{told}");
    ground.person.types(&["access", "revoke", "user/nobody", "push", "--prefix", "other/app"]);
    let status = ground.client("nobody").send("POST", "/v2/other/app/blobs/uploads/", &[], &[]).status;
    assert_eq!(status, 403);
}

#[test]
fn who_can_lists_those_who_do() {
    let ground = Ground::new();

    let (_, told) = ground.asks(&["who-can", "pull", "team/app"]);

    let listed: Vec<&str> = told["principals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["principal"].as_str().unwrap().rsplit(':').next().unwrap())
        .collect();
    assert_eq!(listed, ["root", "user/ci", "user/member", "user/reader"]);
    assert_eq!(told["principals"][2]["group"], "readers");
    for (name, client) in &ground.clients {
        let status = client.get("/v2/team/app/manifests/v1").status;
        assert_eq!(status == 200, listed.contains(&format!("user/{name}").as_str()), "{name}");
    }
}

#[test]
fn what_nobody_uses_is_listed_and_what_is_used_is_not() {
    let ground = Ground::new();
    Image::small(3).push(ground.client("ci"), "team/app", "v3").unwrap();
    let unused = || -> Vec<(String, Value)> {
        let (_, told) = ground.asks(&["unused", "--days", "1"]);
        let grants = told["grants"].as_array().unwrap().clone();
        grants.into_iter().map(|grant| (grant["principal"].as_str().unwrap().to_string(), grant)).collect()
    };
    let of = |grants: &[(String, Value)], name: &str| {
        let found = grants.iter().find(|(who, grant)| who.ends_with(name) && grant["sid"] == "Repositories");
        found.map(|(_, grant)| grant.clone())
    };

    // Changes are taken into the chain within a second or two.
    let has_pushed = until(Duration::from_secs(20), || {
        of(&unused(), "user/ci").is_none_or(|grant| !grant["unused"].to_string().contains("ecr:PutImage"))
    });

    assert!(has_pushed, "{:?}", unused());
    let reader = of(&unused(), "user/reader").unwrap();
    assert_eq!(reader["isWhollyUnused"], true);
    assert_eq!(of(&unused(), "user/member").unwrap()["group"], "readers");
}

#[test]
fn a_policy_is_looked_through_and_a_server_knows_who_is_not_there() {
    let ground = Ground::new();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/gone"}, "Action": "ecr:BatchGetImage"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/ci"}, "Action": "ecr:GetImage"},
    ]});
    let file = ground.file("policy.json", &policy);

    let offline = ground.asks(&["lint", &file]);
    let online = ground.asks(&["lint", &file, "--server", ground.person.server.address()]);
    let clean = ground.file(
        "clean.json",
        &json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*"},
        ]}),
    );

    assert_eq!((offline.0, offline.1.as_array().unwrap().len()), (1, 1), "{offline:?}");
    assert!(offline.1[0]["message"].as_str().unwrap().contains("did you mean ecr:BatchGetImage?"), "{offline:?}");
    assert_eq!((online.0, online.1.as_array().unwrap().len()), (1, 2), "{online:?}");
    assert!(online.1.to_string().contains("there is no arn:aws:iam::000000000000:user/gone"), "{online:?}");
    assert_eq!(ground.asks(&["lint", &clean]), (0, json!([])));
}

#[test]
fn an_account_wide_policy_denies_to_root_too_until_it_is_removed() {
    let ground = Ground::new();
    let policy = json!({"Version": "2012-10-17", "Statement": {"Sid": "NothingGoes", "Effect": "Deny", "Action": "*", "Resource": "*"}});
    let file = ground.file("policy.json", &policy);

    ground.person.types(&["access", "account-policy", "put", "frozen", "--file", &file]);
    let by_root = ground.person.server.client().get("/v2/team/app/manifests/v1");
    let (code, _, errors) = ground.person.tries(&["access", "explain", "root", "pull", "team/app"]);
    let listed = ground.person.types(&["access", "account-policy", "ls"]);
    ground.person.types(&["access", "account-policy", "rm", "frozen"]);

    assert!(listed.contains("frozen"), "{listed}");
    assert_eq!(by_root.status, 403, "{}", by_root.text());
    assert!(by_root.text().contains("with an explicit deny in a service control policy"), "{}", by_root.text());
    assert_eq!(code, 3, "the explanation is denied as well: {errors}");
    assert_eq!(ground.person.server.client().get("/v2/team/app/manifests/v1").status, 200);
    assert_eq!(ground.client("ci").get("/v2/team/app/manifests/v1").status, 200);
}

#[test]
fn whoever_may_not_ask_is_not_told() {
    let ground = Ground::new();

    for path in [
        "/api/v1/access/explain?principal=root&action=pull&resource=team/app",
        "/api/v1/access/who-can?action=pull&resource=team/app",
        "/api/v1/access/unused",
        "/api/v1/access/account-policies",
    ] {
        assert_eq!(ground.client("ci").get(path).status, 403, "{path}");
        assert_eq!(Client::anonymous(ground.person.server.address()).get(path).status, 401, "{path}");
    }
}

//! How people log in: with personal tokens, passwords, and as people of a directory.

#[path = "../../../ldap/tests/it/slapd.rs"]
#[expect(dead_code, reason = "some of it is of use only where the directory itself is tested")]
mod slapd;

use crate::{
    aws::Boto,
    clients::{Home, engine::Engine},
};
use gantry_e2e::{Client, Image, Server, program};
use serde_json::{Value, json};
use slapd::Slapd;
use std::time::Instant;

const PASSWORD: &str = "correct horse battery";

/// A server with the image `team/app:v1`, and the user `ann`, who may do everything and has a password.
fn server() -> Server {
    let server = Server::start();
    for name in ["team/app", "team/chart"] {
        Image::small(1).push(&server.client(), name, "v1").unwrap();
    }
    let mut root = Boto::of(&server);
    root.ask("iam", "create_user", json!({"UserName": "ann"})).unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let policy = json!({"UserName": "ann", "PolicyName": "all", "PolicyDocument": policy.to_string()});
    root.ask("iam", "put_user_policy", policy).unwrap();
    let profile = json!({"UserName": "ann", "Password": PASSWORD});
    root.ask("iam", "create_login_profile", profile).unwrap();
    server
}

/// Runs a command of Gantry against its server; returns what it prints.
#[track_caller]
fn gantry(server: &Server, arguments: &str) -> String {
    let mut command = program();
    command.args(arguments.split_whitespace()).args(["--server", server.address()]).env("NO_COLOR", "1");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_personal_token_is_the_password_of_docker_crane_and_helm_until_it_is_revoked() {
    let (server, engine) = (server(), Engine::start());
    let (home, host) = (engine.home(), server.address());
    home.write("password", PASSWORD);
    let ann = format!("--user ann --password-file {}", home.path("password").display());
    let made = gantry(&server, &format!("token create laptop --read-only --prefix team/ --output json {ann}"));
    let made: Value = serde_json::from_str(&made).unwrap();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());

    home.feed(&format!("docker login --username ann --password-stdin {host}"), token).succeeded();
    home.feed(&format!("crane auth login {host} --username Ann --password-stdin"), token).succeeded();
    home.feed(&format!("helm registry login --plain-http --username ann --password-stdin {host}"), token).succeeded();
    home.run(&format!("crane validate --insecure --fast --remote {host}/team/app:v1")).succeeded();
    let refused = home.run(&format!("crane tag {host}/team/app:v1 v2")).refused();
    home.write("token", token);
    let by_token = format!("token create more --user ann --password-file {}", home.path("token").display());
    let begotten = program().args(by_token.split_whitespace()).args(["--server", host]).output().unwrap();
    let listed = gantry(&server, &format!("token ls {ann}"));
    gantry(&server, &format!("token revoke {id} {ann}"));
    home.run(&format!("crane digest {host}/team/app:v1")).refused();

    assert!(refused.contains("DENIED") || refused.contains("403"), "{refused}");
    assert!(!begotten.status.success(), "a token begets no token");
    assert!(listed.contains(id) && listed.contains("laptop") && !listed.contains(token), "{listed}");
    assert_eq!(Client::new(host, "ann", token).get("/v2/").status, 401);
}

#[test]
fn a_password_logs_in_and_is_changed_by_its_owner() {
    let server = server();
    let (home, host) = (Home::new(), server.address());
    home.write("old", PASSWORD);
    home.write("new", "another horse battery");
    let (old, new) = (home.path("old"), home.path("new"));

    home.feed(&format!("crane auth login {host} --username ann --password-stdin"), PASSWORD).succeeded();
    home.run(&format!("crane digest {host}/team/app:v1")).succeeded();
    let files = format!("--old-password-file {} --new-password-file {}", old.display(), new.display());
    gantry(&server, &format!("user password ann --change {files}"));

    assert_eq!(Client::new(host, "ann", PASSWORD).get("/v2/").status, 401);
    assert_eq!(Client::new(host, "ANN", "another horse battery").get("/v2/").status, 200);
    let (known, unknown) =
        (Client::new(host, "ann", PASSWORD).get("/v2/"), Client::new(host, "nobody", PASSWORD).get("/v2/"));
    assert_eq!(known.json()["errors"][0]["message"], unknown.json()["errors"][0]["message"]);
}

#[test]
fn a_thousand_guesses_lock_nobody_out() {
    let server = server();
    let host = server.address();

    // The server believes nobody who says where a request comes from, so all of these come from one address.
    let begun = Instant::now();
    let statuses: Vec<u16> =
        (0..1000).map(|number| Client::new(host, "bob", &format!("guess {number}")).get("/v2/").status).collect();

    // Ten at once, and one more every six seconds.
    let most = 11 + usize::try_from(begun.elapsed().as_secs() / 6).unwrap();
    let heard = statuses.iter().filter(|status| **status == 401).count();
    assert!(
        statuses[..10] == [401; 10] && (10..=most).contains(&heard),
        "{heard} of at most {most}: {:?}",
        &statuses[..20]
    );
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 1000 - heard);
    assert_eq!(Client::new(host, "ann", PASSWORD).get("/v2/").status, 200);
}

#[test]
fn people_of_a_directory_have_the_role_of_their_group_and_wait_while_it_is_gone() {
    let mut slapd = Slapd::start();
    let mapping = r#"["cn=dev,ou=groups,dc=example,dc=org -> developer"]"#;
    let ca = slapd.ca_file();
    let server = Server::with(&[
        ("GANTRY_LDAP__URL", &slapd.ldap_url()),
        ("GANTRY_LDAP__CA_FILE", ca.to_str().unwrap()),
        ("GANTRY_LDAP__BIND_DN", slapd::SERVICE),
        ("GANTRY_LDAP__BIND_PASSWORD", slapd::SERVICE_PASSWORD),
        ("GANTRY_LDAP__USER_BASE", "ou=people,dc=example,dc=org"),
        ("GANTRY_LDAP__GROUP_BASE", "ou=groups,dc=example,dc=org"),
        ("GANTRY_LDAP__ROLES", mapping),
    ]);
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    let mut root = Boto::of(&server);
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "000000000000"},
        "Action": "sts:AssumeRole"}});
    let role = json!({"RoleName": "developer", "AssumeRolePolicyDocument": trust.to_string()});
    root.ask("iam", "create_role", role).unwrap();
    let pull = json!({"RoleName": "developer", "PolicyArn": "arn:aws:iam::aws:policy/gantry/pull"});
    root.ask("iam", "attach_role_policy", pull).unwrap();
    let (home, host) = (Home::new(), server.address());

    home.feed(&format!("crane auth login {host} --username ann --password-stdin"), slapd::PASSWORD).succeeded();
    home.run(&format!("crane validate --insecure --fast --remote {host}/team/app:v1")).succeeded();
    home.write("password", slapd::PASSWORD);
    let ann = format!("--user ann --password-file {}", home.path("password").display());
    let made: Value =
        serde_json::from_str(&gantry(&server, &format!("token create laptop --output json {ann}"))).unwrap();
    let listed = gantry(&server, &format!("token ls {ann}"));
    let by_token = Client::new(host, "ann", made["token"].as_str().unwrap());
    assert_eq!((made["provider"].as_str(), by_token.get("/v2/team/app/manifests/v1").status), (Some("ldap"), 200));
    assert!(listed.contains("laptop"), "{listed}");
    let outside = Client::new(host, "Bob", slapd::PASSWORD).get("/v2/");
    let wrong = Client::new(host, "ann", "wrong").get("/v2/");
    slapd.kill();
    let gone = Client::new(host, "cyd", slapd::PASSWORD).get("/v2/");
    assert_eq!(by_token.get("/v2/team/app/manifests/v1").status, 200, "tokens do not notice");

    assert_eq!((outside.status, wrong.status, gone.status), (401, 401, 503), "{}", gone.text());
    assert_eq!(server.client().get("/v2/").status, 200);
    let audit = server.client().get("/api/v1/audit?limit=50").text();
    assert!(audit.contains("assumed-role/developer/ann+") && audit.contains("directory_wrong_password"), "{audit}");
}

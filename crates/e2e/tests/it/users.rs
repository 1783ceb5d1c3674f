//! Users, roles and policies: who may do what, to docker's clients and to AWS's alike.

use crate::{
    aws::{Boto, Refused},
    clients::Home,
};
use gantry_e2e::{Client, Image, Server};
use serde_json::{Value, json};

/// What boto3 was answered.
#[track_caller]
pub(super) fn done(boto: &mut Boto, service: &str, operation: &str, arguments: Value) -> Value {
    let told = arguments.to_string();
    boto.ask(service, operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
}

/// Makes a user with a policy of its own; returns its access key.
pub(super) fn user(root: &mut Boto, name: &str, policy: Option<&Value>) -> (String, String) {
    done(root, "iam", "create_user", json!({"UserName": name}));
    if let Some(policy) = policy {
        let document = json!({"UserName": name, "PolicyName": "own", "PolicyDocument": policy.to_string()});
        done(root, "iam", "put_user_policy", document);
    }
    let key = done(root, "iam", "create_access_key", json!({"UserName": name}))["AccessKey"].take();
    let text = |member: &str| key[member].as_str().unwrap().to_string();
    (text("AccessKeyId"), text("SecretAccessKey"))
}

pub(super) fn allowing(actions: &[&str], prefix: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:ecr:*:*:repository/{prefix}*")},
    ]})
}

pub(super) const PULL: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
pub(super) const PUSH: &[&str] = &[
    "ecr:BatchGetImage",
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
];

/// A server with the repositories `team/app` and `other/app`, an image in each.
fn server() -> (Server, Boto) {
    server_with(&[])
}

fn server_with(settings: &[(&str, &str)]) -> (Server, Boto) {
    let server = Server::with(settings);
    for name in ["team/app", "other/app"] {
        Image::small(1).push(&server.client(), name, "v1").unwrap();
    }
    let root = Boto::of(&server);
    (server, root)
}

#[test]
fn whoever_pulls_without_credentials_is_served_so_often_a_minute_and_others_do_not_pay_for_it() {
    let settings = [("GANTRY_TOKENS__ANONYMOUS_PULL", "true"), ("GANTRY_TOKENS__ANONYMOUS_REQUESTS_PER_MINUTE", "3")];
    let (server, mut root) = server_with(&settings);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": PULL},
    ]});
    root.done("set_repository_policy", json!({"repositoryName": "team/app", "policyText": policy.to_string()}));
    let stranger = Client::anonymous(server.address());

    let refused: Vec<u16> = (0..3).map(|_| stranger.get("/v2/other/app/manifests/v1").status).collect();
    let answers: Vec<_> = (0..4).map(|_| stranger.get("/v2/team/app/manifests/v1")).collect();

    assert_eq!(refused, [401; 3], "who is asked for credentials may ask again");
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    let wait: u64 = answers[3].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(answers[3].code(), "TOOMANYREQUESTS");
    assert_eq!(server.client().get("/v2/team/app/manifests/v1").status, 200);
    let metrics = server.client().get("/metrics").text();
    for line in [
        "gantry_anonymous_requests_total{outcome=\"limited\"} 1.0",
        "gantry_anonymous_requests_total{outcome=\"served\"} 3.0",
    ] {
        assert!(metrics.lines().any(|printed| printed == line), "{line} in\n{metrics}");
    }
}

#[test]
fn ci_pushes_to_its_own_repositories_and_production_only_pulls() {
    let (server, mut root) = server();
    let (id, secret) = user(&mut root, "ci", Some(&allowing(PUSH, "team/")));
    let ci = Client::new(server.address(), &id, &secret);
    let (id, secret) = user(&mut root, "production", Some(&allowing(PULL, "")));
    let production = Client::new(server.address(), &id, &secret);

    Image::small(2).push(&ci, "team/app", "v2").unwrap();

    Image::small(2).check(&production, "team/app", "v2").unwrap();
    let refused = ci.get("/v2/other/app/manifests/v1");
    assert_eq!((refused.status, refused.code()), (403, "DENIED".into()));
    assert!(
        refused.text().contains(
            "arn:aws:iam::000000000000:user/ci is not authorized to perform: ecr:BatchGetImage on resource: \
             arn:aws:ecr:us-east-1:000000000000:repository/other/app because no identity-based policy allows"
        ),
        "{}",
        refused.text()
    );
    assert_eq!(production.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]).status, 403);
    let unknown = ci.get("/v2/nothing/here/manifests/v1");
    assert_eq!(unknown.text().replace("nothing/here", "other/app"), refused.text(), "what exists is not told");
}

#[test]
fn crane_and_skopeo_pull_as_a_user_who_may() {
    let (server, mut root) = server();
    let (id, secret) = user(&mut root, "puller", Some(&allowing(PULL, "team/")));
    let (home, host) = (Home::new(), server.address());

    home.feed(&format!("crane auth login {host} --username {id} --password-stdin"), &secret).succeeded();
    home.run(&format!("crane validate --insecure --fast --remote {host}/team/app:v1")).succeeded();
    let said = home.run(&format!("crane digest {host}/other/app:v1")).refused();
    let creds = format!("--creds {id}:{secret}");
    let at = format!("--no-tags --tls-verify=false {creds} docker://{host}/team/app:v1");
    home.run(&format!("skopeo inspect {at}")).succeeded();

    assert!(said.contains("403") || said.to_lowercase().contains("denied"), "{said}");
}

#[test]
fn a_password_of_get_authorization_token_stands_for_the_user_who_asked() {
    let (server, mut root) = server();
    let (id, secret) = user(&mut root, "ci", Some(&allowing(PULL, "team/")));
    let mut ci = Boto::with(&server, &id, &secret);

    let data = done(&mut ci, "ecr", "get_authorization_token", json!({}))["authorizationData"][0].take();
    let token = data["authorizationToken"].as_str().unwrap();
    let client = Client::anonymous(server.address()).with_authorization(&format!("Basic {token}"));

    Image::small(1).check(&client, "team/app", "v1").unwrap();
    assert_eq!(client.get("/v2/other/app/manifests/v1").status, 403);
    let Refused { code, .. } = ci.refused("delete_repository", json!({"repositoryName": "team/app", "force": true}));
    assert_eq!(code, "AccessDeniedException");
}

#[test]
fn a_repository_gives_rights_to_whom_its_policy_names() {
    let (server, mut root) = server();
    let (id, secret) = user(&mut root, "guest", None);
    let guest = Client::new(server.address(), &id, &secret);
    let before = guest.get("/v2/team/app/manifests/v1").status;

    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/guest"}, "Action": PULL,
    }]});
    root.done("set_repository_policy", json!({"repositoryName": "team/app", "policyText": policy.to_string()}));
    let after = guest.get("/v2/team/app/manifests/v1").status;
    root.done("delete_repository_policy", json!({"repositoryName": "team/app"}));

    assert_eq!((before, after, guest.get("/v2/team/app/manifests/v1").status), (403, 200, 403));
}

#[test]
fn a_key_that_is_switched_off_and_a_user_who_is_deleted_are_refused_at_once() {
    let (server, mut root) = server();
    let (id, secret) = user(&mut root, "ci", Some(&allowing(PULL, "")));
    let ci = Client::new(server.address(), &id, &secret);
    let token = ci.get("/token?scope=repository:team/app:pull").json()["token"].as_str().unwrap().to_string();
    let bearer = Client::anonymous(server.address()).with_authorization(&format!("Bearer {token}"));
    let before = (ci.get("/v2/").status, bearer.get("/v2/team/app/manifests/v1").status);

    let key = json!({"UserName": "ci", "AccessKeyId": id, "Status": "Inactive"});
    done(&mut root, "iam", "update_access_key", key);

    assert_eq!(before, (200, 200));
    assert_eq!((ci.get("/v2/").status, bearer.get("/v2/team/app/manifests/v1").status), (401, 401));
}

#[test]
fn a_role_is_assumed_by_whom_it_trusts_and_narrowed_by_the_policy_of_the_session() {
    let (server, mut root) = server();
    let (id, secret) = user(&mut root, "ci", None);
    let mut ci = Boto::with(&server, &id, &secret);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/ci"}, "Action": "sts:AssumeRole",
    }]});
    let role = json!({"RoleName": "deploy", "AssumeRolePolicyDocument": trust.to_string()});
    done(&mut root, "iam", "create_role", role);
    let policy = json!({"RoleName": "deploy", "PolicyName": "p", "PolicyDocument": allowing(PULL, "").to_string()});
    done(&mut root, "iam", "put_role_policy", policy);

    let asked = json!({
        "RoleArn": "arn:aws:iam::000000000000:role/deploy",
        "RoleSessionName": "build-7",
        "Policy": allowing(PULL, "team/").to_string(),
    });
    let assumed = done(&mut ci, "sts", "assume_role", asked);
    let credentials = &assumed["Credentials"];
    let keys = json!({
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    });
    let who = ci.ask_as(keys.clone(), "sts", "get_caller_identity", json!({})).unwrap();
    let told = ci.ask_as(keys, "ecr", "get_authorization_token", json!({})).unwrap();
    let token = told["authorizationData"][0]["authorizationToken"].as_str().unwrap();
    let session = Client::anonymous(server.address()).with_authorization(&format!("Basic {token}"));

    assert_eq!(who["Arn"], "arn:aws:sts::000000000000:assumed-role/deploy/build-7");
    Image::small(1).check(&session, "team/app", "v1").unwrap();
    assert_eq!(session.get("/v2/other/app/manifests/v1").status, 403);
}

#[test]
fn what_users_are_and_may_survives_the_death_of_the_server() {
    let (mut server, mut root) = server();
    let (id, secret) = user(&mut root, "ci", Some(&allowing(PULL, "team/")));

    server.kill();
    server.restart();

    let ci = Client::new(server.address(), &id, &secret);
    Image::small(1).check(&ci, "team/app", "v1").unwrap();
    assert_eq!(ci.get("/v2/other/app/manifests/v1").status, 403);
}

#[test]
fn anybody_pulls_what_a_policy_opens_where_the_server_allows_it() {
    let open = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": PULL}]});
    let mut statuses = Vec::new();
    for settings in [&[][..], &[("GANTRY_TOKENS__ANONYMOUS_PULL", "true")]] {
        let (server, mut root) = server_with(settings);
        root.done("set_repository_policy", json!({"repositoryName": "team/app", "policyText": open.to_string()}));
        let nobody = Client::anonymous(server.address());
        statuses.push((
            nobody.get("/v2/team/app/manifests/v1").status,
            nobody.get("/v2/other/app/manifests/v1").status,
            nobody.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]).status,
        ));
    }

    assert_eq!(statuses, [(401, 401, 401), (200, 401, 401)]);
}

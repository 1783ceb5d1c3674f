//! Several accounts on one site: each has its own root, users, repositories and host, and sees nothing of the others.

use crate::{
    aws::{Boto, Refused},
    clients::Home,
    commands::Person,
};
use gantry_e2e::{Answer, Client, Image, PASSWORD, Server, USER, digest, program, until};
use serde_json::{Value, json};
use std::time::Duration;

const OTHER: &str = "222222222222";
const OTHER_HOST: &str = "222222222222.dkr.ecr.us-east-1.gantry.local";
const OWN_HOST: &str = "000000000000.dkr.ecr.us-east-1.gantry.local";
const PULL: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// A site with a second account.
struct Site {
    server: Server,
    /// The key of the second account's root.
    key: (String, String),
}

impl Site {
    fn start() -> Site {
        let server = Server::start();
        let key = create(&server, OTHER);
        Site { server, key }
    }

    /// The root of the site, at the host of his account.
    fn root(&self) -> Client {
        Client::new(self.server.address(), USER, PASSWORD)
    }

    /// The root of the second account, at its host.
    fn other_root(&self) -> Client {
        self.at(OTHER_HOST, &self.key)
    }

    fn at(&self, host: &str, (id, secret): &(String, String)) -> Client {
        Client::new(self.server.address(), id, secret).at_host(host)
    }

    fn other_boto(&self) -> Boto {
        Boto::with(&self.server, &self.key.0, &self.key.1)
    }
}

fn text(document: &Value, member: &str) -> String {
    document[member].as_str().unwrap_or_else(|| panic!("{document} has no {member}")).to_string()
}

/// Creates an account; returns the key of its root.
fn create(server: &Server, id: &str) -> (String, String) {
    let created = post(&Client::new(server.address(), USER, PASSWORD), "/api/v1/accounts", &json!({"accountId": id}));
    assert_eq!(created.status, 201, "{}", created.text());
    (text(&created.json(), "accessKeyId"), text(&created.json(), "secretAccessKey"))
}

fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// A user of an account with a policy; returns its key.
fn user(root: &mut Boto, name: &str, actions: &[&str]) -> (String, String) {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
    root.ask("iam", "create_user", json!({"UserName": name})).unwrap();
    let document = json!({"UserName": name, "PolicyName": "own", "PolicyDocument": policy.to_string()});
    root.ask("iam", "put_user_policy", document).unwrap();
    let key = root.ask("iam", "create_access_key", json!({"UserName": name})).unwrap()["AccessKey"].take();
    (text(&key, "AccessKeyId"), text(&key, "SecretAccessKey"))
}

fn token(client: &Client, scope: &str) -> String {
    text(&client.get(&format!("/token?scope={scope}")).json(), "token")
}

#[test]
fn crane_and_skopeo_push_and_pull_in_two_accounts_that_have_repositories_of_the_same_name() {
    let site = Site::start();
    Image::small(1).push(&site.root(), "team/app", "v1").unwrap();
    Image::small(2).push(&site.other_root(), "team/app", "v1").unwrap();
    let home = Home::new().behind(&site.server);
    let (id, secret) = &site.key;
    home.feed(&format!("crane auth login {OTHER_HOST} --username {id} --password-stdin"), secret).succeeded();
    home.feed(&format!("crane auth login {OWN_HOST} --username {USER} --password-stdin"), PASSWORD).succeeded();

    home.run(&format!("crane copy --insecure {OTHER_HOST}/team/app:v1 {OTHER_HOST}/team/copy:v1")).succeeded();
    home.run(&format!("crane copy --insecure {OWN_HOST}/team/app:v1 {OTHER_HOST}/team/moved:v1")).succeeded();
    let of_other = home.run(&format!("crane digest --insecure {OTHER_HOST}/team/copy:v1")).succeeded();
    let of_own = home.run(&format!("crane digest --insecure {OWN_HOST}/team/app:v1")).succeeded();
    let listed = home.run(&format!("crane catalog --insecure {OTHER_HOST}")).succeeded();
    let creds = format!("--creds {id}:{secret} --tls-verify=false");
    home.run(&format!("skopeo inspect --no-tags {creds} docker://{OTHER_HOST}/team/moved:v1")).succeeded();

    assert_eq!(
        (of_other.output.trim(), of_own.output.trim()),
        (&*Image::small(2).digest(), &*Image::small(1).digest())
    );
    assert_eq!(listed.output.lines().collect::<Vec<_>>(), ["team/app", "team/copy", "team/moved"]);
    assert_eq!(site.root().get("/v2/_catalog").json(), json!({"repositories": ["team/app"]}));
}

#[test]
fn boto3_is_in_the_account_of_its_key() {
    let site = Site::start();
    Image::small(1).push(&site.root(), "team/app", "v1").unwrap();
    let mut other = site.other_boto();

    let identity = other.ask("sts", "get_caller_identity", json!({})).unwrap();
    let before = other.done("describe_repositories", json!({}))["repositories"].take();
    let created = other.done("create_repository", json!({"repositoryName": "team/own"}))["repository"].take();
    let login = other.done("get_authorization_token", json!({}))["authorizationData"][0].take();
    other.ask("iam", "create_user", json!({"UserName": "ann"})).unwrap();

    assert_eq!(identity["Arn"], "arn:aws:iam::222222222222:root");
    assert_eq!(before, json!([]));
    assert_eq!(created["repositoryArn"], "arn:aws:ecr:us-east-1:222222222222:repository/team/own");
    let port = site.server.address().rsplit_once(':').unwrap().1;
    assert_eq!(created["repositoryUri"], format!("222222222222.dkr.ecr.us-east-1.localhost:{port}/team/own"));
    assert_eq!(login["proxyEndpoint"], format!("http://222222222222.dkr.ecr.us-east-1.localhost:{port}"));
    let basic = Client::anonymous(site.server.address()).at_host(OTHER_HOST);
    let basic = basic.with_authorization(&format!("Basic {}", text(&login, "authorizationToken")));
    assert_eq!(Image::small(3).push(&basic, "team/own", "v1").unwrap().status, 201);
    let mut own = Boto::of(&site.server);
    assert_eq!(own.ask("iam", "list_users", json!({})).unwrap()["Users"], json!([]));
    let listed = own.done("describe_repositories", json!({}))["repositories"].take();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn a_user_of_another_account_pulls_where_both_accounts_say_so() {
    let site = Site::start();
    Image::small(1).push(&site.root(), "team/app", "v1").unwrap();
    let mut other = site.other_boto();
    let puller = user(&mut other, "puller", &["ecr:*"]);
    let idle = user(&mut other, "idle", &["ecr:DescribeRepositories"]);
    let pull = |key| site.at(OWN_HOST, key).get("/v2/team/app/manifests/v1").status;
    let before = pull(&puller);

    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": PULL,
    }]});
    let put = json!({"repositoryName": "team/app", "policyText": policy.to_string()});
    Boto::of(&site.server).done("set_repository_policy", put);

    assert_eq!(before, 403);
    Image::small(1).check(&site.at(OWN_HOST, &puller), "team/app", "v1").unwrap();
    let bearer = token(&site.at(OWN_HOST, &puller), "repository:team/app:pull");
    let bearer =
        Client::anonymous(site.server.address()).at_host(OWN_HOST).with_authorization(&format!("Bearer {bearer}"));
    Image::small(1).check(&bearer, "team/app", "v1").unwrap();
    assert_eq!(pull(&idle), 403, "the caller's side is missing");
    assert_eq!(pull(&site.key), 200, "the root of an account may what its account may");
    assert_eq!(site.at(OWN_HOST, &puller).send("DELETE", "/v2/team/app/manifests/v1", &[], &[]).status, 403);
    let mut puller = Boto::with(&site.server, &puller.0, &puller.1);
    let ask = json!({"registryId": "000000000000", "repositoryName": "team/app", "imageIds": [{"imageTag": "v1"}]});
    let got = puller.done("batch_get_image", ask);
    assert_eq!(got["images"][0]["imageId"]["imageDigest"], Image::small(1).digest());
    let layer = json!({"registryId": "000000000000", "repositoryName": "team/app", "layerDigest": digest(&Image::small(1).layers[0])});
    let url = text(&puller.done("get_download_url_for_layer", layer), "downloadUrl");
    assert_eq!(Client::anonymous(site.server.address()).get(&url).body, Image::small(1).layers[0]);
}

#[test]
fn nothing_of_an_account_is_seen_from_another() {
    let site = Site::start();
    Image::small(1).push(&site.root(), "secret/app", "v1").unwrap();
    let intruder = site.at(OWN_HOST, &site.key);
    let at_home = site.other_root();

    assert_eq!(at_home.get("/v2/secret/app/manifests/v1").status, 404);
    assert_eq!(intruder.get("/v2/secret/app/manifests/v1").status, 403);
    let unknown = intruder.get("/v2/nothing/there/manifests/v1");
    let known = intruder.get("/v2/secret/app/manifests/v1");
    assert_eq!(unknown.text().replace("nothing/there", "secret/app"), known.text(), "what exists is not told");
    assert_eq!(intruder.get("/v2/secret/app/tags/list").status, 403);
    for page in ["/v2/_catalog", "/v2/_catalog?n=1"] {
        let catalog = intruder.get(page);
        assert_eq!((catalog.json(), catalog.header("link")), (json!({"repositories": []}), None));
    }
    assert_eq!(at_home.get("/api/v1/repositories").json(), json!({"repositories": []}));
    assert_eq!(at_home.get("/api/v1/repositories/secret/app").status, 404);
    assert_eq!(at_home.get("/metrics").status, 403);
    post(&at_home, "/api/v1/repositories", &json!({"name": "team/own"}));
    let records = || at_home.get("/api/v1/audit?limit=1000").text();
    assert!(until(Duration::from_secs(10), || records().contains("222222222222:root")), "{}", records());
    assert!(!records().contains("000000000000:root"), "{}", records());
    let Refused { code, .. } = site
        .other_boto()
        .refused("describe_images", json!({"registryId": "000000000000", "repositoryName": "secret/app"}));
    assert_eq!(code, "AccessDeniedException");
    let elsewhere = json!({"registryId": "000000000000"});
    assert_eq!(site.other_boto().done("describe_repositories", elsewhere)["repositories"], json!([]));
}

#[test]
fn a_blob_of_another_account_is_not_mounted_but_uploaded() {
    let site = Site::start();
    let image = Image::small(1);
    image.push(&site.root(), "secret/app", "v1").unwrap();
    let blob = digest(&image.layers[0]);

    let mounts = [format!("mount={blob}&from=secret/app"), format!("mount={blob}")];

    for mount in mounts {
        let answer = site.other_root().send("POST", &format!("/v2/team/app/blobs/uploads/?{mount}"), &[], &[]);
        assert_eq!(answer.status, 202, "{mount}");
    }
    assert_eq!(site.other_root().head(&format!("/v2/team/app/blobs/{blob}")).status, 404);
}

#[test]
fn a_mount_by_somebody_from_another_account_needs_the_right_on_both_repositories() {
    let site = Site::start();
    let image = Image::small(1);
    image.push(&site.root(), "secret/app", "v1").unwrap();
    Image::small(2).push(&site.root(), "shared/app", "v1").unwrap();
    let blob = digest(&image.layers[0]);
    let mut own = Boto::of(&site.server);
    let mut share = |name: &str, actions: &[&str]| {
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": actions,
        }]});
        own.done("set_repository_policy", json!({"repositoryName": name, "policyText": policy.to_string()}));
    };
    let mount = || {
        let path = format!("/v2/shared/app/blobs/uploads/?mount={blob}&from=secret/app");
        site.at(OWN_HOST, &site.key).send("POST", &path, &[], &[]).status
    };

    share("shared/app", &["ecr:InitiateLayerUpload", "ecr:CompleteLayerUpload"]);
    let with_target_only = mount();
    share("secret/app", PULL);
    let with_both = mount();

    assert_eq!((with_target_only, with_both), (202, 201));
}

#[test]
fn a_token_for_one_registry_opens_no_other() {
    let site = Site::start();
    for root in [site.root(), site.other_root()] {
        Image::small(1).push(&root, "team/app", "v1").unwrap();
    }
    let scope = "repository:team/app:pull";
    let own = token(&site.root(), scope);
    let other = token(&site.other_root(), scope);
    // The same person, who asked at the wrong door.
    let misplaced = token(&site.at(OWN_HOST, &site.key), scope);
    let pull = |token: &str, host: &str| {
        let client = Client::anonymous(site.server.address()).at_host(host);
        client.with_authorization(&format!("Bearer {token}")).get("/v2/team/app/manifests/v1").status
    };

    let answers = [&own, &other, &misplaced].map(|token| (pull(token, OWN_HOST), pull(token, OTHER_HOST)));

    assert_eq!(answers, [(200, 401), (401, 200), (403, 401)]);
    let rest = Client::anonymous(site.server.address()).with_authorization(&format!("Bearer {misplaced}"));
    assert_eq!(rest.get("/api/v1/repositories").status, 401);
}

#[test]
fn only_the_root_of_the_site_administers_accounts() {
    let site = Site::start();
    let admin = user(&mut Boto::of(&site.server), "admin", &["*"]);
    let body = json!({"accountId": "333333333333"});

    for client in [site.other_root(), site.at(OWN_HOST, &admin)] {
        assert_eq!(client.get("/api/v1/accounts").status, 403);
        assert_eq!(post(&client, "/api/v1/accounts", &body).status, 403);
        assert_eq!(post(&client, &format!("/api/v1/accounts/{OTHER}/root-key"), &json!({})).status, 403);
        assert_eq!(client.send("DELETE", &format!("/api/v1/accounts/{OTHER}"), &[], &[]).status, 403);
    }
    assert_eq!(post(&site.root(), "/api/v1/accounts", &json!({"accountId": OTHER})).status, 409);
    assert_eq!(post(&site.root(), "/api/v1/accounts", &json!({"accountId": "000000000000"})).status, 409);
    assert_eq!(post(&site.root(), "/api/v1/accounts", &json!({"accountId": "12"})).status, 400);
}

#[test]
fn the_root_of_the_site_bounds_and_sees_what_another_account_uses() {
    let site = Site::start();
    let limits = json!({"bytesHard": 1}).to_string();
    let put = |client: &Client, account: &str| {
        let path = format!("/api/v1/quotas/%2A?account={account}");
        client.send("PUT", &path, &[("content-type", "application/json")], limits.as_bytes()).status
    };

    let statuses =
        (put(&site.other_root(), "000000000000"), put(&site.root(), OTHER), put(&site.root(), "999999999999"));
    let refused = site.other_root().push_blob("team/app", &Image::small(1).layers[0]).unwrap();
    Image::small(1).push(&site.root(), "team/app", "v1").unwrap();

    assert_eq!(statuses, (403, 200, 404));
    assert_eq!((refused.status, refused.code().as_str()), (413, "DENIED"), "{}", refused.text());
    let own = site.root().get("/api/v1/quotas").json();
    let others = site.root().get(&format!("/api/v1/quotas?account={OTHER}")).json();
    assert_eq!((&own["quotas"], text(&others["quotas"][0], "scope").as_str()), (&json!([]), "*"));
    let usage = site.root().get(&format!("/api/v1/usage?by=account&account={OTHER}")).json();
    assert_eq!(text(&usage["usage"][0], "name"), OTHER);
    assert_eq!(site.other_root().get("/api/v1/usage?account=000000000000").status, 403);
}

#[test]
fn an_account_is_made_listed_renewed_suspended_and_deleted_by_command() {
    let person = Person::logged_in();
    let address = person.server.address().to_string();
    let created: Value =
        serde_json::from_str(&person.types(&["account", "create", OTHER, "--name", "payments", "--output", "json"]))
            .unwrap();
    let client = |key: &Value| {
        Client::new(&address, &text(key, "accessKeyId"), &text(key, "secretAccessKey")).at_host(OTHER_HOST)
    };
    let old = client(&created);
    Image::small(1).push(&old, "team/app", "v1").unwrap();
    let bearer = token(&old, "repository:team/app:pull");
    let bearer = Client::anonymous(&address).at_host(OTHER_HOST).with_authorization(&format!("Bearer {bearer}"));
    assert_eq!(bearer.get("/v2/team/app/manifests/v1").status, 200);

    let renewed = person.types(&["account", "rotate-root", OTHER, "--output", "json"]);
    let new = client(&serde_json::from_str(&renewed).unwrap());
    assert_eq!((old.get("/v2/").status, new.get("/v2/").status), (401, 200));
    assert_eq!(bearer.get("/v2/team/app/manifests/v1").status, 401, "a token ends with the key it was issued for");

    person.types(&["account", "suspend", OTHER]);
    assert_eq!(new.get("/v2/").status, 401);
    let listed = person.types(&["account", "ls"]);
    assert!(listed.contains("payments") && listed.contains("suspended"), "{listed}");
    person.types(&["account", "resume", OTHER]);
    assert_eq!(new.get("/v2/").status, 200);

    let (code, _, said) = person.tries(&["account", "delete", OTHER, "--yes"]);
    assert!(code != 0 && said.contains("repositories"), "{said}");
    assert_eq!(new.send("DELETE", "/api/v1/repositories/team/app?force=true", &[], &[]).status, 204);
    new.send("DELETE", "/api/v1/trash", &[], &[]);
    person.types(&["account", "delete", OTHER, "--yes"]);
    assert_eq!(new.get("/v2/").status, 401);
    let listed = person.types(&["account", "ls"]);
    assert!(!listed.contains(OTHER) && listed.contains("000000000000"), "{listed}");
    assert!(!person.server.log().contains(&text(&created, "secretAccessKey")));
}

#[test]
fn accounts_and_their_keys_outlive_a_restart() {
    let Site { mut server, key } = Site::start();
    let client = Client::new(server.address(), &key.0, &key.1).at_host(OTHER_HOST);
    Image::small(1).push(&client, "team/app", "v1").unwrap();

    server.restart();

    let client = Client::new(server.address(), &key.0, &key.1).at_host(OTHER_HOST);
    Image::small(1).check(&client, "team/app", "v1").unwrap();
}

#[test]
fn somebody_becomes_a_role_of_another_account_that_trusts_his() {
    let site = Site::start();
    Image::small(1).push(&site.root(), "team/app", "v1").unwrap();
    let mut own = Boto::of(&site.server);
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "sts:AssumeRole",
    }});
    let role = json!({"RoleName": "guests", "AssumeRolePolicyDocument": trust.to_string()});
    own.ask("iam", "create_role", role).unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}});
    let inline = json!({"RoleName": "guests", "PolicyName": "own", "PolicyDocument": policy.to_string()});
    own.ask("iam", "put_role_policy", inline).unwrap();
    let mut other = site.other_boto();
    let ci = user(&mut other, "ci", &["sts:AssumeRole"]);
    let idle = user(&mut other, "idle", &["ecr:*"]);
    let assume = json!({"RoleArn": "arn:aws:iam::000000000000:role/guests", "RoleSessionName": "one"});

    let refused = Boto::with(&site.server, &idle.0, &idle.1).ask("sts", "assume_role", assume.clone()).unwrap_err();
    let assumed = Boto::with(&site.server, &ci.0, &ci.1).ask("sts", "assume_role", assume).unwrap();

    assert_eq!(refused.code, "AccessDenied");
    let keys = &assumed["Credentials"];
    let keys = json!({
        "aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    });
    let seen = own.ask_as(keys, "ecr", "describe_repositories", json!({})).unwrap();
    assert_eq!(seen["repositories"][0]["registryId"], "000000000000");
}

#[test]
fn the_audit_of_any_account_is_read_from_the_data_folder() {
    let site = Site::start();
    let image = Image::small(21);
    assert_eq!(image.push(&site.other_root(), "team/theirs", "v1").unwrap().status, 201);
    let ls = |account: &[&str]| {
        let filters = ["audit", "ls", "--action", "ecr:PutImage", "--output", "json"];
        let (code, output, errors) = site.server.tool(&[&filters, account].concat());
        assert_eq!(code, 0, "{errors}");
        output
    };
    // The record of a change waits for its row of the change trail.
    assert!(until(Duration::from_secs(20), || ls(&["--account", OTHER]).contains(&image.digest())));

    let (theirs, own) = (ls(&["--account", OTHER]), ls(&[]));
    let (code, exported, errors) = site.server.tool(&["audit", "export", "--account", OTHER]);
    let (verified, _, findings) = site.server.tool(&["audit", "verify"]);
    let asked =
        program().args(["audit", "ls", "--account", OTHER, "--server", site.server.address()]).output().unwrap();

    assert!(theirs.contains("team/theirs") && !own.contains("team/theirs"), "{theirs}{own}");
    assert!(code == 0 && exported.contains(&image.digest()), "{exported}{errors}");
    assert_eq!(verified, 0, "{findings}");
    let refusal = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert!(asked.status.code() == Some(2) && refusal.contains("--data-dir"), "{refusal}");
}

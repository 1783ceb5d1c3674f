//! Jobs without secrets that last: tokens of an identity provider in AWS's clients, in docker's, on nodes and in Kubernetes.

use crate::{
    aws::{Boto, Refused},
    clients::Home,
};
use gantry_e2e::{Answer, Client, Image, Issuer, Lie, PASSWORD, Server, USER, binary, until};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread::JoinHandle,
    time::Duration,
};

const GITHUB: &str = "repo:team/app:ref:refs/heads/main";
const GITLAB: &str = "project_path:team/app:ref_type:branch:ref:main";
const POD: &str = "system:serviceaccount:prod:app";

/// A server that knows an issuer, with the role `deploy`, which pushes below `team/`, for the subject GITHUB.
struct Place {
    server: Server,
    issuer: Issuer,
    root: Boto,
    home: Home,
}

impl Place {
    fn new() -> Place {
        let issuer = Issuer::start();
        let server = Server::with(&[("GANTRY_OUTBOUND__ALLOW", "127.0.0.1")]);
        for name in ["team/app", "other/app"] {
            Image::small(1).push(&server.client(), name, "v1").unwrap();
        }
        let (root, home) = (Boto::of(&server), Home::new());
        let mut place = Place { server, issuer, root, home };
        let new = json!({"Url": place.issuer.url(), "ClientIDList": ["gantry", "sts.amazonaws.com"]});
        place.root("iam", "create_open_id_connect_provider", new);
        place.home.write("ca.pem", place.issuer.certificate());
        let ca = place.home.path("ca.pem");
        place.gantry(&["provider", "set", place.issuer.url(), "--authorities", ca.to_str().unwrap()], "").done();
        place.role("deploy", GITHUB);
        place
    }

    #[track_caller]
    fn root(&mut self, service: &str, operation: &str, arguments: Value) -> Value {
        let told = arguments.to_string();
        self.root.ask(service, operation, arguments).unwrap_or_else(|refused| panic!("{operation} {told}: {refused:?}"))
    }

    /// Makes a role that pulls and pushes below `team/`, for one subject.
    fn role(&mut self, name: &str, subject: &str) {
        let host = self.issuer.host().to_string();
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::000000000000:oidc-provider/{host}")},
            "Condition": {"StringEquals": {format!("{host}:sub"): subject, format!("{host}:aud"): ["gantry", "sts.amazonaws.com"]}},
        }]});
        let document = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        self.root("iam", "create_role", document);
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/team/*"},
        ]});
        let document = json!({"RoleName": name, "PolicyName": "own", "PolicyDocument": policy.to_string()});
        self.root("iam", "put_role_policy", document);
    }

    fn token(&self, subject: &str) -> String {
        self.issuer.token(json!({"sub": subject}))
    }

    fn client(&self, user: &str, password: &str) -> Client {
        Client::new(self.server.address(), user, password)
    }

    /// Runs the program as root of the server, with something to read.
    fn gantry(&self, arguments: &[&str], input: &str) -> Done {
        self.home.write("password", PASSWORD);
        let file = self.home.path("password").display().to_string();
        self.gantry_as(&[("GANTRY_USER", USER), ("GANTRY_PASSWORD_FILE", &file)], arguments, input)
    }

    fn gantry_as(&self, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Done {
        let mut command = Command::new(binary());
        self.home.settle(&mut command);
        command.env("GANTRY_SERVER", format!("http://{}", self.server.address())).envs(variables.iter().copied());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Done { code: output.status.code().unwrap(), output: text(&output.stdout), errors: text(&output.stderr) }
    }
}

/// What a command of the program did.
struct Done {
    code: i32,
    output: String,
    errors: String,
}

impl Done {
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.output, self.errors);
        self.output
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

fn pull(client: &Client, name: &str) -> Answer {
    client.get(&format!("/v2/{name}/manifests/v1"))
}

const ROLE: &str = "arn:aws:iam::000000000000:role/deploy";

fn ask(token: &str) -> Value {
    json!({"RoleArn": ROLE, "RoleSessionName": "build-7", "WebIdentityToken": token})
}

#[test]
fn boto3_becomes_a_role_by_the_token_in_a_file() {
    let place = Place::new();
    place.home.write("token", place.issuer.token(json!({"sub": GITHUB, "aud": "sts.amazonaws.com", "jti": "1"})));

    let mut job = Boto::by_token(&place.server, ROLE, &place.home.path("token"));
    let who = job.ask("sts", "get_caller_identity", json!({})).unwrap();
    let images = job.done("list_images", json!({"repositoryName": "team/app"}));

    assert!(who["Arn"].as_str().unwrap().starts_with("arn:aws:sts::000000000000:assumed-role/deploy/"), "{who}");
    assert_eq!(images["imageIds"][0]["imageTag"], "v1");
    assert_eq!(job.refused("list_images", json!({"repositoryName": "other/app"})).code, "AccessDeniedException");
}

#[test]
fn sts_answers_and_refuses_in_the_words_of_aws() {
    let mut place = Place::new();

    let answer = place.root("sts", "assume_role_with_web_identity", ask(&place.token(GITHUB)));
    assert_eq!(answer["SubjectFromWebIdentityToken"], GITHUB);
    assert_eq!((&answer["Audience"], &answer["SourceIdentity"]), (&json!("gantry"), &json!(GITHUB)));
    assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::000000000000:assumed-role/deploy/build-7");
    assert!(answer["Provider"].as_str().unwrap().ends_with(place.issuer.host()));

    let now = place.issuer.token(json!({"sub": GITHUB, "iat": 1_700_000_000, "exp": 1_700_000_600}));
    for (token, code, status, words) in [
        (
            place.issuer.token(json!({"sub": "repo:team/app:pull_request"})),
            "AccessDenied",
            403,
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            place.issuer.token(json!({"sub": GITHUB, "aud": "another"})),
            "InvalidIdentityToken",
            400,
            "Incorrect token audience",
        ),
        (
            place.issuer.token(json!({"sub": GITHUB, "iss": "https://evil.example.com"})),
            "InvalidIdentityToken",
            400,
            "No OpenIDConnect provider found in your account for https://evil.example.com",
        ),
        (now, "ExpiredTokenException", 400, "expired"),
    ] {
        let refused = place.root.ask("sts", "assume_role_with_web_identity", ask(&token)).unwrap_err();
        let Refused { code: said, message, status: with, .. } = &refused;
        assert_eq!((said.as_str(), *with), (code, status), "{refused:?}");
        assert!(message.contains(words), "{refused:?}");
    }
    let told = until(Duration::from_secs(20), || {
        let records = place.gantry(&["audit", "ls", "--output", "json"], "").json();
        let records = records.as_array().unwrap();
        let mut by_token = records.iter().filter(|record| record["userIdentity"]["type"] == "WebIdentityUser");
        by_token.any(|record| record["userIdentity"]["userName"] == GITHUB)
    });
    assert!(told, "{}", place.gantry(&["audit", "ls", "--output", "json"], "").done());
}

fn nobody_comes_in(lie: Lie, words: &str) {
    let place = Place::new();
    place.issuer.lie(lie);

    let refused = place.client("oidc", &place.token(GITHUB)).get("/token?scope=repository:team/app:pull");

    assert_eq!(refused.status, 503, "{lie:?}: {}", refused.text());
    assert!(refused.text().contains("Couldn't retrieve verification key"), "{}", refused.text());
    assert!(place.server.log().contains(words), "{lie:?}: {}", place.server.log_end());
}

#[test]
fn a_provider_that_is_down_lets_nobody_in() {
    nobody_comes_in(Lie::Down, "answered 503");
}

/// Threat 11.
#[test]
fn a_provider_that_says_it_is_another_lets_nobody_in() {
    nobody_comes_in(Lie::OtherIssuer, "is of another issuer");
}

/// Threat 15.
#[test]
fn a_provider_whose_keys_lie_inside_lets_nobody_in() {
    nobody_comes_in(Lie::KeysInside, "10.255.255.1");
}

#[test]
fn keys_at_hand_serve_while_the_provider_is_down() {
    let place = Place::new();
    let job = place.client("oidc/deploy", &place.token(GITHUB));
    assert_eq!(pull(&job, "team/app").status, 200);
    place.issuer.lie(Lie::Down);
    let asked = place.issuer.asked();

    let another = place.client("oidc", &place.token(GITHUB));

    assert_eq!(pull(&job, "team/app").status, 200);
    assert_eq!(pull(&another, "team/app").status, 200);
    assert_eq!(place.issuer.asked(), asked, "a key that is known is asked for no more");
}

#[test]
fn a_token_is_a_password_at_the_door_and_at_the_token_service() {
    let mut place = Place::new();
    place.role("gitlab", GITLAB);
    place.role("pods", POD);

    for (subject, user) in [(GITHUB, "oidc"), (GITLAB, "oidc"), (POD, "oidc/pods")] {
        let job = place.client(user, &place.token(subject));
        let token = job.get("/token?scope=repository:team/app:pull,push").json();
        assert!(token["expires_in"].as_u64().unwrap() <= 600, "{token}");
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        let by_bearer = Client::anonymous(place.server.address()).with_authorization(&bearer);
        assert_eq!((pull(&job, "team/app").status, pull(&by_bearer, "team/app").status), (200, 200), "{subject}");
        assert_eq!(pull(&job, "other/app").status, 403);
        Image::small(2).push(&job, "team/app", "v2").unwrap();
    }
    let wrong = place.client("oidc/gitlab", &place.token(GITHUB)).get("/token");
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("No role takes this identity token"), "{}", wrong.text());
    let forged = place.token(GITHUB) + "x";
    assert_eq!(pull(&place.client("oidc", &forged), "team/app").status, 401);
    let form = format!(
        "grant_type=password&username=oidc&password={}&service=x&scope=repository:team/app:pull",
        place.token(GITHUB)
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let by_form = Client::anonymous(place.server.address()).send("POST", "/token", &headers, form.as_bytes());
    assert_eq!(by_form.status, 200, "{}", by_form.text());
}

#[test]
fn crane_skopeo_and_helm_log_in_with_the_token_of_a_job() {
    let place = Place::new();
    let (home, host, token) = (&place.home, place.server.address(), place.token(GITHUB));

    home.feed(&format!("crane auth login {host} --username oidc --password-stdin"), &token).succeeded();
    home.run(&format!("crane validate --insecure --fast --remote {host}/team/app:v1")).succeeded();
    home.feed(&format!("skopeo login --tls-verify=false --username oidc/deploy --password-stdin {host}"), &token)
        .succeeded();
    home.run(&format!("skopeo inspect --no-tags --tls-verify=false docker://{host}/team/app:v1")).succeeded();
    home.feed(&format!("helm registry login --plain-http --username oidc --password-stdin {host}"), &token).succeeded();
}

/// Threat 9.
#[test]
fn revoked_sessions_are_out_at_once_and_the_key_of_aws_for_it_works_too() {
    let mut place = Place::new();
    let (jwt, host) = (place.token(GITHUB), place.server.address().to_string());
    let token = place.client("oidc", &jwt).get("/token?scope=repository:team/app:pull").json();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let by_bearer = Client::anonymous(&host).with_authorization(&bearer);
    assert_eq!(pull(&by_bearer, "team/app").status, 200);

    let said = place.gantry(&["session", "revoke", "--role", "deploy"], "").done();

    assert!(said.starts_with("Sessions of arn:aws:iam::000000000000:role/deploy that began before"), "{said}");
    let refused = pull(&by_bearer, "team/app");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"));
    let stale = place.client("oidc", &jwt).get("/token");
    assert!(stale.status == 401 && stale.text().contains("were revoked"), "{}", stale.text());

    place.role("other", POD);
    let pod = place.client("oidc", &place.token(POD));
    assert_eq!(pull(&pod, "team/app").status, 200);
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}},
    }]});
    let document =
        json!({"RoleName": "other", "PolicyName": "AWSRevokeOlderSessions", "PolicyDocument": policy.to_string()});
    place.root("iam", "put_role_policy", document);
    assert_eq!(pull(&pod, "team/app").status, 403);
}

/// Threat 51.
#[test]
fn the_kubelet_is_given_what_pulls_one_image() {
    let mut place = Place::new();
    place.role("pods", POD);
    let host = place.server.address().to_string();
    let request = |image: &str, token: Option<&str>| {
        json!({
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "kind": "CredentialProviderRequest",
            "image": format!("{host}/{image}"), "serviceAccountToken": token,
            "serviceAccountAnnotations": {"gantry-role": "pods"},
        })
        .to_string()
    };
    let arguments = ["kubelet-credential-provider", "--role-annotation", "gantry-role"];

    let answer = place.gantry_as(&[], &arguments, &request("team/app:v1", Some(&place.token(POD)))).json();
    let nothing = place.gantry_as(&[], &arguments, &request("team/app", None)).json();
    let refused = place.gantry_as(&[], &arguments, &request("team/app", Some(&place.token("stranger"))));

    assert_eq!(answer["cacheKeyType"], "Image");
    let auth = &answer["auth"][format!("{host}/team/app")];
    let node = place.client(auth["username"].as_str().unwrap(), auth["password"].as_str().unwrap());
    assert_eq!(pull(&node, "team/app").status, 200);
    assert_eq!(pull(&node, "team/app2").status, 403);
    assert_eq!(node.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]).status, 403);
    assert_eq!(nothing["auth"], Value::Null);
    assert!(refused.code != 0 && refused.output.is_empty(), "{}", refused.output);
    assert!(refused.errors.contains("No role takes this identity token"), "{}", refused.errors);
}

#[test]
fn docker_programs_ask_the_credential_helper_that_their_configuration_names() {
    let place = Place::new();
    let host = place.server.address().to_string();
    place.home.write("docker/config.json", json!({"credHelpers": {&host: "gantry"}}).to_string());
    place.home.write("token", place.token(GITHUB));
    let bin = place.home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(binary(), bin.join("docker-credential-gantry")).unwrap();
    let run = |line: &str| {
        let mut words = line.split_whitespace();
        let mut command = Command::new(gantry_e2e::tool(words.next().unwrap()));
        place.home.settle(&mut command);
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command.env("GANTRY_SERVER", format!("http://{host}")).env("GANTRY_USER", "oidc/deploy");
        command.env("GANTRY_PASSWORD_FILE", place.home.path("token"));
        let output = command.args(words).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };

    run(&format!("crane validate --insecure --fast --remote {host}/team/app:v1"));
    let asked = place.issuer.asked();
    run(&format!("crane copy --insecure {host}/team/app:v1 {host}/team/copy:v1"));

    assert_eq!(pull(&place.server.client(), "team/copy").status, 200);
    assert_eq!(place.issuer.asked(), asked);
    // Docker's own client, in what it does without an engine.
    run(&format!("docker manifest inspect --insecure {host}/team/copy:v1"));
}

#[test]
fn the_credential_helper_speaks_as_docker_wants_and_shows_tokens_to_its_server_alone() {
    let place = Place::new();
    let host = place.server.address().to_string();
    let token = place.token(GITHUB);
    let job = [("GANTRY_IDENTITY_TOKEN", token.as_str())];
    let ask = |verb: &str, input: &str| place.gantry_as(&job, &["docker-credential", verb], input);

    let known = ask("get", &format!("{host}\n")).json();
    let other = ask("get", "registry.example.com");

    assert_eq!((&known["ServerURL"], &known["Username"]), (&json!(host), &json!("AWS")));
    assert_eq!(pull(&place.client("AWS", known["Secret"].as_str().unwrap()), "team/app").status, 200);
    assert_eq!((other.code, other.output.as_str()), (1, "credentials not found in native keychain\n"));
    assert_eq!(ask("list", "").json(), json!({format!("https://{host}"): "AWS"}));
    assert_eq!(ask("store", r#"{"ServerURL": "x", "Username": "a", "Secret": "b"}"#).done(), "");
    assert_eq!(ask("erase", &host).done(), "");
    let nobody = place.gantry_as(&[], &["docker-credential", "get"], &host);
    assert_eq!((nobody.code, nobody.output.as_str()), (1, "credentials not found in native keychain\n"));
}

/// Stands in for the API server of a cluster: takes one request, and says what it was. No cluster runs here.
fn api_server() -> (String, JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        (head, serde_json::from_slice(&body).unwrap())
    });
    (url, served)
}

#[test]
fn a_pull_secret_is_printed_and_applied_and_pulls() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut place = Place::new();
    place.role("pods", POD);
    place.home.write("sa-token", place.token(POD));
    place.home.write("kube-token", "word-for-the-cluster");
    let path = |name: &str| place.home.path(name).display().to_string();
    let pod = [("GANTRY_USER", "oidc/pods"), ("GANTRY_PASSWORD_FILE", &path("sa-token"))];
    let (url, served) = api_server();

    let printed = place.gantry_as(&pod, &["kubernetes", "pull-secret", "pull", "--legacy"], "").json();
    let kube = path("kube-token");
    let apply = [
        "kubernetes",
        "pull-secret",
        "pull",
        "--namespace",
        "prod",
        "--apply",
        "--kube-server",
        &url,
        "--kube-token-file",
        &kube,
    ];
    place.gantry_as(&pod, &apply, "").done();
    let (head, applied) = served.join().unwrap();

    assert_eq!(printed["type"], "kubernetes.io/dockercfg");
    assert!(head.starts_with("PATCH /api/v1/namespaces/prod/secrets/pull?fieldManager=gantry&force=true"), "{head}");
    assert!(head.contains("application/apply-patch+yaml") && head.contains("Bearer word-for-the-cluster"), "{head}");
    let config = STANDARD.decode(applied["data"][".dockerconfigjson"].as_str().unwrap()).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    let auth = &config["auths"][place.server.address()];
    let node = place.client(auth["username"].as_str().unwrap(), auth["password"].as_str().unwrap());
    assert_eq!(pull(&node, "team/app").status, 200);
}

/// A child that is ended with the test.
struct Watch(std::process::Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// User and password of a secret in a file; none where there is no whole one yet.
fn secret_in(text: &[u8], host: &str) -> Option<(String, String)> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let manifest: Value = serde_json::from_slice(text).ok()?;
    let config = STANDARD.decode(manifest["data"][".dockerconfigjson"].as_str()?).ok()?;
    let config: Value = serde_json::from_slice(&config).ok()?;
    let auth = &config["auths"][host];
    Some((auth["username"].as_str()?.into(), auth["password"].as_str()?.into()))
}

#[test]
fn a_watched_pull_secret_is_written_anew_before_it_ends() {
    let mut place = Place::new();
    place.role("pods", POD);
    let soon = |seconds: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        place.issuer.token(json!({"sub": POD, "exp": now + seconds}))
    };
    // The pod's token ends soon, and what is asked with it too.
    place.home.write("sa-token", soon(20));
    let file = place.home.path("secret.json");
    let mut command = Command::new(binary());
    place.home.settle(&mut command);
    command.env("GANTRY_SERVER", format!("http://{}", place.server.address())).env("GANTRY_USER", "oidc/pods");
    command.env("GANTRY_PASSWORD_FILE", place.home.path("sa-token")).stdin(Stdio::null()).stderr(Stdio::null());
    command.args(["kubernetes", "pull-secret", "pull", "--seconds", "60", "--watch", "--file"]).arg(&file);
    let _watch = Watch(command.spawn().unwrap());
    let held = || secret_in(&std::fs::read(&file).unwrap_or_default(), place.server.address());

    assert!(until(Duration::from_secs(20), || held().is_some()));
    let first = held().unwrap();
    // As a kubelet does, who puts a new one into the file in time.
    place.home.write("sa-token", place.token(POD));
    // That is at half of the first one's minute.
    assert!(until(Duration::from_secs(50), || held().is_some_and(|now| now != first)));
    let second = held().unwrap();

    // The old one is still good when the new one is there.
    assert_eq!(pull(&place.client(&first.0, &first.1), "team/app").status, 200);
    assert_eq!(pull(&place.client(&second.0, &second.1), "team/app").status, 200);
}

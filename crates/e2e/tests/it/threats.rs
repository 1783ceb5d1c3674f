//! What attackers try, against the whole program. `docs/threats.md` says which test stands for which threat.

use crate::{
    aws::Boto,
    database::replicas_with,
    users::{PULL, PUSH, allowing, done, user},
};
use gantry_e2e::{Client, Image, MASTER_KEY, PASSWORD, Postgres, Random, Server, digest, program, until};
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
    time::Duration,
};

#[test]
fn knowing_a_digest_is_no_right_to_its_blob() {
    let server = Server::start();
    let mut root = Boto::of(&server);
    let (secret, own) = (Image::new(1, vec![Random::new(7).bytes(5_000)]), Image::small(2));
    secret.push(&server.client(), "other/secret", "v1").unwrap();
    own.push(&server.client(), "team/app", "v1").unwrap();
    let (id, key) = user(&mut root, "ci", Some(&allowing(&[PUSH, PULL].concat(), "team/")));
    let ci = Client::new(server.address(), &id, &key);
    let (known, unknown) = (digest(&secret.layers[0]), digest(b"nobody has this"));

    let looks = |digest: &str| {
        let here = format!("/v2/team/app/blobs/{digest}");
        let there = format!("/v2/other/secret/blobs/{digest}");
        let mount = |from: &str| {
            let answer = ci.send("POST", &format!("/v2/team/app/blobs/uploads/?mount={digest}{from}"), &[], &[]);
            (answer.status, answer.header("docker-content-digest").map(String::from))
        };
        let mounts = [mount("&from=other/secret"), mount("&from=no/such"), mount("")];
        ([ci.get(&here), ci.head(&here), ci.get(&there)].map(|answer| answer.status), mounts)
    };
    let manifest = String::from_utf8(own.manifest.clone()).unwrap();
    let stolen = manifest.replace(&digest(&own.layers[0]), &known);
    let pushed =
        ci.send("PUT", "/v2/team/app/manifests/stolen", &[("content-type", Image::MEDIA_TYPE)], stolen.as_bytes());

    assert_eq!(looks(&known), looks(&unknown), "what others have is not told");
    assert_eq!(looks(&known), ([404, 404, 403], [(202, None), (202, None), (202, None)]));
    assert_eq!((pushed.status, pushed.code()), (404, "MANIFEST_BLOB_UNKNOWN".into()), "{}", pushed.text());
    assert_eq!(ci.get("/v2/team/app/manifests/stolen").status, 404);
}

#[test]
fn nobody_without_credentials_gets_beyond_the_probes() {
    let server = Server::start();
    let anonymous = Client::anonymous(server.address());
    let described = server.client().get("/api/v1/openapi.json").json();
    let places =
        [("{name}", "team%2Fapp"), ("{account}", "111122223333"), ("{policy}", "arn:aws:iam::aws:policy/gantry/pull")];
    // What one proves who one is with.
    let open = ["/api/v1/device/code", "/api/v1/device/token", "/api/v1/password"];
    let mut asked = 0;

    for (path, methods) in described["paths"].as_object().unwrap() {
        let path = places
            .iter()
            .fold(path.replace("{digest}", &digest(b"")), |path, (place, value)| path.replace(place, value));
        let path = path.replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            let answer = anonymous.send(&method.to_uppercase(), &path, &[("content-type", "application/json")], b"{}");
            let refusals: &[u16] = if open.contains(&path.as_str()) { &[400, 401, 404] } else { &[401, 403] };
            assert!(refusals.contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
            asked += 1;
        }
    }
    for path in ["/v2/", "/v2/_catalog", "/v2/team/app/tags/list", "/v2/team/app/manifests/v1", "/metrics"] {
        assert_eq!(anonymous.get(path).status, 401, "{path}");
    }
    let aws = [("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories")];
    assert!([400, 401, 403].contains(&anonymous.send("POST", "/", &aws, b"{}").status));
    for path in ["/debug/pprof/", "/debug/vars", "/admin", "/api/v1/", "/server-status"] {
        assert!([401, 404].contains(&anonymous.get(path).status), "{path}");
    }
    assert_eq!((anonymous.get("/healthz").status, anonymous.get("/readyz").status), (200, 200));
    assert!(asked >= 90, "{asked} operations are described");
}

#[test]
fn no_secret_is_in_the_log_nor_in_an_answer_nor_among_the_arguments() {
    let server = Server::with(&[("GANTRY_LOG__LEVEL", "trace"), ("GANTRY_CREATE_ON_PUSH", "true")]);
    let mut root = Boto::of(&server);
    let (id, key) = user(&mut root, "ci", Some(&allowing(PUSH, "")));
    let ci = Client::new(server.address(), &id, &key);
    Image::small(1).push(&server.client(), "team/app", "v1").unwrap();
    assert_eq!(Image::small(2).push(&ci, "team/app", "v2").unwrap().status, 201);
    let token = ci.get("/token?scope=repository:team/app:pull").json()["token"].as_str().unwrap().to_string();
    let bearer = Client::anonymous(server.address()).with_authorization(&format!("Bearer {token}"));
    assert_eq!(bearer.get("/v2/team/app/manifests/v1").status, 200);
    let guess = "a-guess-that-is-somebodys-real-password";
    let mut answers = vec![Client::new(server.address(), &id, guess).get("/v2/").text()];
    answers.push(bearer.get("/v2/team/other/manifests/v1").text());
    answers.push(Client::anonymous(server.address()).get(&format!("/token?account=x&password={guess}")).text());

    let (log, arguments) = (server.log(), fs::read_to_string(format!("/proc/{}/cmdline", server.pid())).unwrap());

    for secret in [&key, &token, guess, PASSWORD] {
        assert!(!log.contains(secret), "{secret} is in the log");
        assert!(!arguments.contains(secret), "{secret} is among the arguments");
        assert!(!answers.iter().any(|answer| answer.contains(secret)), "{answers:?}");
    }
    assert!(log.contains("/v2/team/app/manifests/v1"), "{log}");
}

#[test]
fn the_credentials_of_the_first_start_are_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serve = program();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data).stdin(Stdio::null());
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());

    let mut said = String::new();
    while !said.contains("push") && stdout.read_line(&mut said).unwrap() > 0 {}
    child.kill().unwrap();
    said.push_str(&String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr));

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data.join("root-credentials")), mode(&data)), (0o600, 0o700), "{said}");
    let credentials = fs::read_to_string(data.join("root-credentials")).unwrap();
    let secret = credentials.split(|c: char| c.is_whitespace() || c == '=').max_by_key(|word| word.len()).unwrap();
    assert!(secret.len() >= 30 && !said.contains(secret), "the start says the secret");
    assert!(said.contains("root-credentials"), "{said}");
}

#[test]
fn a_signature_is_found_below_any_heap_of_referrers() {
    let server = Server::start();
    let (client, image) = (server.client(), Image::small(1));
    image.push(&client, "team/app", "v1").unwrap();
    let refer = |kind: &str, number: usize| {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": kind, "annotations": {"number": number.to_string()},
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2},
            "layers": [],
            "subject": {"mediaType": Image::MEDIA_TYPE, "digest": image.digest(), "size": image.manifest.len()},
        })
        .to_string();
        let path = format!("/v2/team/app/manifests/{}", digest(manifest.as_bytes()));
        let media = [("content-type", "application/vnd.oci.image.manifest.v1+json")];
        let pushed = client.send("PUT", &path, &media, manifest.as_bytes());
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        digest(manifest.as_bytes())
    };
    client.push_blob("team/app", b"{}").unwrap();
    let signature = refer("application/vnd.cncf.notary.signature", 0);

    for number in 0..1_500 {
        refer("application/vnd.junk", number);
    }
    let kind = "artifactType=application/vnd.cncf.notary.signature";
    let found = client.get(&format!("/v2/team/app/referrers/{}?{kind}", image.digest()));

    let list = found.json()["manifests"].take();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["digest"]), (1, &json!(signature)), "{}", found.text());
    assert_eq!(found.header("oci-filters-applied"), Some("artifactType"));
    assert!(found.header("link").is_none(), "one page is enough");
}

#[test]
fn what_is_taken_away_at_one_server_is_gone_at_every_other_within_seconds() {
    let (postgres, folder) = (Postgres::start(), tempfile::tempdir().unwrap());
    let [one, two] = replicas_with(&postgres, folder.path(), &[MASTER_KEY]);
    Image::small(1).push(&one.client(), "team/app", "v1").unwrap();
    let mut root = Boto::of(&one);
    let (id, secret) = user(&mut root, "ci", Some(&allowing(PULL, "")));
    let ci = Client::new(two.address(), &id, &secret);
    let in_time = Duration::from_secs(5);
    let manifest = "/v2/team/app/manifests/v1";
    assert!(until(in_time, || ci.get(manifest).status == 200), "{}", ci.get(manifest).text());
    let token = ci.get("/token?scope=repository:team/app:pull").json()["token"].as_str().unwrap().to_string();
    let bearer = Client::anonymous(two.address()).with_authorization(&format!("Bearer {token}"));
    assert_eq!(bearer.get(manifest).status, 200);

    done(&mut root, "iam", "delete_user_policy", json!({"UserName": "ci", "PolicyName": "own"}));
    let policy_is_gone = until(in_time, || ci.get(manifest).status == 403 && bearer.get(manifest).status == 403);
    done(&mut root, "iam", "delete_access_key", json!({"UserName": "ci", "AccessKeyId": id}));
    let key_is_gone = until(in_time, || ci.get(manifest).status == 401 && bearer.get(manifest).status == 401);

    assert!(policy_is_gone, "the policy of before still counts at the other server");
    assert!(key_is_gone, "the stolen key and its token still open the other server");
}

use super::Boto;
use gantry_access::sigv4::{PathForm, Realm, SignedRequest, print_date, sign};
use gantry_e2e::{Answer, Client, PASSWORD, Server, USER};
use gantry_words::{Secret, Timestamp};
use serde_json::json;
use std::time::{Duration, SystemTime};

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry";

/// A request that is signed by hand.
struct Call<'a> {
    server: &'a Server,
    key: &'a str,
    secret: &'a str,
    region: &'a str,
    service: &'a str,
    /// How long ago it is signed.
    age: i64,
    headers: Vec<(String, String)>,
    body: &'a str,
}

impl<'a> Call<'a> {
    fn new(server: &'a Server) -> Self {
        let headers = vec![("x-amz-target".into(), TARGET.into())];
        Call { server, key: USER, secret: PASSWORD, region: "us-east-1", service: "ecr", age: 0, headers, body: "{}" }
    }

    /// Signs it; returns the headers to be sent.
    fn signed(&self) -> Vec<(String, String)> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let at = Timestamp::from_millis(since.as_millis() as i64 - self.age * 1000);
        let mut headers = self.headers.clone();
        headers.push(("x-amz-date".into(), print_date(at)));
        let host = ("host".to_string(), self.server.address().to_string());
        let seen: Vec<_> =
            headers.iter().chain([&host]).map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &seen,
            public_host: None,
            body: self.body.as_bytes(),
            is_tls: false,
        };
        let realm = Realm { region: self.region, service: self.service, path: PathForm::Normalised };
        let signature = sign(&request, self.key, &Secret::new(self.secret.into()), &realm, at);
        headers.push(("authorization".into(), signature));
        headers
    }

    fn send(&self) -> Answer {
        send(self.server, &self.signed(), self.body)
    }
}

fn send(server: &Server, headers: &[(String, String)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Client::anonymous(server.address()).send("POST", "/", &headers, body.as_bytes())
}

/// Status and type of a refusal.
fn refusal(answer: &Answer) -> (u16, String) {
    assert!(answer.header("x-amzn-requestid").is_some() && answer.header("date").is_some(), "{answer:?}");
    (answer.status, answer.json()["__type"].as_str().unwrap().to_string())
}

#[test]
fn a_request_signed_by_hand_is_answered() {
    let server = Server::start();

    let answer = Call::new(&server).send();

    assert_eq!((answer.status, answer.json()["registryId"].as_str()), (200, Some("000000000000")), "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(answer.header("x-amzn-requestid"), answer.header("x-request-id"));
}

#[test]
fn every_way_of_signing_wrongly_has_its_exception() {
    let server = Server::start();
    let call = || Call::new(&server);

    for (call, exception) in [
        (Call { secret: "wrong", ..call() }, "InvalidSignatureException"),
        (Call { key: "AKIANOBODYNOBODYNOBO", ..call() }, "UnrecognizedClientException"),
        (Call { region: "eu-west-1", ..call() }, "InvalidSignatureException"),
        (Call { service: "s3", ..call() }, "InvalidSignatureException"),
        (Call { age: 16 * 60, ..call() }, "InvalidSignatureException"),
        (Call { age: -16 * 60, ..call() }, "InvalidSignatureException"),
    ] {
        assert_eq!(refusal(&call.send()), (400, exception.into()), "{} {} {}", call.key, call.region, call.age);
    }
    let message = Call { region: "eu-west-1", ..call() }.send().text();
    assert!(message.contains("us-east-1"), "the right region is told: {message}");
    let token = Call {
        headers: vec![("x-amz-target".into(), TARGET.into()), ("x-amz-security-token".into(), "x".into())],
        ..call()
    };
    assert_eq!(refusal(&token.send()), (400, "UnrecognizedClientException".into()));
}

#[test]
fn a_request_that_was_changed_on_the_way_is_refused() {
    let server = Server::start();
    let signed = Call::new(&server).signed();
    let change = |name: &str, value: &str| {
        let edit =
            |(known, held): &(String, String)| (known.clone(), if known == name { value.into() } else { held.clone() });
        signed.iter().map(edit).collect::<Vec<_>>()
    };

    let target = change("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories");
    let more: Vec<_> =
        signed.iter().cloned().chain([("x-amz-content-sha256".to_string(), "UNSIGNED-PAYLOAD".to_string())]).collect();
    let none: Vec<_> = signed.iter().filter(|(name, _)| name != "authorization").cloned().collect();
    let broken = change("authorization", "AWS4-HMAC-SHA256 Credential=a");
    let basic = change("authorization", "Basic QUtJQVRFU1Q6eA==");

    for (headers, body, exception) in [
        (&signed, "{\"a\": 1}", "InvalidSignatureException"),
        (&target, "{}", "InvalidSignatureException"),
        (&more, "{}", "InvalidSignatureException"),
        (&none, "{}", "MissingAuthenticationTokenException"),
        (&broken, "{}", "IncompleteSignatureException"),
        (&basic, "{}", "IncompleteSignatureException"),
    ] {
        assert_eq!(refusal(&send(&server, headers, body)), (400, exception.into()), "{headers:?}");
    }
    assert_eq!(send(&server, &signed, "{}").status, 200, "and unchanged it is taken");
}

#[test]
fn an_operation_that_does_not_exist_is_answered_at_once_with_the_nearest() {
    let server = Server::start();
    let asked = |name: &str| {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{name}");
        Call { headers: vec![("x-amz-target".into(), target)], ..Call::new(&server) }.send()
    };

    let answer = asked("CreateRegistry");

    assert_eq!(refusal(&answer), (400, "UnknownOperationException".into()));
    assert!(answer.text().contains("put-replication-configuration"), "{}", answer.text());
    assert!(asked("ListImage").text().contains("list-images"));
}

#[test]
fn bodies_are_limited_and_must_be_json() {
    let server = Server::start();
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(5 << 20));

    let refused = Call { body: &large, ..Call::new(&server) }.send();
    assert_eq!(refusal(&refused), (400, "InvalidParameterException".into()));
    for body in ["", "null", "[]", "{", "\"x\""] {
        let answer = Call { body, ..Call::new(&server) }.send();
        let wanted = if body.is_empty() { 200 } else { 400 };
        assert_eq!(answer.status, wanted, "{body:?}: {}", answer.text());
        assert!(body.is_empty() || answer.json()["__type"] == "SerializationException", "{body:?}: {}", answer.text());
    }
}

#[test]
fn sts_refuses_in_xml() {
    let server = Server::start();

    let refused = Boto::with(&server, USER, "wrong").ask("sts", "get_caller_identity", json!({})).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (403, "SignatureDoesNotMatch"));
    let refused =
        Boto::with(&server, "AKIANOBODYNOBODYNOBO", "x").ask("sts", "get_caller_identity", json!({})).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (403, "InvalidClientTokenId"));
    let refused = Boto::of(&server).ask("sts", "get_federation_token", json!({"Name": "a"})).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (400, "InvalidAction"));
}

#[test]
fn a_session_is_as_good_as_its_owner_and_begets_no_other() {
    let mut server = Server::start();
    let mut boto = Boto::of(&server);

    let session = boto.ask("sts", "get_session_token", json!({"DurationSeconds": 900})).unwrap()["Credentials"].clone();
    server.restart();
    let keys = |token: &str| json!({"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"], "aws_session_token": token});
    let token = session["SessionToken"].as_str().unwrap();
    let answer = boto.ask_as(keys(token), "ecr", "create_repository", json!({"repositoryName": "team/app"})).unwrap();

    assert!(session["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
    assert_eq!(answer["repository"]["repositoryName"], "team/app");
    let again = boto.ask_as(keys(token), "sts", "get_session_token", json!({})).unwrap_err();
    assert_eq!((again.status, again.code.as_str()), (403, "AccessDenied"));
    let forged = boto.ask_as(keys(&format!("{token}A")), "ecr", "describe_registry", json!({})).unwrap_err();
    assert_eq!((forged.status, forged.code.as_str()), (400, "UnrecognizedClientException"));
    let short = boto.ask("sts", "get_session_token", json!({"DurationSeconds": 60})).unwrap_err();
    assert_eq!((short.status, short.code.as_str()), (400, "ValidationError"));
}

#[test]
fn nobody_assumes_a_role_while_there_are_none() {
    let server = Server::start();
    let mut boto = Boto::of(&server);
    let role = "arn:aws:iam::000000000000:role/builder";

    let refused = boto.ask("sts", "assume_role", json!({"RoleArn": role, "RoleSessionName": "ci-build"})).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (403, "AccessDenied"));
    assert!(refused.message.contains("not authorized to perform: sts:AssumeRole"), "{refused:?}");
    let refused = boto.ask("sts", "assume_role", json!({"RoleArn": role, "RoleSessionName": "?"})).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (400, "ValidationError"));
}

#[test]
fn slow_bodies_take_no_more_room_than_has_come() {
    let server = Server::start();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: AmazonEC2ContainerRegistry_V20150921.UploadLayerPart\r\ncontent-length: 25000000\r\n\r\n",
        server.address()
    );
    let mut slow: Vec<_> = (0..100).map(|_| gantry_e2e::Raw::connect(server.address())).collect();
    for raw in &mut slow {
        raw.send(head.as_bytes());
    }
    std::thread::sleep(Duration::from_millis(200));

    assert_eq!(Call::new(&server).send().status, 200);
}

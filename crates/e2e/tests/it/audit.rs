//! The audit: what happened is in it, after a kill too, and whoever touches it is found out.

mod kills;

use gantry_e2e::{Client, Image, Server, USER, program, tool, until};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

const NAME: &str = "team/app";
const PATIENCE: Duration = Duration::from_secs(20);

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn records(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.client().get(&format!("/api/v1/audit?limit=1000{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["records"].as_array().unwrap().clone()
}

fn own(record: &Value) -> &Value {
    &record["additionalEventData"]["gantry"]
}

fn of_action<'a>(records: &'a [Value], action: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| own(record)["action"] == action).collect()
}

/// A server with a push, four pulls, and a login that failed; killed, and started again.
fn killed(anchors: &Path) -> (Server, Image) {
    let settings = [
        ("GANTRY_CREATE_ON_PUSH", "true"),
        ("GANTRY_AUDIT__CHECKPOINT_EVERY", "1s"),
        ("GANTRY_AUDIT__ANCHOR_FILE", anchors.to_str().unwrap()),
    ];
    let mut server = Server::with(&settings);
    let image = Image::small(1);
    assert_eq!(image.push(&server.client(), NAME, "v1").unwrap().status, 201);
    for _ in 0..4 {
        assert_eq!(server.client().get(&format!("/v2/{NAME}/manifests/v1")).status, 200);
    }
    let stranger = Client::new(server.address(), USER, "wrong");
    assert_eq!(stranger.get(&format!("/v2/{NAME}/manifests/v1")).status, 401);
    // Pulls may be lost that are younger than a second; these are not meant to be.
    let counted = "SELECT coalesce(sum(body ->> '$.additionalEventData.gantry.count'), 0) FROM audit_open \
                   WHERE body LIKE '%BatchGetImage%' AND body LIKE '%\"success\"%'";
    let open = || sqlite(server.data(), counted);
    assert!(until(PATIENCE, || open() == "4"), "{}", open());
    server.kill();
    server.restart();
    (server, image)
}

pub(crate) fn sqlite(data: &Path, text: &str) -> String {
    let output = Command::new(tool("sqlite3")).arg(data.join("metadata.db")).arg(text).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

fn verify(server: &Server, arguments: &[&str]) -> (i32, Value) {
    let (code, output, errors) = server.tool(&[&["audit", "verify", "--output", "json"], arguments].concat());
    assert!(code <= 1, "{errors}");
    (code, json(&output))
}

fn kinds(report: &Value) -> Vec<(String, u64)> {
    let findings = report["chains"][0]["findings"].as_array().unwrap();
    let told = |finding: &Value| (finding["kind"].as_str().unwrap().into(), finding["record"].as_u64().unwrap());
    findings.iter().map(told).collect()
}

#[test]
fn what_happened_before_a_kill_is_in_the_audit_and_whoever_touches_it_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let anchors = folder.path().join("anchors");
    let (mut server, image) = killed(&anchors);

    let pulls_of = |server: &Server| records(server, &format!("&repository={NAME}&action=ecr:BatchGetImage"));
    assert!(until(PATIENCE, || pulls_of(&server).len() == 2), "{:#?}", records(&server, ""));
    let all = records(&server, "");
    let pulls = pulls_of(&server);
    let pulled = pulls.iter().find(|pull| own(pull)["outcome"] == "success").unwrap();
    assert_eq!((&own(pulled)["count"], &own(pulled)["digest"]), (&4.into(), &image.digest().into()), "{pulled:#}");
    let failed = pulls.iter().find(|pull| own(pull)["outcome"] == "refused").unwrap();
    assert_eq!(
        (&failed["errorCode"], &own(failed)["kind"]),
        (&"wrong_credentials".into(), &"authentication-failure".into())
    );
    let pushed = of_action(&all, "ecr:PutImage");
    assert_eq!(pushed.len(), 1, "{all:#?}");
    assert_eq!(own(pushed[0])["digest"], image.digest().as_str());
    let acts = own(pushed[0])["changes"].as_array().unwrap().iter().map(|change| &change["act"]);
    assert!(acts.clone().any(|act| act == "registry.put_image"), "{:#}", pushed[0]);

    let with_anchors = ["--anchors", anchors.to_str().unwrap()];
    assert!(until(PATIENCE, || verify(&server, &with_anchors).1["chains"][0]["anchoredThrough"].is_u64()));
    let (code, report) = verify(&server, &with_anchors);
    assert_eq!((code, report["isAnchored"].as_bool()), (0, Some(true)), "{report:#}");
    let (code, shown, errors) = server.tool(&["audit", "verify"]);
    assert_eq!(code, 0, "{shown}{errors}");
    assert!(shown.contains("shows only that the audit agrees with itself"), "{shown}");
    server.stop();

    let data = server.data().to_path_buf();
    sqlite(&data, "UPDATE audit_bytes SET bytes = replace(bytes, 'success', 'refused') WHERE seq = 2");
    let (code, report) = verify(&server, &[]);
    assert_eq!((code, kinds(&report)), (1, vec![("edited".into(), 2), ("columns-differ".into(), 2)]), "{report:#}");
    sqlite(&data, "DELETE FROM audit_record WHERE seq = 1; DELETE FROM audit_bytes WHERE seq = 1");
    let (_, report) = verify(&server, &[]);
    assert!(kinds(&report).contains(&("missing".into(), 1)), "{report:#}");
    sqlite(
        &data,
        "DELETE FROM audit_record; DELETE FROM audit_bytes; DELETE FROM audit_checkpoint; DELETE FROM audit_writer",
    );
    let (code, _) = verify(&server, &[]);
    let (code_with_anchors, report) = verify(&server, &with_anchors);
    assert_eq!((code, code_with_anchors), (0, 1), "only an anchor tells of what is gone altogether");
    assert_eq!(kinds(&report)[0].0, "rolled-back");
}

#[test]
fn what_has_just_happened_is_listed_at_once_and_marked_as_still_counting() {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "true")]);
    Image::small(3).push(&server.client(), NAME, "v1").unwrap();
    for _ in 0..3 {
        assert_eq!(server.client().get(&format!("/v2/{NAME}/manifests/v1")).status, 200);
    }

    let pulls = records(&server, &format!("&repository={NAME}&action=ecr:BatchGetImage"));

    // Where a minute ended in between there are two.
    let count: u64 = pulls.iter().map(|pull| own(pull)["count"].as_u64().unwrap()).sum();
    assert_eq!((count, &own(&pulls[0])["pending"]), (3, &true.into()), "{pulls:#?}");
}

/// A receiver of webhooks that takes nothing until it is told to; it ends with the test.
struct Receiver {
    url: String,
    is_up: Arc<AtomicBool>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/gantry", listener.local_addr().unwrap());
        let (is_up, bodies) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(vec![])));
        let receiver = Receiver { url, is_up: is_up.clone(), bodies: bodies.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut length, mut line) = (0, String::new());
                while stream.read_line(&mut line).unwrap() > 2 {
                    if let Some(told) = line.to_lowercase().strip_prefix("content-length: ") {
                        length = told.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                let status = if is_up.load(Relaxed) { "204 No Content" } else { "503 Service Unavailable" };
                if is_up.load(Relaxed) {
                    bodies.lock().unwrap().push(String::from_utf8(body).unwrap());
                }
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        receiver
    }

    fn lines(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().iter().flat_map(|body| body.lines().map(json).collect::<Vec<_>>()).collect()
    }
}

#[test]
fn a_webhook_that_was_down_is_sent_everything_in_order_by_the_server_that_comes_after() {
    let (receiver, folder) = (Receiver::start(), tempfile::tempdir().unwrap());
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret that both sides have").unwrap();
    let mut server = Server::with(&[
        ("GANTRY_CREATE_ON_PUSH", "true"),
        ("GANTRY_OUTBOUND__ALLOW", "127.0.0.1"),
        ("GANTRY_AUDIT__WEBHOOK__URL", &receiver.url),
        ("GANTRY_AUDIT__WEBHOOK__SECRET_FILE", secret.to_str().unwrap()),
    ]);
    Image::small(4).push(&server.client(), NAME, "v1").unwrap();
    let failed = |server: &Server| {
        let metrics = server.client().get("/metrics").text();
        metrics.lines().any(|line| {
            line.strip_prefix("gantry_audit_webhook_deliveries_total{outcome=\"failed\"} ")
                .is_some_and(|count| count != "0.0")
        })
    };
    assert!(until(PATIENCE, || failed(&server)));
    server.kill();

    receiver.is_up.store(true, Relaxed);
    server.restart();
    server.client().send("DELETE", &format!("/v2/{NAME}/manifests/v1"), &[], &[]);
    assert!(until(PATIENCE, || receiver.lines().iter().any(|line| line["eventName"] == "BatchDeleteImage")));
    server.stop();

    let lines = receiver.lines();
    let ids = lines.iter().filter_map(|line| line["eventID"].as_str());
    let places: Vec<u64> = ids.map(|id| u64::from_str_radix(&id.replace('-', "")[16..], 16).unwrap()).collect();
    assert!(places.iter().copied().eq(1..=places.len() as u64), "{places:?}");
    assert!(lines.iter().any(|line| line["eventName"] == "PutImage"));
    assert!(lines.iter().any(|line| line["checkpoint"].is_string()), "anchors are among them");
    let anchors = folder.path().join("anchors");
    let told = lines.iter().filter(|line| line["checkpoint"].is_string()).map(|line| format!("{line}\n"));
    std::fs::write(&anchors, told.collect::<String>()).unwrap();
    let (code, report) = verify(&server, &["--anchors", anchors.to_str().unwrap()]);
    assert_eq!((code, report["isAnchored"].as_bool()), (0, Some(true)), "{report:#}");
}

#[test]
fn the_audit_is_listed_exported_and_counted() {
    let server = Server::with(&[("GANTRY_CREATE_ON_PUSH", "true"), ("GANTRY_AUDIT__SINGLE_RECORDS", "true")]);
    let image = Image::small(2);
    image.push(&server.client(), NAME, "v1").unwrap();
    image.check(&server.client(), NAME, "v1").unwrap();
    Client::new(server.address(), USER, "wrong").get("/v2/");

    assert!(until(PATIENCE, || !records(&server, "&action=ecr:GetDownloadUrlForLayer").is_empty()));
    let export = |to: &Path| {
        let code = server.tool(&["audit", "export", "--digest", &image.digest(), "--to", to.to_str().unwrap()]).0;
        (code, std::fs::read_to_string(to).unwrap_or_default())
    };
    let to = server.data().with_extension("jsonl");
    let (code, lines) = export(&to);
    let (code_again, _) = export(&to);
    std::fs::remove_file(&to).unwrap();
    let listed = program()
        .args(["audit", "search", "--repository", NAME, "--outcome", "success", "--limit", "5", "--data-dir"])
        .arg(server.data())
        .output()
        .unwrap();
    let metrics = server.client().get("/metrics").text();

    assert_eq!((code, code_again), (0, 3), "nothing is written over");
    assert!(lines.lines().count() >= 2, "{lines}");
    assert!(lines.lines().all(|line| own(&json(line))["digest"] == image.digest().as_str()), "{lines}");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("ecr:BatchGetImage") || listed.contains("ecr:GetDownloadUrlForLayer"), "{listed}");
    let failures = "gantry_auth_failures_total{reason=\"wrong_credentials\",source_class=\"loopback\"} 1.0";
    for line in [failures, "gantry_audit_lost_total 0.0"] {
        assert!(metrics.lines().any(|printed| printed == line), "{line} in\n{metrics}");
    }
    assert!(metrics.contains("gantry_audit_records_total"), "{metrics}");
}

use super::*;
use crate::tests::World;
use gantry_audit::{Kind, Signed};
use gantry_outbound::{Settings as OutboundSettings, SystemResolver};
use serde_json::Value;
use std::{collections::VecDeque, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const SECRET: &str = "a secret that both sides have";

/// What a receiver was sent: the head in lower case, and the body.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A receiver that gives these answers, and takes everything afterwards.
struct Receiver {
    address: SocketAddr,
    heard: Heard,
}

impl Receiver {
    async fn start(answers: &[&'static str]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        let (mut answers, told) = (VecDeque::from(answers.to_vec()), heard.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let asked = read(&mut stream).await;
                told.lock().unwrap().push(asked);
                let answer = answers.pop_front().unwrap_or("204 No Content\r\n");
                stream.write_all(format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n").as_bytes()).await.unwrap();
            }
        });
        Receiver { address, heard }
    }

    fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> (String, String) {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let mut body = vec![0; header_of(&head, "content-length").parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn header_of<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// The places of the records of a delivery, and its checkpoints.
fn lines(body: &str) -> (Vec<u64>, Vec<Signed>) {
    let place = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let id = record["eventID"].as_str().unwrap().replace('-', "");
        u64::from_str_radix(&id[16..], 16).unwrap()
    };
    let (signed, records): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.contains("\"signature\""));
    (
        records.into_iter().map(place).collect(),
        signed.into_iter().map(|line| Signed::parse_line(line).unwrap()).collect(),
    )
}

fn webhook(world: &World, audit: &Audit) -> Webhook {
    let outbound = OutboundSettings { allow: vec!["127.0.0.1/32".parse().unwrap()], ..OutboundSettings::default() };
    let client = Client::new(outbound, SystemResolver, world.env());
    Webhook::of(audit, client, webhook_secret(SECRET).unwrap(), None).unwrap()
}

fn settings(receiver: &Receiver) -> crate::Settings {
    let url = Some(format!("http://{}/audit", receiver.address));
    let webhook = WebhookSettings { url, records_max: 3, ..WebhookSettings::default() };
    crate::Settings { webhook, ..crate::Settings::default() }
}

/// Changes with these digests, in the chain.
async fn chain(world: &World, audit: &Audit, numbers: std::ops::Range<u8>) {
    for number in numbers {
        audit.note(&world.entry(Kind::Change, &format!("sha256:{number}"), number)).unwrap();
    }
    audit.flush(false).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_is_down_and_a_restart_lose_nothing_and_change_no_order() {
    let receiver =
        Receiver::start(&["503 Service Unavailable\r\nRetry-After: 7\r\n", "302 Found\r\nLocation: /\r\n"]).await;
    let mut world = World::on_sqlite();
    world.settings = settings(&receiver);
    let audit = world.audit();
    let first = webhook(&world, &audit);
    first.begin().await.unwrap();
    chain(&world, &audit, 0..5).await;

    let down = first.round().await.unwrap_err();
    let moved = first.round().await.unwrap_err();
    let lag = first.figures();
    chain(&world, &audit, 5..7).await;
    let later = world.audit();
    let second = webhook(&world, &later);
    second.begin().await.unwrap();
    while second.round().await.unwrap() {}

    assert!(matches!(down, DeliveryError::Answer { wait: Some(wait), .. } if wait.as_secs() == 7), "{down}");
    assert!(matches!(moved, DeliveryError::Answer { status: StatusCode::FOUND, wait: None }), "{moved}");
    assert_eq!((lag.failures, lag.deliveries, lag.lag_records), (2, 0, 5));
    let heard = receiver.heard();
    assert_eq!(heard[0].1, heard[1].1, "what was not taken is sent again as it was");
    let taken: Vec<_> = heard[2..].iter().flat_map(|(_, body)| lines(body).0).collect();
    assert_eq!(taken, (1..=7).collect::<Vec<_>>());
    assert!(heard[2..].iter().all(|(_, body)| lines(body).0.len() <= 3));
    assert!(!second.round().await.unwrap(), "nothing is sent twice");
}

#[tokio::test]
async fn a_delivery_is_signed_and_brings_the_checkpoints_as_anchors() {
    let receiver = Receiver::start(&[]).await;
    let mut world = World::on_sqlite();
    world.settings = settings(&receiver);
    let audit = world.audit();
    let webhook = webhook(&world, &audit);
    webhook.begin().await.unwrap();
    chain(&world, &audit, 0..2).await;
    audit.end().await.unwrap();

    while webhook.round().await.unwrap() {}

    let heard = receiver.heard();
    let (head, body) = &heard[0];
    let at = header_of(head, "x-gantry-signature").split(',').next().unwrap().strip_prefix("t=").unwrap();
    let at = Timestamp::from_millis(at.parse::<i64>().unwrap() * 1000);
    let signatures = Signatures::of(&webhook_secret(SECRET).unwrap(), at, body.as_bytes());
    assert_eq!(at.seconds(), world.env().now().seconds());
    assert_eq!(header_of(head, "x-gantry-signature"), signatures.stamped);
    assert_eq!(header_of(head, "x-hub-signature-256"), signatures.plain);
    assert_eq!(header_of(head, "content-type"), "application/x-ndjson");
    let anchors: Vec<Signed> = heard.iter().flat_map(|(_, body)| lines(body).1).collect();
    assert_eq!(anchors, *world.anchors.lock().unwrap());
    assert_eq!(world.findings(&anchors).await, []);
}

#[tokio::test]
async fn what_was_chained_before_there_was_a_webhook_is_not_sent() {
    let receiver = Receiver::start(&[]).await;
    let mut world = World::on_sqlite();
    world.settings = settings(&receiver);
    let audit = world.audit();
    chain(&world, &audit, 0..2).await;
    let webhook = webhook(&world, &audit);
    webhook.begin().await.unwrap();
    chain(&world, &audit, 2..3).await;

    while webhook.round().await.unwrap() {}

    assert_eq!(receiver.heard().iter().flat_map(|(_, body)| lines(body).0).collect::<Vec<_>>(), [3]);
    assert_eq!((webhook.figures().lag_records, webhook.figures().lag_seconds), (0, 0));
}

#[test]
fn the_wait_grows_to_a_bound_and_respects_what_the_receiver_asks_for() {
    let seconds =
        |failed, asked: Option<u64>, random| wait_after(failed, asked.map(Duration::from_secs), random).as_millis();

    assert_eq!(
        [1, 2, 3, 9, 10, 60].map(|failed| seconds(failed, None, 255)),
        [1000, 2000, 4000, 256_000, 300_000, 300_000]
    );
    assert_eq!(seconds(3, None, 0), 2000);
    assert_eq!(seconds(1, Some(60), 0), 60_000);
    assert_eq!(seconds(1, Some(86_400), 0), 300_000);
}

#[test]
fn a_webhook_without_a_secret_cannot_be_meant() {
    let settings = WebhookSettings {
        url: Some("https://siem.example.com/".into()),
        records_max: 0,
        deadline: Period::hours(1),
        ..WebhookSettings::default()
    };

    let complaints = settings.check().join("\n");

    for key in ["webhook.url", "webhook.records_max", "webhook.deadline"] {
        assert!(complaints.contains(key), "{complaints}");
    }
    assert!(webhook_secret(" 0123456789abcde\n").is_err());
    assert_eq!(webhook_secret("0123456789abcdef\n").unwrap().reveal(), "0123456789abcdef");
}

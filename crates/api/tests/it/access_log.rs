use crate::{client::request, toy::Toy};
use gantry_api::Settings;
use std::{
    io,
    sync::{Arc, Mutex, Once},
};
use tracing::subscriber::DefaultGuard;

/// What was logged while it lives, on this thread.
struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin() -> Log {
        // Whether an event is of interest is kept for all threads: without this one, a test that begins while none listens could settle
        // that for a test that does.
        static LISTENS: Once = Once::new();
        LISTENS.call_once(|| drop(tracing::subscriber::set_global_default(tracing_subscriber::registry())));
        let bytes = Arc::new(Mutex::default());
        let writer = Writer(bytes.clone());
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        Log { bytes, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines of the access log.
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line["target"] == "access").map(|line| line["fields"].clone()).collect()
    }
}

#[tokio::test]
async fn every_request_leaves_a_line() {
    let log = Log::begin();
    let toy = Toy::start().await;
    let large = toy.room.put("large", 300_000);
    let mut client = toy.client().await;

    let answer = client.ask("GET /v2/file/large?to=200000", &[]).await;
    client.send(request("PUT /v2/put", &["content-length: 5"]) + "hello").await;
    client.answer(false).await.unwrap();
    client.ask("GET /v2/manifest?secret=x", &["authorization: none"]).await;
    assert!(answer.body == large[..200_000]);
    let lines = log.lines();

    let seen = |line: &serde_json::Value| {
        let text = |name: &str| line[name].to_string().replace('"', "");
        ["method", "path", "status", "operation", "principal", "bytes_in", "bytes_out"].map(text).join(" ")
    };
    assert_eq!(
        lines.iter().map(seen).collect::<Vec<_>>()[..2],
        [
            "GET /v2/file/large 206 File arn:aws:iam::000000000000:root 0 200000",
            "PUT /v2/put 201 Put arn:aws:iam::000000000000:root 5 1",
        ]
    );
    assert!(seen(&lines[2]).starts_with("GET /v2/manifest 401 Manifest anonymous 0 "), "no query, and who it was not");
    assert_eq!(lines[0]["request_id"], answer.header("x-request-id"));
    assert_eq!(lines[0]["source"], "127.0.0.1");
    assert!(lines[0]["duration_ms"].is_number());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_line_too() {
    let log = Log::begin();
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    client.send(request("GET /v2/slow", &[])).await;
    toy.room.began.notified().await;

    drop(client);
    while log.lines().is_empty() {
        tokio::task::yield_now().await;
    }

    assert_eq!((&log.lines()[0]["status"], &log.lines()[0]["operation"]), (&499.into(), &"Slow".into()));
}

#[tokio::test]
async fn the_access_log_can_be_switched_off() {
    let log = Log::begin();
    let toy = Toy::with(Settings { access_log: false, ..Settings::default() }).await;

    toy.client().await.ask("GET /v2/manifest", &[]).await;

    assert!(log.lines().is_empty());
}

#[tokio::test]
async fn our_own_failure_is_told_to_the_log_and_not_to_the_client() {
    let log = Log::begin();
    let toy = Toy::start().await;

    let answer = toy.client().await.ask("GET /v2/panic", &[]).await;

    let text = String::from_utf8(log.bytes.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains("\"ERROR\"")).unwrap();
    assert!(line.contains("on purpose") && line.contains(answer.header("x-request-id")), "{line}");
}

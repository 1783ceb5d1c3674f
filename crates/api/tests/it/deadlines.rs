//! Slow clients, in a world whose clock jumps to whatever is awaited next.

use crate::{
    client::{Client, request},
    toy::{Toy, listener},
};
use gantry_api::Settings;
use gantry_env::Env;
use gantry_words::Period;
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::UnixStream};

fn wait(seconds: u64) -> impl Future<Output = ()> {
    Env::real().sleep(Duration::from_secs(seconds))
}

/// How long until the server closes.
async fn closes_after(client: &mut Client) -> u64 {
    let clock = crate::toy::env();
    client.rest().await;
    clock.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn headers_that_do_not_come_to_an_end_are_not_waited_for() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    client.send("GET /v2/manifest HTTP/1.1\r\nhost: a\r\n").await;

    assert!((9..=12).contains(&closes_after(&mut client).await));
}

#[tokio::test(start_paused = true)]
async fn headers_that_dribble_are_not_waited_for_either() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    let clock = crate::toy::env();

    client.send("GET /v2/manifest HTTP/1.1\r\nhost: a\r\n").await;
    let (mut read, mut write) = tokio::io::split(client.stream);
    let dribble = tokio::spawn(async move {
        while tokio::io::AsyncWriteExt::write_all(&mut write, b"x: y\r\n").await.is_ok() {
            wait(1).await;
        }
    });
    let _ = read.read_to_end(&mut Vec::new()).await;

    assert!((9..=12).contains(&clock.elapsed().as_secs()));
    dribble.abort();
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_rest_for_its_time_and_no_longer() {
    let toy = Toy::start().await;
    let mut fresh = toy.client().await;
    let mut used = toy.client().await;
    assert_eq!(used.ask("GET /v2/manifest", &[]).await.status, 200);
    wait(110).await;
    assert_eq!(used.ask("GET /v2/manifest", &[]).await.status, 200);

    assert!((8..=12).contains(&closes_after(&mut fresh).await));
    assert!((105..=122).contains(&closes_after(&mut used).await));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_given_up() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    let clock = crate::toy::env();

    client.send(request("PUT /v2/put", &["content-length: 100000"]) + &"x".repeat(50_000)).await;
    let answer = client.answer(false).await.unwrap();

    assert_eq!(answer.status, 408);
    assert!((59..=62).contains(&clock.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_dribbles_is_given_up() {
    let toy = Toy::start().await;
    let client = toy.client().await;
    let (read, mut write) = tokio::io::split(client.stream);
    let head = request("PUT /v2/put", &["content-length: 100000"]);

    let dribble = tokio::spawn(async move {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await;
        while tokio::io::AsyncWriteExt::write_all(&mut write, b"x").await.is_ok() {
            wait(10).await;
        }
    });
    let mut reader = Client::over(tokio::io::join(read, tokio::io::sink()));
    let answer = reader.answer(false).await.unwrap();

    assert_eq!(answer.status, 408);
    dribble.abort();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_slow_but_steady_is_read() {
    let toy = Toy::start().await;
    let client = toy.client().await;
    let (read, mut write) = tokio::io::split(client.stream);
    let head = request("PUT /v2/put", &["content-length: 200000"]);

    let sending = tokio::spawn(async move {
        tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await.unwrap();
        for _ in 0..200 {
            tokio::io::AsyncWriteExt::write_all(&mut write, &[7; 1000]).await.unwrap();
            wait(1).await;
        }
        write
    });
    let mut reader = Client::over(tokio::io::join(read, tokio::io::sink()));
    let answer = reader.answer(false).await.unwrap();

    assert_eq!((answer.status, answer.text().as_str()), (201, "200000"));
    drop(sending.await.unwrap());
}

/// A server on a Unix socket, where bytes that are read make room at once: TCP would need a moment of real time.
async fn unix_toy() -> (Toy, UnixStream, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gantry.sock");
    let listeners = vec![listener(&format!("unix:{}", path.display())).await, listener("127.0.0.1:0").await];
    let toy = Toy::on(Settings::default(), listeners).await;
    let stream = UnixStream::connect(&path).await.unwrap();
    (toy, stream, folder)
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_nothing_is_cut() {
    let (toy, stream, _folder) = unix_toy().await;
    toy.room.put("large", 12 << 20);
    let mut client = Client::over(stream);
    client.send(request("GET /v2/file/large", &[])).await;

    wait(130).await;
    let figures = toy.client().await.ask("GET /metrics", &[]).await.text();

    assert!(figures.contains("gantry_connections_cut_total{overdue=\"reader\"} 1.0"), "{figures}");
    assert!(client.rest().await.len() < 12 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_is_slow_is_served() {
    let (toy, stream, _folder) = unix_toy().await;
    let large = toy.room.put("large", 4 << 20);
    let mut client = Client::over(stream);
    client.send(request("GET /v2/file/large", &[])).await;

    let mut received = Vec::new();
    let mut piece = vec![0; 50_000];
    while received.len() < large.len() {
        wait(50).await;
        let count = client.stream.read(&mut piece).await.unwrap();
        assert!(count > 0, "cut after {} bytes", received.len());
        received.extend_from_slice(&piece[..count]);
    }

    assert!(received.ends_with(&large[large.len() - 100_000..]));
}

#[tokio::test(start_paused = true)]
async fn after_an_answer_that_closes_the_client_has_a_moment_to_close_too() {
    let toy = Toy::with(Settings { keep_alive: Period::minutes(10), ..Settings::default() }).await;
    let mut client = toy.client().await;
    assert_eq!(client.ask("GET /v2/manifest", &["connection: close"]).await.status, 200);
    assert!(client.rest().await.is_empty());
    let mut other = toy.client().await;

    wait(4).await;
    let figures = other.ask("GET /metrics", &[]).await.text();

    assert!(figures.contains("gantry_connections_cut_total{overdue=\"lingering\"} 1.0"), "{figures}");
    drop(client);
}

use crate::{client::request, toy::Toy};
use gantry_api::Settings;
use gantry_words::Period;
use tokio::net::TcpStream;

#[tokio::test]
async fn what_runs_may_end_and_nothing_new_begins() {
    let mut toy = Toy::start().await;
    let (mut busy, mut idle) = (toy.client().await, toy.client().await);
    assert_eq!(idle.ask("GET /v2/manifest", &[]).await.status, 200);
    busy.send(request("GET /v2/slow", &[])).await;
    toy.room.began.notified().await;

    toy.stop();

    assert!(idle.rest().await.is_empty(), "those that rest are closed");
    while TcpStream::connect(toy.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!toy.served.is_finished());
    toy.room.go_on.notify_one();
    let answer = busy.answer(false).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "slow"));
    drop(busy);
    toy.served.await.unwrap();
}

#[tokio::test]
async fn a_call_whose_client_has_gone_may_end_too() {
    let mut toy = Toy::start().await;
    let mut client = toy.client().await;
    client.send(request("PUT /v2/slow", &[])).await;
    toy.room.began.notified().await;

    drop(client);
    toy.stop();
    while TcpStream::connect(toy.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    toy.room.go_on.notify_one();
    toy.served.await.unwrap();

    assert_eq!(*toy.room.stored.lock().unwrap(), ["slow"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_its_time_is_cut() {
    let mut toy = Toy::with(Settings { shutdown_grace: Period::seconds(30), ..Settings::default() }).await;
    let mut client = toy.client().await;
    client.send(request("GET /v2/slow", &[])).await;
    toy.room.began.notified().await;
    let clock = crate::toy::env();

    toy.stop();
    toy.served.await.unwrap();

    assert!((30..=32).contains(&clock.elapsed().as_secs()));
    assert!(client.answer(false).await.is_none());
}

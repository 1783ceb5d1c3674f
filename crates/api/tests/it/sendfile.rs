use crate::{
    client::{Client, request},
    toy::{MANIFEST, Toy},
};
use gantry_api::Settings;
use gantry_words::Period;

const LARGE: usize = 5 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_and_other_answers_mix_on_one_connection() {
    let toy = Toy::start().await;
    let large = toy.room.put("large", LARGE);
    let small = toy.room.put("small", 1000);
    let mut client = toy.client().await;

    for _ in 0..3 {
        assert!(client.ask("GET /v2/file/large", &[]).await.body == large);
        assert_eq!(client.ask("GET /v2/manifest", &[]).await.text(), MANIFEST);
        assert!(client.ask("GET /v2/file/small", &[]).await.body == small);
        let head = client.ask("HEAD /v2/file/large", &[]).await;
        assert_eq!(head.header("content-length"), LARGE.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_in_memory_is_read_first() {
    let toy = Toy::start().await;
    let cold = toy.room.put("cold", 20 << 20);
    let file = std::fs::OpenOptions::new().read(true).write(true).open(toy.room.path("cold")).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();

    let answer = toy.client().await.ask("GET /v2/file/cold", &[]).await;

    assert!(answer.body == cold);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_are_the_bytes_of_the_file() {
    let toy = Toy::start().await;
    let large = toy.room.put("large", LARGE);
    let mut client = toy.client().await;

    for (from, to) in
        [(0, 1), (0, LARGE), (1, 40_000), (4095, 4097 + 65_536), (LARGE - 33_000, LARGE), (123_457, 3 << 20)]
    {
        let answer = client.ask(&format!("GET /v2/file/large?from={from}&to={to}"), &[]).await;

        assert_eq!(answer.header("content-length"), (to - from).to_string());
        assert!(answer.body == large[from..to], "{from}..{to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_to_requests_sent_at_once_come_in_their_order() {
    let toy = Toy::start().await;
    let large = toy.room.put("large", LARGE);
    let middle = toy.room.put("middle", 40_000);
    let mut client = toy.client().await;
    let paths = [
        "/v2/file/middle",
        "/v2/file/large?from=7",
        "/v2/manifest",
        "/v2/file/middle",
        "/v2/file/middle?from=1&to=39000",
    ];

    client.send(paths.map(|path| request(&format!("GET {path}"), &[])).concat()).await;
    let mut bodies = Vec::new();
    for _ in paths {
        bodies.push(client.answer(false).await.unwrap().body);
    }

    assert!(bodies[0] == middle);
    assert!(bodies[1] == large[7..]);
    assert_eq!(bodies[2], MANIFEST.as_bytes());
    assert!(bodies[3] == middle);
    assert!(bodies[4] == middle[1..39_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_each_get_their_own() {
    let toy = Toy::start().await;
    let blobs: Vec<Vec<u8>> =
        (0..4).map(|number| toy.room.put(&format!("b{number}"), 700_000 + number * 99_991)).collect();

    let clients = (0..24).map(|number: usize| {
        let (address, expected) = (toy.address, blobs[number % 4].clone());
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for _ in 0..4 {
                let path = format!("GET /v2/file/b{}", number % 4);
                assert!(client.ask(&path, &[]).await.body == expected);
            }
        })
    });

    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_cut_ends_the_connection_and_not_the_server() {
    let toy = Toy::start().await;
    let large = toy.room.put("large", LARGE);
    let mut client = toy.client().await;

    client.send(request("GET /v2/file/large?cut=1000000", &[])).await;
    let answer = client.answer(false).await.unwrap();

    assert_eq!(answer.header("content-length"), LARGE.to_string());
    assert!(answer.body == large[..1_000_000], "what there is, and then the end");
    assert!(client.answer(false).await.is_none());
    assert_eq!(toy.client().await.ask("GET /v2/manifest", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_in_the_middle_leaves_nothing_behind() {
    let toy = Toy::start().await;
    toy.room.put("large", 64 << 20);
    for _ in 0..4 {
        let mut client = toy.client().await;
        client.send(request("GET /v2/file/large", &[])).await;
        let mut start = [0; 1000];
        tokio::io::AsyncReadExt::read_exact(&mut client.stream, &mut start).await.unwrap();
    }

    let mut client = toy.client().await;
    while !client.ask("GET /metrics", &[]).await.text().contains("gantry_connections 1.0") {
        tokio::task::yield_now().await;
    }
    assert!(client.ask("GET /v2/file/large?from=60000000", &[]).await.body.len() == (64 << 20) - 60_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_is_counted_when_it_has_gone() {
    let toy = Toy::with(Settings { keep_alive: Period::seconds(120), ..Settings::default() }).await;
    toy.room.put("large", LARGE);
    let mut client = toy.client().await;

    client.ask("GET /v2/file/large", &[]).await;
    client.ask("GET /v2/file/large?to=100", &[]).await;
    client.ask("HEAD /v2/file/large", &[]).await;
    let figures = client.ask("GET /metrics", &[]).await.text();

    let line = format!("gantry_sent_bytes_total{{operation=\"File\"}} {}.0", LARGE + 100);
    assert!(figures.contains(&line), "{figures}");
}

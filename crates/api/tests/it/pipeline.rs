use crate::{
    client::request,
    toy::{self, MANIFEST, Toy, listener},
};
use gantry_api::{Settings, open_doors};
use gantry_words::ByteCount;
use http::StatusCode;

#[tokio::test]
async fn an_answer_carries_its_request_id_and_the_protocol() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let first = client.ask("GET /v2/manifest", &[]).await;
    let second = client.ask("GET /v2/manifest", &[]).await;

    assert_eq!((first.status, first.text().as_str()), (200, MANIFEST));
    assert_eq!(first.header("docker-distribution-api-version"), "registry/2.0");
    assert_eq!(first.header("x-request-id").len(), 36);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[tokio::test]
async fn whoever_brings_nothing_is_asked_for_a_token_of_the_right_scope() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    for method in ["GET", "HEAD"] {
        let answer = client.ask(&format!("{method} /v2/manifest"), &["authorization: none"]).await;

        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.challenges[0],
            r#"Bearer realm="http://hub.example/token",service="toy",scope="repository:team/app:pull""#
        );
        assert_eq!(answer.text().contains(r#"{"errors":[{"code":"UNAUTHORIZED","#), method == "GET");
    }
}

#[tokio::test]
async fn credentials_are_answered_as_clients_need_it() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    for (line, credential, status, challenge) in [
        ("GET /v2/manifest", "Bearer pull", 200, ""),
        ("GET /v2/manifest", "Basic right", 200, ""),
        ("GET /v2/manifest", "Bearer old", 401, r#"scope="repository:team/app:pull",error="invalid_token""#),
        ("PUT /v2/slow", "Bearer pull", 401, r#"scope="repository:team/app:pull,push",error="insufficient_scope""#),
        ("GET /v2/manifest", "Basic wrong", 401, r#"scope="repository:team/app:pull""#),
        ("GET /v2/manifest", "Digest x", 401, r#"scope="repository:team/app:pull""#),
        ("GET /v2/manifest", "Basic flood", 429, ""),
        ("GET /v2/open", "none", 200, ""),
        ("GET /v2/open", "Basic wrong", 401, r#"service="toy""#),
        ("GET /v2/", "none", 401, r#"Bearer realm="http://hub.example/token",service="toy""#),
        ("GET /v2/", "Bearer pull", 200, ""),
        ("GET /token", "none", 401, r#"Basic realm="toy""#),
        ("GET /v2/manifest?bad", "none", 401, r#"service="toy""#),
        ("GET /v2/manifest?bad", "Bearer good", 400, ""),
        ("GET /api/v1/echo", "none", 401, r#"Basic realm="toy""#),
    ] {
        let answer = client.ask(line, &[&format!("authorization: {credential}")]).await;

        assert_eq!(answer.status, status, "{line} {credential}");
        let challenge_seen = answer.challenges.first().map_or("", String::as_str);
        assert!(challenge_seen.ends_with(challenge), "{line} {credential}: {challenge_seen}");
        assert_eq!(answer.challenges.is_empty(), status != 401, "{line} {credential}");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_nobody() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let answer = client.ask("GET /v2/manifest", &["authorization: Bearer good", "authorization: Bearer good"]).await;

    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_flood_hears_when_to_come_back() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let answer = client.ask("GET /v2/manifest", &["authorization: Basic flood"]).await;

    assert_eq!(answer.header("retry-after"), "9");
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_refused_in_its_surfaces_words() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    for (line, status, words) in [
        ("GET /v2/x", 404, r#"{"errors":["#),
        ("GET /api/v1/x", 404, r#"{"error":{"code":"RouteNotFound","#),
        ("GET /x", 404, r#"{"error":{"code":"RouteNotFound","#),
        ("GET /v2/lost", 500, r#"{"errors":[{"code":"UNKNOWN","#),
        ("DELETE /v2/manifest", 405, r#"{"errors":[{"code":"UNSUPPORTED","#),
        ("POST /healthz", 405, "only GET"),
    ] {
        let answer = client.ask(line, &[]).await;

        assert_eq!(answer.status, status, "{line}");
        assert!(answer.text().starts_with(words), "{line}: {}", answer.text());
        assert_eq!(answer.header("allow"), if status == 405 { "GET, HEAD" } else { "" }, "{line}");
    }
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let answer = client.ask(&format!("GET /v2/{}", "a".repeat(9000)), &[]).await;

    assert_eq!(answer.status, 414);
    assert_eq!(client.ask("GET /v2/manifest", &[]).await.status, 200);
}

#[tokio::test]
async fn headers_beyond_their_limit_are_refused() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let answer = client.ask("GET /v2/manifest", &[&format!("x: {}", "a".repeat(40 << 10))]).await;

    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn who_is_not_known_cannot_make_a_json_operation_read_a_body() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    let headers = ["authorization: none", "content-length: 5", "expect: 100-continue"];

    let answer = client.ask("POST /api/v1/echo", &headers).await;

    assert_eq!(answer.status, 401, "and not 100");
}

#[tokio::test]
async fn a_json_operation_reads_its_body() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    client.send(request("POST /api/v1/echo", &["content-length: 5"]) + "hello").await;

    assert_eq!(client.answer(false).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    let head = client.ask("HEAD /v2/manifest", &[]).await;
    let get = client.ask("GET /v2/manifest", &[]).await;

    assert_eq!(head.header("content-length"), MANIFEST.len().to_string());
    assert_eq!(get.text(), MANIFEST);
}

#[tokio::test]
async fn a_panic_is_an_error_of_one_request() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    for method in ["GET", "PUT"] {
        let answer = client.ask(&format!("{method} /v2/panic"), &[]).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("on purpose"));
    }
    assert_eq!(client.ask("GET /v2/manifest", &[]).await.status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_what_changes_state() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    client.send(request("PUT /v2/slow", &[])).await;
    toy.room.began.notified().await;

    drop(client);
    // The server has noticed when the connection is gone from its figures.
    let mut other = toy.client().await;
    while !other.ask("GET /metrics", &[]).await.text().contains("gantry_clients_gone_total 1") {
        tokio::task::yield_now().await;
    }
    toy.room.go_on.notify_one();
    while toy.room.stored.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_ends_the_call_with_an_error() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    client.send(request("PUT /v2/put", &["content-length: 100"]) + "only a little").await;
    drop(client);
    let mut other = toy.client().await;
    while !other.ask("GET /metrics", &[]).await.text().contains("gantry_received_bytes_total{operation=\"Put\"} 13.0") {
        tokio::task::yield_now().await;
    }

    assert!(toy.room.stored.lock().unwrap().is_empty());
}

#[tokio::test]
async fn beyond_the_limit_requests_are_told_to_come_back() {
    let toy = Toy::with(Settings { requests_max: 1, ..Settings::default() }).await;
    let (mut first, mut second) = (toy.client().await, toy.client().await);
    first.send(request("PUT /v2/slow", &[])).await;
    toy.room.began.notified().await;

    let refused = second.ask("GET /v2/manifest", &[]).await;
    let challenged = second.ask("GET /v2/", &["authorization: none"]).await;
    assert_eq!(challenged.status, 401, "whoever is not told which credentials are wanted cannot come back with them");
    let probes = ["/healthz", "/readyz", "/metrics"].map(|path| format!("GET {path}"));
    for probe in &probes {
        assert_eq!(second.ask(probe, &[]).await.status, 200, "{probe}: whoever kills a busy server makes it worse");
    }
    toy.room.go_on.notify_one();
    let served = first.answer(false).await.unwrap();

    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"));
    assert_eq!(served.status, 200);
    assert_eq!(second.ask("GET /v2/manifest", &[]).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_kept_beyond_the_limit_are_told_to_come_back_and_small_ones_pass() {
    let settings = Settings { buffered_bytes_max: ByteCount::mebibytes(1), ..Settings::default() };
    let toy = Toy::with(settings).await;
    let (mut first, mut second) = (toy.client().await, toy.client().await);
    let put = |length: usize| request("PUT /v2/put", &[&format!("content-length: {length}")]);
    first.send(put(900_000)).await;
    first.send(vec![1; 899_999]).await;
    // The last byte is missing: what came is kept until it does.
    let mut figures = toy.client().await;
    while !figures.ask("GET /metrics", &[]).await.text().contains("gantry_buffered_bytes 883615.0") {
        tokio::task::yield_now().await;
    }

    second.send(put(500_000)).await;
    second.send(vec![2; 500_000]).await;
    let refused = second.answer(false).await.unwrap();
    second.send(put(16_000)).await;
    second.send(vec![3; 16_000]).await;
    let small = second.answer(false).await.unwrap();
    first.send([1]).await;
    let whole = first.answer(false).await.unwrap();

    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"));
    assert_eq!((small.status, whole.status), (201, 201));
    second.send(put(900_000)).await;
    second.send(vec![4; 900_000]).await;
    assert_eq!(second.answer(false).await.unwrap().status, 201, "what was kept is given back");
}

#[tokio::test]
async fn beyond_the_limit_connections_are_turned_away() {
    let toy = Toy::with(Settings { connections_max: 1, ..Settings::default() }).await;
    let mut first = toy.client().await;
    assert_eq!(first.ask("GET /v2/manifest", &[]).await.status, 200);

    let mut second = toy.client().await;

    assert_eq!(second.answer(false).await.unwrap().status, 503);
    assert!(second.rest().await.is_empty());
    assert_eq!(first.ask("GET /v2/manifest", &[]).await.status, 200);
}

#[tokio::test]
async fn figures_and_probes_have_places_of_their_own_where_they_have_a_listener() {
    let listeners = vec![listener("127.0.0.1:0").await, listener("127.0.0.1:0").await.for_metrics()];
    let for_metrics = listeners[1].local_address().unwrap();
    let toy = Toy::on(Settings { connections_max: 1, ..Settings::default() }, listeners).await;
    let mut looking = Vec::new();
    for _ in 0..64 {
        let mut client = super::client::Client::connect(for_metrics).await;
        assert_eq!(client.ask("GET /readyz", &["authorization: none"]).await.status, 200);
        looking.push(client);
    }

    let mut first = toy.client().await;
    assert_eq!(first.ask("GET /v2/manifest", &[]).await.status, 200, "those who look take nobody's place");
    let mut second = toy.client().await;
    assert_eq!(second.answer(false).await.unwrap().status, 503);
    let mut one_more = super::client::Client::connect(for_metrics).await;
    assert_eq!(one_more.answer(false).await.unwrap().status, 503, "their places have an end too");

    assert_eq!(looking[0].ask("GET /metrics", &["authorization: none"]).await.status, 200);
}

#[tokio::test]
async fn the_probes_answer_everybody_and_say_nothing() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;

    for path in ["/healthz", "/readyz"] {
        let answer = client.ask(&format!("GET {path}"), &["authorization: none"]).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
    }
    *toy.room.is_ready.lock().unwrap() = Err("disk 7 is on fire".into());
    let answer = client.ask("GET /readyz", &["authorization: none"]).await;
    assert_eq!((answer.status, answer.text().as_str()), (503, "not ready\n"));
}

#[tokio::test]
async fn the_figures_need_credentials() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    client.ask("GET /v2/manifest", &[]).await;

    let nobody = client.ask("GET /metrics", &["authorization: none"]).await;
    let scoped = client.ask("GET /metrics", &["authorization: Bearer pull"]).await;
    let root = client.ask("GET /metrics", &[]).await;

    assert_eq!((nobody.status, scoped.status, root.status), (401, 403, 200));
    assert!(
        root.text().contains("gantry_requests_total{operation=\"Manifest\",status=\"2xx\"} 1.0"),
        "{}",
        root.text()
    );
    assert!(root.text().contains("gantry_connections 1.0"));
    assert!(root.text().ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_listener_for_figures_has_nothing_else() {
    let listeners = vec![listener("127.0.0.1:0").await.for_metrics()];
    let toy = Toy::on(Settings::default(), listeners).await;
    let mut client = toy.client().await;

    assert_eq!(client.ask("GET /metrics", &["authorization: none"]).await.status, 200);
    assert_eq!(client.ask("GET /healthz", &["authorization: none"]).await.status, 200);
    assert_eq!(client.ask("GET /v2/manifest", &[]).await.status, 404);
}

#[tokio::test]
async fn a_trusted_proxy_says_where_the_client_is() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let believing = Toy::with(Settings { trusted_proxies, ..Settings::default() }).await;
    let doubting = Toy::start().await;
    let headers = ["x-forwarded-for: 203.0.113.9", "x-forwarded-proto: https", "x-forwarded-host: front.example"];

    let believed = believing.client().await.ask("GET /v2/where", &headers).await;
    let doubted = doubting.client().await.ask("GET /v2/where", &headers).await;

    assert_eq!(believed.text(), "https://front.example Some(203.0.113.9)");
    assert_eq!(doubted.text(), "http://hub.example Some(127.0.0.1)");
}

#[tokio::test]
async fn the_doors_without_a_lock_are_known() {
    let toy = Toy::start().await;

    let doors = toy::surfaces(&toy.room).remove(0).doors;

    assert_eq!(open_doors(&doors), ["Open Open", "Smuggled Open", "Version Credential", "Where Open"]);
}

#[tokio::test]
async fn bodies_are_read_up_to_their_limit_and_the_connection_goes_on() {
    let toy = Toy::start().await;
    let mut client = toy.client().await;
    let body = vec![7; 3 << 20];

    client.send(request("PUT /v2/put", &[&format!("content-length: {}", body.len())])).await;
    client.send(&body).await;
    let answer = client.answer(false).await.unwrap();

    assert_eq!((answer.status, answer.text()), (StatusCode::CREATED.as_u16(), body.len().to_string()));
    assert_eq!(client.ask("GET /v2/manifest", &[]).await.status, 200);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let toy = Toy::start().await;
    let client = toy.client().await;
    let (read, mut write) = tokio::io::split(client.stream);
    let head = request("PUT /v2/put", &["authorization: none", "content-length: 67108864"]);

    let sending = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let _ = write.write_all(head.as_bytes()).await;
        for _ in 0..64 {
            if write.write_all(&vec![0; 1 << 20]).await.is_err() {
                break;
            }
        }
        write
    });
    let mut reader = crate::client::Client::over(tokio::io::join(read, tokio::io::sink()));
    let answer = reader.answer(false).await.unwrap();

    assert_eq!(answer.status, 401);
    drop(reader);
    drop(sending.await);
}

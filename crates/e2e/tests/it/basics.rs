use gantry_e2e::{Image, Server, digest};

#[test]
fn an_image_that_was_pushed_pulls_back() {
    let server = Server::start();
    let image = Image::small(1);

    let pushed = image.push(&server.client(), "team/app", "v1").unwrap();

    assert_eq!((pushed.status, pushed.header("docker-content-digest")), (201, Some(image.digest().as_str())));
    image.check(&server.client(), "team/app", "v1").unwrap();
    image.check(&server.client(), "team/app", &image.digest()).unwrap();
}

#[test]
fn what_was_pushed_survives_a_kill_and_a_restart() {
    let mut server = Server::start();
    let image = Image::small(2);
    image.push(&server.client(), "team/app", "v1").unwrap();

    server.restart();

    image.check(&server.client(), "team/app", "v1").unwrap();
}

#[test]
fn nobody_comes_in_without_credentials() {
    let server = Server::start();
    Image::small(3).push(&server.client(), "team/app", "v1").unwrap();
    let stranger = gantry_e2e::Client::anonymous(server.address());

    for path in [
        "/v2/",
        "/v2/team/app/manifests/v1",
        "/v2/team/app/tags/list",
        "/v2/_catalog",
        "/metrics",
        "/api/v1/repositories",
    ] {
        let answer = stranger.get(path);
        assert_eq!(answer.status, 401, "{path}: {}", answer.text());
        assert!(answer.header("www-authenticate").is_some(), "{path}");
    }
    assert_eq!(stranger.get("/healthz").status, 200);
}

#[test]
fn a_chunked_upload_goes_on_where_it_was_after_a_restart() {
    let mut server = Server::start();
    let client = server.client();
    let bytes = vec![7; 100_000];
    let opened = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[("content-range", "0-59999")], &bytes[..60_000]).status, 202);

    server.restart();
    let client = server.client();
    let status = client.get(&location);
    let wrong = client.send("PATCH", &location, &[("content-range", "0-39999")], &bytes[..40_000]);
    let right = client.send("PATCH", &location, &[("content-range", "60000-99999")], &bytes[60_000..]);
    let done = client.send("PUT", &format!("{location}?digest={}", digest(&bytes)), &[], &[]);

    assert_eq!((status.status, status.header("range")), (204, Some("0-59999")));
    assert_eq!((wrong.status, wrong.header("range")), (416, Some("0-59999")));
    assert_eq!((right.status, done.status), (202, 201), "{}", done.text());
    assert_eq!(client.get(&format!("/v2/team/app/blobs/{}", digest(&bytes))).body, bytes);
}

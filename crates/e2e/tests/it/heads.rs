//! HEAD (RFC 9110, section 9.3.2): what GET says, without its content.

use gantry_e2e::{Image, Server, digest};

#[test]
fn head_says_what_get_says_everywhere() {
    let (server, image) = (Server::start(), Image::small(1));
    let client = server.client();
    assert_eq!(image.push(&client, "team/app", "v1").unwrap().status, 201);

    for path in [
        "/v2/".to_string(),
        "/v2/_catalog".into(),
        "/v2/team/app/tags/list".into(),
        "/v2/team/app/manifests/v1".into(),
        format!("/v2/team/app/manifests/{}", image.digest()),
        format!("/v2/team/app/blobs/{}", digest(&image.config)),
        format!("/v2/team/app/referrers/{}", image.digest()),
        "/v2/team/app/manifests/nope".into(),
        "/v2/none/such/tags/list".into(),
        "/healthz".into(),
        "/readyz".into(),
    ] {
        let (get, head) = (client.get(&path), client.send("HEAD", &path, &[], &[]));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-length", "content-type", "docker-content-digest", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
    }
}

#[test]
fn head_of_an_upload_says_how_far_it_is() {
    let server = Server::start();
    let client = server.client();
    let opened = client.send("POST", "/v2/team/app/blobs/uploads/", &[], &[]);
    let location = opened.header("location").unwrap().to_string();
    assert_eq!(client.send("PATCH", &location, &[], b"0123456789").status, 202);

    let head = client.send("HEAD", &location, &[], &[]);

    assert_eq!((head.status, head.header("range")), (204, Some("0-9")));
}

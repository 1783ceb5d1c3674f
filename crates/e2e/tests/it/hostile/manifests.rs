use super::assert_refused;
use gantry_e2e::{Answer, Image, Raw, Server, digest, resident_bytes};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NAME: &str = "hostile/manifests";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Puts a manifest as a patient client does: told that the server is full, it comes back.
fn put(server: &Server, tag: &str, media_type: &str, body: &[u8]) -> Answer {
    // Opening an upload makes the repository, so that it is the manifest that is refused.
    let client = server.client();
    client.push_blob(NAME, b"{}").unwrap();
    let path = format!("/v2/{NAME}/manifests/{tag}");
    // What is refused before it was read is taken in for two seconds more; on a busy machine a client may miss the answer.
    let send = || (0..5).find_map(|_| client.try_send("PUT", &path, &[("content-type", media_type)], body).ok());
    patiently(|| send().unwrap_or_else(|| panic!("{path} is never answered")))
}

/// The first answer that is not "come back in a moment", within a minute.
fn patiently(ask: impl Fn() -> Answer) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if answer.status != 503 || begun.elapsed() > Duration::from_secs(60) {
            return answer;
        }
        assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The manifest is refused like this, and neither tag nor digest answers afterwards.
fn assert_not_taken(server: &Server, tag: &str, media_type: &str, body: &[u8], status: u16, code: &str) -> Answer {
    let answer = put(server, tag, media_type, body);
    assert_refused(&answer, status, code, tag);
    let client = server.client();
    for reference in [tag, &digest(body)] {
        let found = client.get(&format!("/v2/{NAME}/manifests/{reference}"));
        assert_refused(&found, 404, "MANIFEST_UNKNOWN", &format!("{tag} after its refusal"));
    }
    let tags = client.get(&format!("/v2/{NAME}/tags/list")).json();
    assert!(!tags["tags"].as_array().is_some_and(|tags| tags.iter().any(|listed| listed == tag)), "{tags}");
    answer
}

fn descriptor(digest: &str, size: u64) -> Value {
    json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": size})
}

fn image(layers: Vec<Value>) -> Value {
    let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2});
    json!({"schemaVersion": 2, "mediaType": Image::MEDIA_TYPE, "config": config, "layers": layers})
}

pub(super) fn nonsense(server: &Server) {
    let bodies: [(&str, &[u8]); 8] = [
        ("empty", b""),
        ("text", b"hello"),
        ("list", b"[]"),
        ("null", b"null"),
        ("half", br#"{"schemaVersion":2,"#),
        ("binary", b"\xff\xfe\x00\x01"),
        ("marked", b"\xef\xbb\xbf{\"schemaVersion\":2}"),
        ("followed", br#"{"schemaVersion":2}{"schemaVersion":2}"#),
    ];

    for (tag, body) in bodies {
        assert_not_taken(server, tag, Image::MEDIA_TYPE, body, 400, "MANIFEST_INVALID");
    }
}

pub(super) fn deep_json(server: &Server) {
    let deep = |depth: usize, open: &str, close: &str| {
        format!(r#"{{"schemaVersion":2,"x":{}1{}}}"#, open.repeat(depth), close.repeat(depth)).into_bytes()
    };

    for (tag, body) in [
        ("deep-lists", deep(1_000_000, "[", "]")),
        ("deep-objects", deep(500_000, r#"{"a":"#, "}")),
        ("deep-enough", deep(200, "[", "]")),
        ("open-lists", "[".repeat(4_000_000).into_bytes()),
    ] {
        assert_not_taken(server, tag, Image::MEDIA_TYPE, &body, 400, "MANIFEST_INVALID");
    }
    let wide = format!(r#"{{"schemaVersion":2,"x":[{}1]}}"#, "1,".repeat(2_000_000));
    assert_not_taken(server, "wide", Image::MEDIA_TYPE, wide.as_bytes(), 400, "MANIFEST_INVALID");
}

pub(super) fn duplicate_keys(server: &Server) {
    let held = digest(b"{}");
    let twice = |member: &str| {
        let text = image(vec![]).to_string();
        text.replacen('{', &format!("{{{member},"), 1).into_bytes()
    };

    for (tag, member, named) in [
        ("two-layers", r#""layers":[]"#.to_string(), "layers"),
        ("two-configs", format!(r#""config":{{"mediaType":"a/b","digest":"{held}","size":2}}"#), "config"),
        ("escaped", r#""layers":[]"#.replace('y', "\\u0079"), "layers"),
        ("inner", r#""annotations":{"a":"1","a":"2"}"#.to_string(), "a"),
    ] {
        let refused = assert_not_taken(server, tag, Image::MEDIA_TYPE, &twice(&member), 400, "MANIFEST_INVALID");
        assert!(refused.text().contains(named), "{} does not name {named}", refused.text());
    }
}

pub(super) fn ten_thousand_descriptors(server: &Server) {
    let client = server.client();
    client.push_blob(NAME, b"layer").unwrap();
    let held = |count| image((0..count).map(|_| descriptor(&digest(b"layer"), 5)).collect()).to_string().into_bytes();
    let absent = |count: u64| {
        let of = |number: u64| descriptor(&digest(&number.to_le_bytes()), 8);
        image((0..count).map(of).collect()).to_string().into_bytes()
    };

    let taken = put(server, "many", Image::MEDIA_TYPE, &held(9_999));

    assert_eq!(taken.status, 201, "{}", taken.text());
    assert_eq!(client.get(&format!("/v2/{NAME}/manifests/many")).body, held(9_999));
    assert_not_taken(server, "too-many", Image::MEDIA_TYPE, &held(10_001), 400, "MANIFEST_INVALID");
    assert_not_taken(server, "many-absent", Image::MEDIA_TYPE, &absent(9_999), 404, "MANIFEST_BLOB_UNKNOWN");
}

pub(super) fn a_manifest_that_is_too_large(server: &Server) {
    let mut manifest = image(vec![]);
    manifest["annotations"] = json!({"org.example.padding": "x".repeat(4 << 20)});
    let body = manifest.to_string().into_bytes();

    assert_not_taken(server, "large", Image::MEDIA_TYPE, &body, 413, "SIZE_INVALID");

    let streamed = patiently(|| {
        let mut raw = Raw::connect(server.address());
        let headers = format!("Transfer-Encoding: chunked\r\nContent-Type: {}\r\n", Image::MEDIA_TYPE);
        let begin = format!("{:x}\r\n", body.len());
        raw.request("PUT", &format!("/v2/{NAME}/manifests/streamed"), &headers, begin.as_bytes());
        raw.send(&body);
        raw.send("\r\n0\r\n\r\n");
        raw.answer().expect("the server answers before it closes")
    });
    assert_refused(&streamed, 413, "SIZE_INVALID", "a stream that is too large");

    let mut raw = Raw::connect(server.address());
    raw.request("PUT", &format!("/v2/{NAME}/manifests/promised"), "Content-Length: 99999999999999\r\n", &[]);
    assert_refused(&raw.answer().expect("the server answers"), 413, "SIZE_INVALID", "a length that is too large");
}

/// Each is as large as may be, of as many values as fit: what they cost together must be bounded too.
pub(super) fn many_large_manifests_at_once(server: &Server) {
    let padding = (4 << 20) - 200;
    let values = format!(r#"{{"schemaVersion":2,"x":[{}1]}}"#, "1,".repeat(padding / 2));
    let objects = format!(r#"{{"schemaVersion":2,"x":[{}{{}}]}}"#, r#"{"a":""},"#.repeat(padding / 9));
    let layer = descriptor(&digest(b"absent"), 6);
    let layers = image(vec![layer; 9_999]).to_string();
    let mut peak = 0;

    std::thread::scope(|scope| {
        for number in 0..48 {
            let body = [&values, &objects, &layers][number % 3];
            scope.spawn(move || {
                // What is too much at once is told to come back, and refused for what it is when it does.
                let answer = put(server, &format!("large-{number}"), Image::MEDIA_TYPE, body.as_bytes());
                assert!(matches!(answer.status, 400 | 404), "{}", answer.text());
            });
        }
        for _ in 0..100 {
            peak = peak.max(resident_bytes(server.pid()));
            std::thread::sleep(Duration::from_millis(10));
        }
    });

    assert!(peak < 1 << 30, "{} MiB were resident", peak >> 20);
}

pub(super) fn schema_1(server: &Server) {
    let body = json!({
        "schemaVersion": 1, "name": NAME, "tag": "v1", "architecture": "amd64",
        "fsLayers": [{"blobSum": digest(b"{}")}], "history": [{"v1Compatibility": "{}"}],
    });
    let body = body.to_string().into_bytes();

    for (tag, media_type) in [
        ("one", "application/vnd.docker.distribution.manifest.v1+json"),
        ("one-signed", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
    ] {
        let refused = assert_not_taken(server, tag, media_type, &body, 415, "UNSUPPORTED");
        assert!(refused.text().contains("schema 1"), "{}", refused.text());
    }
}

pub(super) fn wrong_types(server: &Server) {
    let good = descriptor(&digest(b"{}"), 2);
    let changed = |member: &str, value: Value| {
        let mut layer = good.clone();
        layer[member] = value;
        image(vec![layer])
    };
    let mut of_another_version = image(vec![]);
    of_another_version["schemaVersion"] = json!("2");
    let mut of_another_kind = image(vec![]);
    of_another_kind["manifests"] = json!([]);

    for (tag, manifest) in [
        ("size-negative", changed("size", json!(-1))),
        ("size-fraction", changed("size", json!(1.5))),
        ("size-text", changed("size", json!("2"))),
        ("size-huge", changed("size", json!(1e300))),
        ("digest-number", changed("digest", json!(7))),
        ("digest-crooked", changed("digest", json!("sha256:../../etc/passwd"))),
        ("digest-missing", changed("digest", Value::Null)),
        ("digest-nul", changed("digest", json!("sha256:\u{0}"))),
        ("media-type-crooked", changed("mediaType", json!("not a media type\r\nX-Evil: 1"))),
        ("annotations-list", changed("annotations", json!(["a"]))),
        ("layer-null", image(vec![Value::Null])),
        ("layer-text", image(vec![json!("sha256")])),
        ("version", of_another_version),
        ("both-kinds", of_another_kind),
    ] {
        assert_not_taken(server, tag, Image::MEDIA_TYPE, manifest.to_string().as_bytes(), 400, "MANIFEST_INVALID");
    }
    let body = image(vec![]).to_string();
    assert_not_taken(server, "type-other", INDEX, body.as_bytes(), 400, "MANIFEST_INVALID");
}

pub(super) fn things_that_are_not_there(server: &Server) {
    let absent = digest(b"not there");
    let mut of_no_config = image(vec![]);
    of_no_config["config"]["digest"] = json!(absent);
    let of_no_layer = image(vec![descriptor(&absent, 9)]);
    let child = json!({"mediaType": Image::MEDIA_TYPE, "digest": absent, "size": 9});
    let of_no_child = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]});

    for (tag, media_type, manifest) in [
        ("no-config", Image::MEDIA_TYPE, of_no_config),
        ("no-layer", Image::MEDIA_TYPE, of_no_layer),
        ("no-child", INDEX, of_no_child),
    ] {
        let body = manifest.to_string().into_bytes();
        let refused = assert_not_taken(server, tag, media_type, &body, 404, "MANIFEST_BLOB_UNKNOWN");
        assert!(refused.text().contains(&absent), "{} does not name the digest", refused.text());
    }
}

pub(super) fn sizes_that_are_not_true(server: &Server) {
    let held = digest(b"{}");
    let mut child = image(vec![]);
    child["annotations"] = json!({"org.example.of": "an index"});
    let child = child.to_string().into_bytes();
    assert_eq!(put(server, "child", Image::MEDIA_TYPE, &child).status, 201);
    let named = json!({"mediaType": Image::MEDIA_TYPE, "digest": digest(&child), "size": child.len() + 1});
    let mut of_a_long_config = image(vec![]);
    of_a_long_config["config"]["size"] = json!(3);

    for (tag, media_type, manifest, place) in [
        ("long-layer", Image::MEDIA_TYPE, image(vec![descriptor(&held, 2), descriptor(&held, 999)]), "layers[1]"),
        ("long-config", Image::MEDIA_TYPE, of_a_long_config, "config"),
        ("long-child", INDEX, json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}), "manifests[0]"),
    ] {
        let body = manifest.to_string().into_bytes();
        let refused = assert_not_taken(server, tag, media_type, &body, 400, "MANIFEST_INVALID");
        assert!(refused.text().contains(place), "{} does not name {place}", refused.text());
    }
}

pub(super) fn a_missing_config_of_a_foreign_type(server: &Server) {
    let mut manifest = image(vec![]);
    manifest["config"]["digest"] = json!(digest(b"not there"));
    manifest["config"]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");

    let body = manifest.to_string().into_bytes();
    assert_not_taken(server, "foreign-config", Image::MEDIA_TYPE, &body, 404, "MANIFEST_BLOB_UNKNOWN");
}

/// Each referrer may bring as many annotations as a manifest holds, and a page of them a thousand times that.
pub(super) fn large_referrers(server: &Server) {
    const REFERRERS: usize = 20;
    let client = server.client();
    let subject = digest(b"a subject that need not exist");
    for number in 0..REFERRERS {
        let mut manifest = image(vec![]);
        manifest["subject"] = json!({"mediaType": Image::MEDIA_TYPE, "digest": subject, "size": 9});
        manifest["annotations"] = json!({"padding": "x".repeat(2 << 20), "number": number.to_string()});
        let taken = put(server, &format!("referrer-{number}"), Image::MEDIA_TYPE, manifest.to_string().as_bytes());
        assert_eq!(taken.status, 201, "{}", taken.text());
    }

    let (mut listed, mut next) = (Vec::new(), Some(format!("/v2/{NAME}/referrers/{subject}")));
    while let Some(path) = next {
        let page = client.get(&path);
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.body.len() < 5 << 20, "a page has {} MiB", page.body.len() >> 20);
        let document = page.json();
        let items = document["manifests"].as_array().expect("a list").clone();
        assert!(!items.is_empty(), "a page without anything on it");
        listed.extend(items.iter().map(|item| item["digest"].as_str().expect("a digest").to_string()));
        next = page.header("link").map(|link| link[1..link.find('>').expect("an address")].to_string());
    }
    listed.dedup();
    assert_eq!(listed.len(), REFERRERS);
}

pub(super) fn another_digest_than_the_address_says(server: &Server) {
    let body = image(vec![]).to_string().into_bytes();
    let promised = digest(b"something else");

    let refused = put(server, &promised, Image::MEDIA_TYPE, &body);

    assert_refused(&refused, 400, "DIGEST_INVALID", "another digest");
    assert!(refused.text().contains(&promised), "{} does not name the digest", refused.text());
    for digest in [promised, digest(&body)] {
        assert_eq!(server.client().get(&format!("/v2/{NAME}/manifests/{digest}")).status, 404);
    }
}

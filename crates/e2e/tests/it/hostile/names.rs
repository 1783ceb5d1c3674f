use super::assert_refused;
use gantry_e2e::{Answer, Raw, Server, is_on_postgresql};

/// Texts that lead elsewhere if anybody decodes, joins or trims them.
const CROOKED: &[&str] = &[
    "..",
    ".",
    "%2e%2e",
    "%2E%2E",
    ".%2e",
    "%2e%2e%2f%2e%2e",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2Fetc%2Fpasswd",
    "%252e%252e%252f",
    "..%5c..%5cwindows",
    "a%00b",
    "%00",
    "%c0%ae%c0%ae",
    "%e2%80%ae",
    "a%0d%0aX-Evil:%201",
    "a%20b",
    "%ff%fe",
    "%",
    "%zz",
    "a;b",
    "~root",
    "$HOME",
    "%60id%60",
    "a'b",
    "|ls",
];

fn ask(server: &Server, method: &str, target: &str) -> Answer {
    let mut raw = Raw::connect(server.address());
    raw.request(method, target, "Content-Length: 0\r\n", &[]);
    let answer = if method == "HEAD" { raw.answer_head() } else { raw.answer() };
    answer.unwrap_or_else(|| panic!("{method} {target}: closed without an answer"))
}

pub(super) fn traversal_in_a_name(server: &Server) {
    let mut names: Vec<String> = CROOKED.iter().map(|text| (*text).to_string()).collect();
    names.extend(CROOKED.iter().map(|text| format!("team/{text}/app")));
    names.extend(["", "/", "team//app", "/team", "team/", "Team/app", "-team", "team-", "a..b"].map(String::from));
    names.push("a".repeat(257));
    names.push(format!("{}a", "a/".repeat(500)));

    for name in names {
        for (method, rest) in [
            ("GET", "manifests/v1"),
            ("PUT", "manifests/v1"),
            ("GET", "tags/list"),
            ("POST", "blobs/uploads/"),
            ("DELETE", "manifests/v1"),
        ] {
            let target = format!("/v2/{name}/{rest}");
            assert_refused(&ask(server, method, &target), 400, "NAME_INVALID", &format!("{method} {target}"));
        }
    }
    let catalog = server.client().get("/v2/_catalog?n=1000").text();
    assert!(!catalog.contains("..") && !catalog.contains('%'), "{catalog}");
}

pub(super) fn traversal_in_a_reference(server: &Server) {
    let long = "a".repeat(129);
    server.client().push_blob("refer/ence", b"x").unwrap();

    for reference in CROOKED.iter().chain([&"-v1", &".v1", &"v1%2f..", &"a+b", &long.as_str()]) {
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let target = format!("/v2/refer/ence/manifests/{reference}");
            let answer = ask(server, method, &target);
            match method {
                "HEAD" => assert!(matches!(answer.status, 400 | 404), "{target}"),
                // A text with a colon is read as a digest, any other as a tag; what is no tag names no image.
                _ if reference.contains(':') => assert_refused(&answer, 400, "DIGEST_INVALID", &target),
                "PUT" => assert_refused(&answer, 400, "MANIFEST_INVALID", &target),
                _ => assert_refused(&answer, 404, "MANIFEST_UNKNOWN", &target),
            }
        }
    }
    assert!(!server.client().get("/v2/refer/ence/tags/list").text().contains('%'));
}

pub(super) fn traversal_in_a_digest(server: &Server) {
    server.client().push_blob("refer/ence", b"x").unwrap();
    let hex = "a".repeat(64);
    let digests = [
        "sha256:..".to_string(),
        "sha256:%2e%2e%2f%2e%2e".into(),
        format!("sha256:{}%2f..", &hex[..60]),
        format!("sha256:{}", hex.to_uppercase()),
        format!("sha256:{hex}a"),
        format!("sha256:{}", &hex[1..]),
        format!("sha256%3a{}", &hex[1..]),
        format!("sha512:{hex}"),
        format!("md5:{}", &hex[..32]),
        format!("..%2f:{hex}"),
        format!(":{hex}"),
        "sha256:".into(),
    ];

    for digest in digests {
        for target in [format!("/v2/refer/ence/blobs/{digest}"), format!("/v2/refer/ence/manifests/{digest}")] {
            assert_refused(&ask(server, "GET", &target), 400, "DIGEST_INVALID", &target);
            assert_refused(&ask(server, "DELETE", &target), 400, "DIGEST_INVALID", &target);
        }
        let target = format!("/v2/refer/ence/blobs/uploads/?digest={digest}");
        assert_refused(&ask(server, "POST", &target), 400, "DIGEST_INVALID", &target);
        let target = format!("/v2/refer/ence/referrers/{digest}");
        assert_refused(&ask(server, "GET", &target), 400, "DIGEST_INVALID", &target);
    }
}

pub(super) fn traversal_in_an_upload_id(server: &Server) {
    server.client().push_blob("refer/ence", b"x").unwrap();
    let nobodys = "00000000-0000-4000-8000-000000000000";
    let digest = gantry_e2e::digest(b"");

    for id in CROOKED.iter().chain([&nobodys, &"..%2f..%2fmetadata.db", &"..%2f..%2froot-credentials", &"A", &"0"]) {
        for (method, query) in [("GET", ""), ("PATCH", ""), ("PUT", "?digest="), ("DELETE", "")] {
            let query = if query.is_empty() { String::new() } else { format!("{query}{digest}") };
            let target = format!("/v2/refer/ence/blobs/uploads/{id}{query}");
            assert_refused(&ask(server, method, &target), 404, "BLOB_UPLOAD_UNKNOWN", &format!("{method} {target}"));
        }
    }
    assert!(is_on_postgresql() || server.data().join("metadata.db").exists());
}

pub(super) fn unknown_addresses(server: &Server) {
    for target in [
        "/v2/team",
        "/v2/team/app",
        "/v2/team/app/manifests",
        "/v2/../../etc/passwd",
        "/v2/%2e%2e/x",
        "/v3/",
        "/..",
        "//v2//",
    ] {
        let answer = ask(server, "GET", target);
        assert_eq!(answer.status, 404, "{target}: {}", answer.text());
        assert!(!answer.text().contains("root:"), "{target}");
    }
    for (method, target) in
        [("BREW", "/v2/team/app/manifests/v1"), ("PATCH", "/v2/team/app/manifests/v1"), ("PUT", "/v2/")]
    {
        let answer = ask(server, method, target);
        assert_refused(&answer, 405, "UNSUPPORTED", &format!("{method} {target}"));
        assert!(answer.header("allow").is_some(), "{method} {target}");
    }
}

pub(super) fn bad_parameters(server: &Server) {
    server.client().push_blob("refer/ence", b"x").unwrap();

    for count in ["-1", "x", "1.5", "99999999999999999999", "%00", ""] {
        for target in [format!("/v2/_catalog?n={count}"), format!("/v2/refer/ence/tags/list?n={count}")] {
            let answer = ask(server, "GET", &target);
            // Some are taken for "all you have"; what is refused is refused properly.
            if answer.status != 200 {
                assert_eq!(answer.status, 400, "{target}: {}", answer.text());
                assert!(answer.json()["errors"][0]["message"].is_string(), "{target}");
            }
        }
    }
    for last in ["..", "%00", "%ff", "'%20OR%201=1--", "%f0%9f%92%a9"] {
        for target in [format!("/v2/_catalog?last={last}"), format!("/v2/refer/ence/tags/list?last={last}")] {
            let answer = ask(server, "GET", &target);
            assert!(matches!(answer.status, 200 | 400), "{target}: {} {}", answer.status, answer.text());
        }
    }
}

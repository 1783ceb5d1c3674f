//! The public test suite (`fixtures/sigv4.json`), and what it leaves out: what must be signed, and when.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// A request of the suite, as text: its lines end in a line feed each, and a value follows its colon at once.
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn parse(text: &str) -> Sent {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().unwrap();
        let (method, rest) = first.split_once(' ').unwrap();
        let address = rest.rsplit_once(' ').unwrap().0;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.to_string())
        };
        let headers = lines.filter(|line| !line.is_empty()).map(header).collect();
        Sent { method: method.into(), path: path.into(), query: query.into(), headers, body: body.into() }
    }

    fn with<T>(&self, look: impl FnOnce(&SignedRequest<'_>) -> T) -> T {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        look(&SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            public_host: None,
            body: self.body.as_bytes(),
            is_tls: false,
        })
    }

    fn header(mut self, name: &str, value: &str) -> Sent {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn set(mut self, name: &str, value: &str) -> Sent {
        self.headers.retain(|(known, _)| known != name);
        self.header(name, value)
    }

    fn verify(&self, secret: &str, now: &str) -> Result<(), SignatureError> {
        self.with(|request| {
            let signature = Signature::find(request)?.expect("it is signed");
            signature.verify(request, &Secret::new(secret.into()), &REALM, now.parse().unwrap())
        })
    }
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const REALM: Realm<'_> = Realm { region: "us-east-1", service: "service", path: PathForm::Normalised };
const NOW: &str = "2015-08-30T12:36:00Z";

/// Header values over several lines, which no HTTP server takes any more (RFC 9112, section 5.2).
const FOLDED: &str = "get-header-value-multiline";
/// A session token that is added after signing: here it must be signed, or it could be swapped.
const TOKEN_AFTERWARDS: &str = "post-sts-header-after";

fn suite() -> Vec<Value> {
    serde_json::from_str(include_str!("../../fixtures/sigv4.json")).unwrap()
}

fn realm_of(case: &Value) -> Realm<'static> {
    let is_normalised = case["context"]["normalize"].as_bool().unwrap();
    Realm { path: if is_normalised { PathForm::Normalised } else { PathForm::AsSent }, ..REALM }
}

/// Each case of the suite that applies, in the header and in the query.
fn each_case(mut look: impl FnMut(&str, &Value, &Value)) -> usize {
    let mut count = 0;
    for case in suite() {
        let name = case["name"].as_str().unwrap();
        if name == FOLDED || name == TOKEN_AFTERWARDS {
            continue;
        }
        for place in ["header", "query"] {
            look(&format!("{name} ({place})"), &case, &case[place]);
            count += 1;
        }
    }
    count
}

#[test]
fn every_signature_of_the_public_suite_is_right() {
    let count = each_case(|name, case, signed| {
        let sent = Sent::parse(signed["signed-request"].as_str().unwrap());
        sent.with(|request| {
            let signature = Signature::find(request).unwrap().expect("it is signed");

            let payload = signature.payload(request).unwrap();
            let canonical = canonical::request(request, &signature.signed_headers, None, realm_of(case).path, &payload);

            assert_eq!(String::from_utf8_lossy(&canonical), signed["canonical-request"].as_str().unwrap(), "{name}");
            assert_eq!(signature.string_to_sign(&canonical), signed["string-to-sign"].as_str().unwrap(), "{name}");
            assert_eq!(hex::encode(signature.signature), signed["signature"].as_str().unwrap(), "{name}");
            let secret = Secret::new(SECRET.into());
            assert_eq!(signature.verify(request, &secret, &realm_of(case), NOW.parse().unwrap()), Ok(()), "{name}");
            let wrong = Secret::new(SECRET.to_lowercase());
            let refused = signature.verify(request, &wrong, &realm_of(case), NOW.parse().unwrap());
            assert_eq!(refused, Err(SignatureError::Mismatch), "{name}");
        });
    });
    assert!(count >= 70, "{count} cases");
}

#[test]
fn a_request_is_signed_as_the_suite_signs_it() {
    each_case(|name, case, signed| {
        let mut sent = Sent::parse(signed["signed-request"].as_str().unwrap());
        let Some(at) = sent.headers.iter().position(|(name, _)| name == "authorization") else { return };
        let (_, wanted) = sent.headers.remove(at);

        let secret = Secret::new(SECRET.into());
        let made = sent.with(|request| sign(request, "AKIDEXAMPLE", &secret, &realm_of(case), NOW.parse().unwrap()));

        assert_eq!(made, wanted, "{name}");
    });
}

#[test]
fn a_session_token_that_was_not_signed_is_refused() {
    let suite = suite();
    let case = suite.iter().find(|case| case["name"] == TOKEN_AFTERWARDS).unwrap();
    let sent = Sent::parse(case["header"]["signed-request"].as_str().unwrap());

    let refused = sent.verify(SECRET, NOW);

    assert_eq!(refused, Err(SignatureError::Unsigned { header: "x-amz-security-token" }));
}

/// A request of a management call, signed by its header.
fn signed(change: impl FnOnce(Sent) -> Sent) -> Sent {
    let sent = Sent::parse("POST / HTTP/1.1\nhost:127.0.0.1:5000\n\n{\"a\":1}")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-date", "20150830T123600Z")
        .header("x-amz-target", "Registry.DescribeRegistry");
    let sent = change(sent);
    let secret = Secret::new(SECRET.into());
    let header = sent.with(|request| sign(request, "AKIDEXAMPLE", &secret, &REALM, NOW.parse().unwrap()));
    sent.header("authorization", &header)
}

#[test]
fn nothing_that_was_signed_may_change_on_the_way() {
    assert_eq!(signed(|sent| sent).verify(SECRET, NOW), Ok(()));

    for change in [
        |sent: Sent| sent.set("x-amz-target", "Registry.DeleteRegistry"),
        |sent: Sent| sent.set("host", "other.example"),
        |sent: Sent| sent.set("content-type", "text/plain"),
        |sent: Sent| sent.set("x-amz-date", "20150830T123601Z"),
        |sent: Sent| sent.header("x-amz-target", "Registry.DeleteRegistry"),
        |sent: Sent| Sent { body: "{\"a\":2}".into(), ..sent },
        |sent: Sent| Sent { method: "PUT".into(), ..sent },
        |sent: Sent| Sent { path: "/other".into(), ..sent },
        |sent: Sent| Sent { query: "a=1".into(), ..sent },
    ] {
        assert_eq!(change(signed(|sent| sent)).verify(SECRET, NOW), Err(SignatureError::Mismatch));
    }
}

#[test]
fn what_says_what_is_asked_for_must_be_signed() {
    for (header, value) in
        [("x-amz-target", "Registry.DeleteRegistry"), ("x-amz-security-token", "t"), ("x-amz-content-sha256", "00")]
    {
        let plain = |sent: Sent| Sent {
            headers: sent.headers.into_iter().filter(|(name, _)| name != header).collect(),
            ..sent
        };

        let refused = signed(plain).header(header, value).verify(SECRET, NOW);

        assert_eq!(refused, Err(SignatureError::Unsigned { header }));
    }
}

#[test]
fn host_and_date_must_be_signed() {
    let strip = |sent: Sent, header: &str| {
        let edit = |(name, value): (String, String)| match name == "authorization" {
            true => (name, value.replace(&format!("{header};"), "").replace(&format!(";{header}"), "")),
            false => (name, value),
        };
        Sent { headers: sent.headers.into_iter().map(edit).collect(), ..sent }
    };
    for header in ["host", "x-amz-date"] {
        assert_eq!(strip(signed(|sent| sent), header).verify(SECRET, NOW), Err(SignatureError::Unsigned { header }));
    }
}

#[test]
fn headers_that_proxies_add_need_not_be_signed() {
    let sent =
        signed(|sent| sent).header("x-amzn-trace-id", "Root=1").header("via", "1.1 proxy").header("user-agent", "x");

    assert_eq!(sent.verify(SECRET, NOW), Ok(()));
}

#[test]
fn a_signature_is_good_for_a_quarter_of_an_hour_both_ways() {
    for (now, is_good) in [
        ("2015-08-30T12:51:00Z", true),
        ("2015-08-30T12:51:01Z", false),
        ("2015-08-30T12:21:00Z", true),
        ("2015-08-30T12:20:59Z", false),
    ] {
        assert_eq!(signed(|sent| sent).verify(SECRET, now).is_ok(), is_good, "{now}");
    }
    assert_eq!(
        signed(|sent| sent).verify(SECRET, "2015-08-30T12:52:00Z").unwrap_err().to_string(),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123700Z (20150830T125200Z - 15 min.)"
    );
}

#[test]
fn a_link_is_good_for_as_long_as_it_says() {
    let suite = suite();
    let case = suite.iter().find(|case| case["name"] == "get-vanilla").unwrap();
    let link = Sent::parse(case["query"]["signed-request"].as_str().unwrap());

    assert_eq!(link.verify(SECRET, "2015-08-30T13:36:00Z"), Ok(()));
    assert!(matches!(link.verify(SECRET, "2015-08-30T13:36:01Z"), Err(SignatureError::LinkExpired { .. })));
    assert!(matches!(link.verify(SECRET, "2015-08-30T12:20:00Z"), Err(SignatureError::NotYetCurrent { .. })));
}

#[test]
fn a_credential_is_of_one_day_region_and_service() {
    let with = |from: &str, to: &str| {
        let sent = signed(|sent| sent);
        let edit = |(name, value): (String, String)| (name, value.replace(from, to));
        Sent { headers: sent.headers.into_iter().map(edit).collect(), ..sent }.verify(SECRET, NOW).unwrap_err()
    };

    assert!(matches!(with("/us-east-1/", "/eu-west-1/"), SignatureError::Region { .. }));
    assert!(matches!(with("/service/", "/s3/"), SignatureError::Service { .. }));
    assert!(matches!(with("/20150830/", "/20150829/"), SignatureError::Day { .. }));
}

#[test]
fn sts_may_be_signed_for_the_global_region() {
    let signature = |service: &str| Signature {
        access_key_id: String::new(),
        session_token: None,
        scope: CredentialScope { day: "20150830".into(), region: "us-east-1".into(), service: service.into() },
        signed_headers: vec![],
        signature: [0; 32],
        signed_at: NOW.parse().unwrap(),
        expires_in: None,
    };
    let check =
        |service| signature(service).check_scope(&Realm { region: "eu-west-1", service, path: PathForm::Normalised });

    assert_eq!((check("sts"), check("iam")), (Ok(()), Ok(())));
    assert!(matches!(check("ecr"), Err(SignatureError::Region { .. })));
}

#[test]
fn the_hash_that_comes_along_must_be_that_of_the_body() {
    let hash = hex::encode(digest::digest(&digest::SHA256, b"{\"a\":1}"));

    assert_eq!(signed(|sent| sent.header("x-amz-content-sha256", &hash)).verify(SECRET, NOW), Ok(()));
    for wrong in ["", "00", &hash.to_uppercase(), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] {
        let refused = signed(|sent| sent.header("x-amz-content-sha256", wrong)).verify(SECRET, NOW);
        assert_eq!(refused, Err(SignatureError::Payload), "{wrong}");
    }
}

#[test]
fn a_body_may_stay_unsigned_over_tls_only() {
    let sent = signed(|sent| sent.header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"));
    let found = sent.with(|request| {
        let signature = Signature::find(request).unwrap().unwrap();
        [false, true].map(|is_tls| signature.payload(&SignedRequest { is_tls, ..*request }))
    });

    assert_eq!(found, [Err(SignatureError::UnsignedPayload), Ok("UNSIGNED-PAYLOAD".into())]);
}

#[test]
fn the_host_a_trusted_proxy_tells_may_be_the_one_signed() {
    let sent = signed(|sent| sent.set("host", "hub.example")).set("host", "10.0.0.7:5000");

    let check = |public_host| {
        sent.with(|request| {
            let request = SignedRequest { public_host, ..*request };
            let signature = Signature::find(&request).unwrap().unwrap();
            signature.verify(&request, &Secret::new(SECRET.into()), &REALM, NOW.parse().unwrap())
        })
    };

    assert_eq!(check(None), Err(SignatureError::Mismatch));
    assert_eq!(check(Some("evil.example")), Err(SignatureError::Mismatch));
    assert_eq!(check(Some("hub.example")), Ok(()));
}

#[test]
fn a_request_without_a_signature_has_none() {
    let sent = Sent::parse("GET /?Action=GetCallerIdentity HTTP/1.1\nhost:a\n");

    assert!(sent.with(|request| Signature::find(request).unwrap().is_none()));
}

#[test]
fn a_signature_that_cannot_be_read_is_refused() {
    let scope = "AKIDEXAMPLE/20150830/us-east-1/ecr/aws4_request";
    let tag = "0".repeat(64);
    for header in [
        String::new(),
        "AWS4-HMAC-SHA256".into(),
        "Basic YTpi".into(),
        "Bearer x".into(),
        format!("AWS4-HMAC-SHA512 Credential={scope}, SignedHeaders=host, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 SignedHeaders=host, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={tag}0"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={}", "A".repeat(64)),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=Host, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;host, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, Credential={scope}, SignedHeaders=host, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={tag}, Extra=1"),
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/aws4_request, SignedHeaders=host, Signature={tag}"
        ),
        format!("AWS4-HMAC-SHA256 Credential={scope}5, SignedHeaders=host, Signature={tag}"),
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={tag}{}", " ".repeat(5000)),
    ] {
        let sent =
            Sent::parse("POST / HTTP/1.1\nhost:a\nx-amz-date:20150830T123600Z\n").header("authorization", &header);
        let found = sent.with(Signature::find);
        assert!(matches!(found, Err(SignatureError::Incomplete { .. })), "{header}: {found:?}");
    }
}

#[test]
fn a_signature_without_a_date_is_refused() {
    for date in [
        "",
        "x-amz-date:2015-08-30\n",
        "date:yesterday\n",
        "x-amz-date:20150830T123600Z\nx-amz-date:20150830T123600Z\n",
    ] {
        let scope = "AKIDEXAMPLE/20150830/us-east-1/ecr/aws4_request";
        let header = format!("AWS4-HMAC-SHA256 Credential={scope},SignedHeaders=host,Signature={}", "0".repeat(64));
        let sent = Sent::parse(&format!("POST / HTTP/1.1\nhost:a\n{date}")).header("authorization", &header);

        let found = sent.with(Signature::find);

        assert!(matches!(found, Err(SignatureError::Incomplete { .. })), "{date}");
    }
}

#[test]
fn two_signatures_are_one_too_many() {
    let twice = signed(|sent| sent).header("authorization", "AWS4-HMAC-SHA256 Credential=a");
    let both = Sent { query: "X-Amz-Signature=00".into(), ..signed(|sent| sent) };

    for sent in [twice, both] {
        assert_eq!(sent.with(|request| Signature::find(request).unwrap_err()), SignatureError::Several);
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_verified(path in "(/[ -~]{0,8}){1,4}", query in "([!-~]{0,6}=[!-~]{0,6}&?){0,4}", value in "[ -~]{0,20}", body in ".{0,40}") {
        prop_assume!(!query.contains("X-Amz-Signature"));
        let change = |sent: Sent| Sent { path, query, body, ..sent }.header("x-custom", &value);

        prop_assert_eq!(signed(change).verify(SECRET, NOW), Ok(()));
    }

    #[test]
    fn any_header_and_query_are_read_without_panic(header in "(AWS4-HMAC-SHA256 )?\\PC{0,200}", query in "(X-Amz-Signature=)?\\PC{0,200}") {
        let sent = Sent { query, ..Sent::parse("GET / HTTP/1.1\nhost:a\nx-amz-date:20150830T123600Z\n") };

        let _ = sent.header("authorization", &header).with(Signature::find);
        let _ = signed(|sent| sent).with(Signature::find);
    }
}

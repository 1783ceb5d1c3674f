//! Whatever a request holds: its signature is read or refused, never taken for one of our secret; and what is signed with
//! that secret is taken, as long as nothing of it changes.
//!
//! The input is lines: path, query, headers (`name:value`), an empty one, and the body.
#![no_main]

use gantry_access::sigv4::{PathForm, Realm, Signature, SignedRequest, print_date, sign};
use gantry_words::{Secret, Timestamp};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(1_440_938_160_000);
const REALM: Realm<'_> = Realm { region: "us-east-1", service: "ecr", path: PathForm::Normalised };

fn posted<'a>(
    (path, query, body): (&'a str, &'a str, &'a [u8]),
    headers: &'a [(&'a str, &'a [u8])],
) -> SignedRequest<'a> {
    SignedRequest { method: "POST", path, query, headers, public_host: None, body, is_tls: false }
}

fuzz_target!(|text: &str| {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.split('\n');
    let (path, query) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut headers: Vec<_> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.as_bytes())).collect();
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_string());
    let is_lower = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let target = (path, query, body.as_bytes());

    if let Ok(Some(found)) = Signature::find(&posted(target, &headers)) {
        assert!(!found.access_key_id.is_empty());
        assert!(found.verify(&posted(target, &headers), &secret, &REALM, NOW).is_err());
    }

    headers.retain(|(name, _)| {
        is_lower(name) && !name.starts_with("x-amz-") && *name != "authorization" && *name != "host"
    });
    headers.truncate(32);
    let date = print_date(NOW);
    headers.extend([("host", &b"127.0.0.1:5000"[..]), ("x-amz-date", date.as_bytes())]);
    let made = sign(&posted(target, &headers), "AKIDEXAMPLE", &secret, &REALM, NOW);
    headers.push(("authorization", made.as_bytes()));
    match Signature::find(&posted(target, &headers)) {
        Ok(Some(found)) => found.verify(&posted(target, &headers), &secret, &REALM, NOW).expect("we signed it"),
        // Too many headers make the line too long; a signature in the query is a second one.
        Ok(None) => panic!("it is signed"),
        Err(_) => assert!(made.len() > 4096 || query.contains("X-Amz-Signature")),
    }
});

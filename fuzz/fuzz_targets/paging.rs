//! A page that is asked for is within its bounds, and the `Link` to the next (RFC 8288) asks for what it was made of.
#![no_main]

use gantry_api::Incoming;
use gantry_fault::FaultKind;
use gantry_v2::paging::{COUNT_MAX, LAST_BYTES_MAX, Paging, next_link};
use http::{HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (query, last) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(incoming) = ask(&format!("/v2/_catalog?{query}")) {
        match Paging::read(&incoming) {
            Ok(paging) => {
                assert!(paging.count <= COUNT_MAX && paging.last.len() <= LAST_BYTES_MAX);
                let asked = incoming.query("n").map_or(1_000, |count| count.parse::<u128>().expect("it was read"));
                assert_eq!(paging.count as u128, asked.min(COUNT_MAX as u128));
            }
            Err(fault) => assert!(fault.kind == FaultKind::InvalidParameter && !fault.message.is_empty()),
        }
    }

    let parameters = [("n", "100"), ("last", last), ("artifactType", query)];
    let link = next_link("/v2/team/app/tags/list", &parameters);
    assert!(
        HeaderValue::from_str(&link).is_ok() && link.bytes().all(|byte| (b'!'..=b'~').contains(&byte) || byte == b' ')
    );
    let target = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("it is a link");
    assert!(!target.contains(['<', '>', '"', ' ']));
    let next = ask(target).expect("a link leads somewhere");
    assert_eq!(next.uri.path(), "/v2/team/app/tags/list");
    for (name, value) in parameters {
        assert_eq!(next.query_all(name).collect::<Vec<_>>(), [value]);
    }
    if last.len() <= LAST_BYTES_MAX {
        assert_eq!(Paging::read(&next).expect("our own link"), Paging { count: 100, last: last.into() });
    }
});

fn ask(address: &str) -> Option<Incoming> {
    address.parse::<Uri>().ok().map(|_| Incoming::new(Method::GET, address))
}

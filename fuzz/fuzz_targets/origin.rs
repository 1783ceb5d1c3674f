//! Host and `X-Forwarded-*`: an origin is an address that can be quoted, and nobody chooses what he is taken for.
#![no_main]

use gantry_api::{Origin, TrustedProxy, forwarded};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

fuzz_target!(|text: &str| {
    // First the address, then a header on each line.
    let mut lines = text.lines();
    let uri: Uri = lines.next().and_then(|line| line.parse().ok()).unwrap_or_default();
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let headers: HeaderMap = pairs
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?)))
        .collect();
    let origin = match Origin::of(false, &uri, &headers, Version::HTTP_11) {
        Ok(origin) => origin,
        Err(error) => return assert!(!error.message().is_empty()),
    };
    assert_quotable(&origin);

    let proxies: Vec<TrustedProxy> = ["10.0.0.0/8", "unix"].map(|text| text.parse().expect("a network")).into();
    let (stranger, proxy): (IpAddr, IpAddr) = ([192, 0, 2, 7].into(), [10, 0, 0, 1].into());
    let seen = forwarded(&proxies, Some(stranger), origin.clone(), &headers);
    assert_eq!((seen.source, &seen.origin), (Some(stranger), &origin), "a stranger is not believed");
    for peer in [Some(proxy), None] {
        assert_quotable(&forwarded(&proxies, peer, origin.clone(), &headers).origin);
    }

    // Whatever a client wrote: what the proxy adds behind it is the truth.
    let mut added = headers.clone();
    for (name, value) in
        [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "hub.example")]
    {
        added.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let seen = forwarded(&proxies, Some(proxy), origin, &added);
    assert_eq!((seen.source, seen.origin.to_string()), (Some([203, 0, 113, 9].into()), "https://hub.example".into()));

    if let Ok(network) = text.parse::<TrustedProxy>() {
        assert_eq!(network.to_string().parse(), Ok(network));
        if let Ok(address) = text.parse::<IpAddr>() {
            assert!(network.contains(Some(address)));
        }
    }
});

fn assert_quotable(origin: &Origin) {
    let text = origin.to_string();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    assert!(!origin.host().is_empty() && origin.host().bytes().all(allowed), "{text}");
    assert_eq!(text, format!("{}://{}", origin.scheme(), origin.host()));
    assert_eq!(Origin::new(origin.is_https(), origin.host()).as_ref(), Some(origin));
}

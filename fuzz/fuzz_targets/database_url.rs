//! The address of a PostgreSQL: nothing crosses a network in the clear unless that was asked for, and no sentence holds
//! the password.
#![no_main]

use gantry_metadata::{Address, Settings, Tls};
use gantry_words::Secret;
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

const PASSWORD: &str = "hunter2-hunter2";

fuzz_target!(|text: &str| {
    let settings = |url: &str, tls| Settings { url: Secret::new(url.into()), tls, ..Settings::default() };
    for tls in [None, Some(Tls::Off), Some(Tls::VerifyFull)] {
        if let Ok(address) = Address::parse(&settings(text, tls)) {
            assert!(text.starts_with("postgres"));
            match tls {
                Some(tls) => assert_eq!(address.is_encrypted(), tls == Tls::VerifyFull),
                None => assert!(address.is_encrypted() || is_local(text, &address), "{text}"),
            }
        }
    }

    let with_password = settings(&format!("postgres://gantry:{PASSWORD}@{text}"), None);
    let said = match Address::parse(&with_password) {
        Ok(address) => address.place(),
        Err(refusal) => refusal.to_string(),
    };
    assert!(text.contains("hunter2") || !said.contains("hunter2"), "{said}");
});

/// Whether all hosts are this machine; what the address says beside the hosts is taken as it stands.
fn is_local(url: &str, address: &Address) -> bool {
    let hosts = address.place().rsplit_once('/').map(|(hosts, _)| hosts.to_string()).unwrap_or_default();
    let is_loopback = |host: &str| host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_named = hosts
        .split(',')
        .all(|host| host.is_empty() || host == "localhost" || host.starts_with('/') || is_loopback(host));
    is_named || url.contains("host")
}

//! The file of the root credentials: what is read can be sent as user and password, and is printed as what is read again.
#![no_main]

use gantry_accounts::RootCredentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let credentials = match RootCredentials::parse(text) {
        Ok(credentials) => credentials,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    let (id, secret) = (&credentials.access_key_id, credentials.secret_access_key.reveal());
    assert!((1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'));
    assert!((1..=1024).contains(&secret.len()) && !secret.chars().any(char::is_control));
    assert_eq!(obvious(text, "aws_access_key_id"), [id.as_str()]);
    assert_eq!(obvious(text, "aws_secret_access_key"), [secret.as_str()]);
    assert!(id.contains(secret.as_str()) || !format!("{credentials:?}").contains(&format!("{secret:?}")));

    let again = RootCredentials::parse(&credentials.print()).expect("what was printed is read");
    assert_eq!((&again.access_key_id, again.secret_access_key.reveal()), (id, secret));
});

/// The values of a key, comments left out.
fn obvious<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
        .collect()
}

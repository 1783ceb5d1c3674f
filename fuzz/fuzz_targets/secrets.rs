//! Whatever a file holds: what is found in it stands on a line of it, shows four characters, and never the secret itself.
#![no_main]

use gantry_scan::{SECRETS_PER_FILE_MAX, find_secrets};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = find_secrets("etc/app/settings", bytes);

    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(found.len() <= SECRETS_PER_FILE_MAX);
    for secret in &found {
        assert!((1..=lines).contains(&(secret.line as usize)), "{secret:?}");
        assert!(secret.preview.chars().count() <= 5 && secret.fingerprint.len() == 16, "{secret:?}");
    }
    assert_eq!(find_secrets("etc/app/settings", bytes), found);
});

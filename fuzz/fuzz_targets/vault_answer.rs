//! What a Vault answers is read without panic: what it wrapped has the form that transit gives it and is read again as it was, and
//! what it says of an error is one short line that no terminal is changed by.
#![no_main]

use gantry_vault::{Wrapped, answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(wrapped) = answer::wrapped(bytes) {
        assert!(
            wrapped.as_str().starts_with("vault:v") && wrapped.as_str().bytes().all(|byte| byte.is_ascii_graphic())
        );
        assert_eq!(wrapped.as_str().parse::<Wrapped>().as_ref(), Ok(&wrapped));
    }
    // Base64 takes four bytes for three.
    if let Some(plaintext) = answer::plaintext(bytes) {
        assert!(plaintext.len() < bytes.len());
    }
    if let Some(token) = answer::token(bytes) {
        assert!(token.reveal().len() < bytes.len());
    }
    let said = answer::said(bytes);
    assert!(!said.is_empty() && said.chars().count() <= answer::SAID_CHARS_MAX);
    assert!(!said.chars().any(char::is_control));
});

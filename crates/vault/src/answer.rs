//! What answers of Vault's hold (Vault, "HTTP API", "Transit secrets engine (API)", "AppRole auth method (API)"). Pure: bytes in,
//! what was looked for out, or nothing.

use crate::Wrapped;
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_words::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

/// How much is repeated of what Vault says of an error.
pub const SAID_CHARS_MAX: usize = 300;

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    auth: Option<Auth>,
}

#[derive(Deserialize)]
struct Data {
    ciphertext: Option<String>,
    plaintext: Option<Secret<String>>,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

fn data(body: &[u8]) -> Option<Data> {
    serde_json::from_slice::<Answer>(body).ok()?.data
}

/// Reads what was wrapped: `data.ciphertext`.
pub fn wrapped(body: &[u8]) -> Option<Wrapped> {
    data(body)?.ciphertext?.parse().ok()
}

/// Reads what was unwrapped: `data.plaintext`, base64.
pub fn plaintext(body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(data(body)?.plaintext?.reveal()).ok().map(Zeroizing::new)
}

/// Reads the token of a login: `auth.client_token`.
pub fn token(body: &[u8]) -> Option<Secret<String>> {
    serde_json::from_slice::<Answer>(body).ok()?.auth.map(|auth| auth.client_token)
}

/// Reads what is said of an error: `errors`, on one line of at most [`SAID_CHARS_MAX`] characters, and never empty.
pub fn said(body: &[u8]) -> String {
    let errors = serde_json::from_slice::<Errors>(body).map(|read| read.errors).unwrap_or_default();
    let text = errors.join("; ");
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    match words.join(" ").chars().take(SAID_CHARS_MAX).collect::<String>() {
        said if said.is_empty() => "no reason is given".into(),
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_tell_what_was_asked_for() {
        let body =
            br#"{"request_id": "x", "lease_duration": 0, "data": {"ciphertext": "vault:v1:AAAA", "key_version": 1}}"#;
        assert_eq!(wrapped(body).unwrap().as_str(), "vault:v1:AAAA");
        assert_eq!(*plaintext(br#"{"data": {"plaintext": "aGVsbG8="}}"#).unwrap(), b"hello");
        let login = br#"{"data": null, "auth": {"client_token": "s.abc", "renewable": true}}"#;
        assert_eq!(token(login).unwrap().reveal(), "s.abc");
    }

    #[test]
    fn what_is_no_answer_holds_nothing() {
        for body in [&b""[..], b"{}", b"[]", b"{\"data\": {}}", b"{\"data\": {\"plaintext\": \"!\"}}", b"<html>"] {
            assert!(wrapped(body).is_none() && plaintext(body).is_none() && token(body).is_none());
        }
    }

    #[test]
    fn an_error_is_said_on_one_short_line() {
        assert_eq!(
            said(br#"{"errors": ["1 error occurred:\n\t* permission denied\n\n"]}"#),
            "1 error occurred: * permission denied"
        );
        assert_eq!(said(b"<html>"), "no reason is given");
        let long = serde_json::json!({"errors": ["word ".repeat(1000)]}).to_string();
        assert_eq!(said(long.as_bytes()).chars().count(), SAID_CHARS_MAX);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = (wrapped(&bytes), plaintext(&bytes), token(&bytes));
            prop_assert!(!said(&bytes).is_empty());
        }
    }
}

//! `Authorization: Basic` (RFC 7617).

use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_words::Secret;

/// The longest value that is looked at, in bytes.
const BYTES_MAX: usize = 8 * 1024;

/// Reads the value behind `Basic `: user and password. `None` where it is malformed.
pub fn parse(encoded: &str) -> Option<(String, Secret<String>)> {
    if encoded.len() > BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.into(), Secret::new(password.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_may_hold_colons() {
        let (user, password) = parse("dXNlcjpwYTpzcw==").unwrap();

        assert_eq!((user.as_str(), password.reveal().as_str()), ("user", "pa:ss"));
    }

    #[test]
    fn what_is_malformed_is_nobody() {
        for text in ["", "!", "dXNlcg==", "/////w==", &"A".repeat(9000)] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}

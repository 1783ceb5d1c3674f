//! What patterns cannot say.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Pieces of the examples in makers' documentations, and of placeholders; in lower case.
const EXAMPLES: &[&str] = &[
    "example",
    "changeme",
    "placeholder",
    "redacted",
    "xxxxxx",
    "your_",
    "your-",
    "123456789012345678",
    // The key of Azurite and of the storage emulator before it (learn.microsoft.com, "Use the Azurite emulator").
    "eby8vdm02xnocqflquwjpllmetlcdxj1ouzft50usrz6",
    // The subject of RFC 7519's and jwt.io's tokens: "1234567890".
    "eyjzdwiioiixmjm0nty3odkwi",
];

/// Passwords in addresses that everybody writes in examples.
const EVERYBODYS_PASSWORDS: &[&str] = &["password", "postgres", "passw0rd", "mypassword", "username", "secretpassword"];

/// Tells whether something is an example of a documentation, or stands for a secret that is put in later.
pub(super) fn is_example(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_ascii_lowercase();
    EXAMPLES.iter().any(|example| text.contains(example))
}

/// Returns the bits that a character tells (Shannon's entropy of the bytes), 0.0 to 8.0.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    #[expect(clippy::cast_precision_loss, reason = "a secret has some thousand bytes")]
    let total = bytes.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// Tells whether something is `user:password` in Base64.
pub(super) fn is_basic_credentials(secret: &[u8]) -> bool {
    STANDARD.decode(secret).is_ok_and(|pair| {
        let colon = pair.iter().position(|byte| *byte == b':');
        colon.is_some_and(|at| at > 0 && at + 1 < pair.len()) && pair.iter().all(|byte| (b' '..0x7f).contains(byte))
    })
}

/// Tells whether something begins as a JSON web token does, with an algorithm (RFC 7515).
pub(super) fn is_web_token(secret: &[u8]) -> bool {
    let header = secret.split(|byte| *byte == b'.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).ok();
    let header = header.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
    header.is_some_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}

/// Tells whether somebody chose a password, rather than showed where it stands.
pub(super) fn is_chosen_password(secret: &[u8]) -> bool {
    let text = String::from_utf8_lossy(secret).to_ascii_lowercase();
    !EVERYBODYS_PASSWORDS.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_nothing_for_one_letter_and_a_bit_for_two() {
        assert_eq!(entropy(b""), 0.0);
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abab"), 1.0);
    }
}

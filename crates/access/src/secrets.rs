use aws_lc_rs::{constant_time, digest};

/// A secret of at least so many characters, and so many different ones, is not found by asking.
const STRONG_BYTES_MIN: usize = 20;
const STRONG_DIFFERENT_MIN: usize = 10;

/// Whether two secrets are equal, in a time that tells neither where they differ nor whether their lengths do.
///
/// Their hashes are compared, in constant time: what is measured is at most the length of what the caller sent.
pub fn equal_secrets(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (digest::digest(&digest::SHA256, a), digest::digest(&digest::SHA256, b));
    constant_time::verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}

/// Returns a name for a text that tells nothing of it: its SHA-256, in hexadecimal. Not for what can be guessed.
pub fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// Whether a secret is long and mixed enough that guessing it over the network is hopeless at any rate.
pub fn withstands_guessing(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    secret.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    secret.len() >= STRONG_BYTES_MIN && seen.iter().filter(|seen| **seen).count() >= STRONG_DIFFERENT_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_when_every_byte_is() {
        assert!(equal_secrets(b"hunter2", b"hunter2"));
        assert!(equal_secrets(b"", b""));
        for other in [&b"hunter3"[..], b"hunter", b"hunter22", b"Hunter2", b"", b"hunter2\0"] {
            assert!(!equal_secrets(b"hunter2", other), "{other:?}");
        }
    }

    #[test]
    fn a_short_or_monotonous_secret_can_be_guessed() {
        assert!(withstands_guessing(b"3xC6rKp9Lm2Qv8Zt5Wn1"));
        assert!(!withstands_guessing(b"3xC6rKp9Lm2Qv8Zt5Wn"));
        assert!(!withstands_guessing(&[b'a'; 40]));
        assert!(!withstands_guessing(b""));
    }
}

use aws_lc_rs::{constant_time, digest};

/// Whether two secrets are equal, in a time that tells nothing of where they differ, nor of how long they are.
pub fn equal_secrets(a: &[u8], b: &[u8]) -> bool {
    let hash = |secret| digest::digest(&digest::SHA256, secret);
    constant_time::verify_slices_are_equal(hash(a).as_ref(), hash(b).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_when_all_their_bytes_are() {
        assert!(equal_secrets(b"secret", b"secret"));
        assert!(!equal_secrets(b"secret", b"secreT"));
        assert!(!equal_secrets(b"secret", b"secret "));
        assert!(!equal_secrets(b"", b"secret"));
    }
}

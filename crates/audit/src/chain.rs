use aws_lc_rs::digest::{Context, SHA256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// What a chain begins with.
pub const GENESIS: Hash = [0; 32];

/// Returns the hash of a record in its place: SHA-256(0x00 ‖ hash before ‖ place, 8 bytes big-endian ‖ bytes).
///
/// The first byte keeps a record's hash apart from that of anything else that is hashed here.
pub fn link(before: &Hash, seq: u64, bytes: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(before);
    context.update(&seq.to_be_bytes());
    context.update(bytes);
    let mut hash = GENESIS;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_what_came_before_on_the_place_and_on_the_bytes() {
        let hash = link(&GENESIS, 1, b"a");

        assert_ne!(hash, link(&[1; 32], 1, b"a"));
        assert_ne!(hash, link(&GENESIS, 2, b"a"));
        assert_ne!(hash, link(&GENESIS, 1, b"b"));
        assert_eq!(hex::encode(hash), "fde9a9eff20b2f049c2fe51067f238fd16c9b3e5dbce119b045659453a66e41f");
    }
}

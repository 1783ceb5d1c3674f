//! Personal tokens: `gtp_`, 32 letters and digits, and 6 that follow from them, so that whoever looks through code and logs for
//! leaked tokens finds these and no others.

use aws_lc_rs::digest;
use gantry_words::Secret;

/// What every personal token begins with.
pub const PERSONAL_TOKEN_PREFIX: &str = "gtp_";

const RANDOM_CHARS: usize = 32;
const CHECK_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What is kept of a personal token: its SHA-256, in hex. It is random, so there is nothing to guess that a slower hash would keep.
pub type PersonalTokenHash = String;

/// Makes a personal token of 190 random bits; `draw` returns 64 bits that nobody can foresee.
pub fn personal_token(mut draw: impl FnMut() -> u64) -> Secret<String> {
    let mut text = String::from(PERSONAL_TOKEN_PREFIX);
    // Of 64 bits: what the division favours is beyond measure.
    text.extend((0..RANDOM_CHARS).map(|_| letter(draw())));
    let check = check(&text[PERSONAL_TOKEN_PREFIX.len()..]);
    text.push_str(&check);
    Secret::new(text)
}

/// Returns by what a personal token is found; none where the text is none, which is told without looking anything up.
pub fn personal_token_hash(text: &str) -> Option<PersonalTokenHash> {
    let rest = text.strip_prefix(PERSONAL_TOKEN_PREFIX)?;
    let is_form = rest.len() == RANDOM_CHARS + CHECK_CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_form || check(&rest[..RANDOM_CHARS]) != rest[RANDOM_CHARS..] {
        return None;
    }
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    Some(hex::encode(hash.as_ref()))
}

fn letter(number: u64) -> char {
    char::from(BASE62[usize::try_from(number % 62).expect("below 62")])
}

/// The CRC-32 (ISO 3309) of the random part, in base 62.
fn check(random: &str) -> String {
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    let mut crc = u32::MAX;
    for byte in random.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & 0_u32.wrapping_sub(crc & 1));
        }
    }
    let mut rest = u64::from(!crc);
    let mut letters = [' '; CHECK_CHARS];
    for place in letters.iter_mut().rev() {
        *place = letter(rest);
        rest /= 62;
    }
    letters.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(mut seed: u64) -> String {
        let draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed >> 7
        };
        personal_token(draw).reveal().clone()
    }

    #[test]
    fn the_check_is_crc_32_in_base_62() {
        // The check value of CRC-32: 0xCBF43926 for "123456789", which is 3421780262.
        assert_eq!(check("123456789"), "3jZRME");
    }

    #[test]
    fn a_token_has_42_characters_and_no_two_are_alike() {
        assert_eq!(drawn(1).len(), 42);
        assert!(drawn(1).starts_with("gtp_"));
        assert_ne!(drawn(1), drawn(2));
        assert_ne!(personal_token_hash(&drawn(1)), personal_token_hash(&drawn(2)));
        assert_eq!(personal_token_hash(&drawn(1)).unwrap().len(), 64);
    }

    #[test]
    fn what_is_no_token_is_told_by_its_form() {
        let token = drawn(7);
        let last = if token.ends_with('0') { "1" } else { "0" };
        let changed = format!("{}{last}", &token[..41]);
        for wrong in ["", "gtp_", &token[..41], &format!("{token}0"), &changed, &token.replace("gtp_", "ghp_"), "gtp_é"]
        {
            assert_eq!(personal_token_hash(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_token_that_is_made_is_known_as_one(seed: u64) {
            prop_assert!(personal_token_hash(&drawn(seed)).is_some());
        }

        #[test]
        fn any_text_is_looked_at_without_panic(text in "(gtp_)?\\PC{0,60}") {
            let _ = personal_token_hash(&text);
        }
    }
}

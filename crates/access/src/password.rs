//! Passwords of people: how they are kept (argon2id, RFC 9106), and which are good enough.

use crate::equal_secrets;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use std::sync::LazyLock;

/// The fewest characters of a new password.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The most bytes of a password; one that is longer is refused before anything is calculated.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// What a password costs whoever tries one: 19 MiB of memory gone through twice (OWASP Password Storage Cheat Sheet, argon2id).
const KIBIBYTES: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// The most that a stored hash may ask for: a row that was tampered with takes neither all memory nor all time.
const KIBIBYTES_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;
const HASH_BYTES: usize = 32;
const DIFFERENT_MIN: usize = 5;

/// What is calculated with where there is no password, so that it costs the same.
static NOBODYS: LazyLock<String> = LazyLock::new(|| hash_password("of a user who is not known", &[0; 16]));

/// A password that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("A password has at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// It is too long.
    #[error("A password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// It could not be sent as Basic credentials (RFC 7617, section 2).
    #[error("A password has no control characters")]
    Control,
    /// It repeats a few characters.
    #[error("A password has at least {DIFFERENT_MIN} different characters")]
    Monotonous,
    /// Whoever knows the name knows most of it.
    #[error("A password does not contain the name of its user")]
    Name,
}

/// Checks a new password of the user `name`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_password(password: &str, name: &str) -> Result<(), PasswordError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.chars().any(char::is_control) {
        return Err(PasswordError::Control);
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return Err(PasswordError::Monotonous);
    }
    let (password, name) = (password.to_lowercase(), name.to_lowercase());
    // The name of somebody called "al" stands in half of all words.
    if name.chars().count() >= 4 && password.contains(&name) { Err(PasswordError::Name) } else { Ok(()) }
}

/// Returns a password as it is kept: `$argon2id$v=19$m=…,t=…,p=1$SALT$HASH`. It takes some hundredths of a second.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> String {
    let hash = argon2id(password, salt, KIBIBYTES, PASSES).expect("the parameters above are good");
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={KIBIBYTES},t={PASSES},p=1${salt}${hash}")
}

/// Whether a password is the one that was kept. It takes as long where there is none, and is wrong then.
pub fn is_password(password: &str, kept: Option<&str>) -> bool {
    let found = kept.and_then(Kept::parse);
    let is_known = found.is_some();
    let kept = found.or_else(|| Kept::parse(&NOBODYS)).expect("what was printed above is read");
    let hash = argon2id(password, &kept.salt, kept.kibibytes, kept.passes);
    hash.is_some_and(|hash| equal_secrets(&hash, &kept.hash)) & is_known
}

/// Makes proofs that a password was right once: they are of use only to whoever has the key, which is in memory alone.
pub struct PasswordProver(hmac::Key);

impl PasswordProver {
    /// One whose proofs nobody else makes.
    pub fn new(key: &[u8; 32]) -> Self {
        PasswordProver(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The proof for these texts, of which the last is the password.
    pub fn prove(&self, texts: &[&str]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for text in texts {
            let length = u64::try_from(text.len()).expect("no text is longer than 2^64 bytes");
            context.update(&length.to_be_bytes());
            context.update(text.as_bytes());
        }
        context.sign().as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
    }
}

fn argon2id(password: &str, salt: &[u8], kibibytes: u32, passes: u32) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(kibibytes, passes, 1, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .ok()?;
    Some(hash)
}

/// A password as it is kept, taken apart.
struct Kept {
    kibibytes: u32,
    passes: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Kept {
    fn parse(text: &str) -> Option<Kept> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (params, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut params = params.split(',');
        let kibibytes = params.next()?.strip_prefix("m=")?.parse().ok()?;
        let passes = params.next()?.strip_prefix("t=")?.parse().ok()?;
        let is_bounded = kibibytes <= KIBIBYTES_MAX && passes <= PASSES_MAX && params.next()? == "p=1";
        let (salt, hash) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?);
        let is_whole = is_bounded && parts.next().is_none() && params.next().is_none() && hash.len() == HASH_BYTES;
        is_whole.then_some(Kept { kibibytes, passes, salt, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse battery";

    #[test]
    fn a_password_is_known_again_and_another_is_not() {
        let kept = hash_password(PASSWORD, &[7; 16]);

        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_password(PASSWORD, Some(&kept)));
        assert!(!is_password("correct horse batterz", Some(&kept)));
        assert!(!is_password("", Some(&kept)));
        assert_ne!(kept, hash_password(PASSWORD, &[8; 16]));
    }

    #[test]
    fn nobody_has_no_password() {
        assert!(!is_password(PASSWORD, None));
        assert!(!is_password("of a user who is not known", None));
    }

    #[test]
    fn a_row_that_was_tampered_with_is_nobodys() {
        let kept = hash_password(PASSWORD, &[7; 16]);
        for wrong in [
            "",
            "$argon2id$",
            &kept.replace("argon2id", "argon2i"),
            &kept.replace("m=19456", "m=4294967295"),
            &kept.replace("t=2", "t=99"),
            &kept.replace("p=1", "p=2"),
            &kept.replace("m=19456", "m=1"),
            &format!("{kept}$x"),
            &kept[..kept.len() - 4],
        ] {
            assert!(!is_password(PASSWORD, Some(wrong)), "{wrong}");
        }
    }

    #[test]
    fn argon2id_is_that_of_its_specification() {
        // Made with the reference implementation (argon2 20190702, CC0): argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32, "password".
        let hash = argon2id("password", b"somesalt", 65536, 2).unwrap();

        assert_eq!(hex::encode(hash), "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }

    #[test]
    fn a_new_password_is_long_mixed_and_not_the_name() {
        for (password, name, wanted) in [
            (PASSWORD, "ann", Ok(())),
            ("ännchen-von-tharau", "ann", Ok(())),
            ("short", "ann", Err(PasswordError::TooShort)),
            ("abababababababab", "ann", Err(PasswordError::Monotonous)),
            ("my name is Bobby!", "bobby", Err(PasswordError::Name)),
            ("a\nb c d e f g h i j", "ann", Err(PasswordError::Control)),
            (&"abcde".repeat(206), "ann", Err(PasswordError::TooLong)),
        ] {
            assert_eq!(check_password(password, name), wanted, "{password}");
        }
    }
}

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt;

/// Consonants, so that no word comes of it and no letter is taken for a digit (RFC 8628 section 6.1).
pub const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LETTERS: usize = 8;
const TYPED_BYTES_MAX: usize = 64;

/// What a person types so that a terminal is let in: eight consonants, of which 25,600,000,000 can be made.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// Makes one of bytes that are drawn for it alone.
    pub fn draw(random: &[u8; 32]) -> Self {
        // 240 is twelve times 20: all letters are as likely. That fewer than 8 of 32 bytes are below it does not happen.
        let fair = random.iter().filter(|byte| **byte < 240);
        let padding = std::iter::repeat(&0);
        let letters = fair.chain(padding).map(|byte| char::from(USER_CODE_LETTERS[usize::from(byte % 20)]));
        UserCode(letters.take(LETTERS).collect())
    }

    /// Reads what a person has typed: case, hyphens and blanks do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        // Pages show what was typed: behind many blanks there would be room for words of whoever made the link.
        if text.len() > TYPED_BYTES_MAX {
            return None;
        }
        let letters = text.chars().filter(|c| !matches!(c, '-' | ' ' | '\t'));
        let code: String = letters.map(|c| c.to_ascii_uppercase()).collect();
        let is_code = code.len() == LETTERS && code.bytes().all(|byte| USER_CODE_LETTERS.contains(&byte));
        is_code.then_some(UserCode(code))
    }

    /// Returns what is kept of it: 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        hex::encode(digest(&SHA256, format!("user code\0{}", self.0).as_bytes()))
    }
}

/// `BCDF-GHJK`.
impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = self.0.split_at(LETTERS / 2);
        write!(f, "{head}-{tail}")
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

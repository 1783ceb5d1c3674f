use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

const TICKET_CHARACTERS: usize = 43;

/// A random value that shows by itself who holds it. Only its hash is kept: it is random, so a fast one does.
#[derive(Clone)]
pub struct Ticket(String);

impl Ticket {
    /// Makes one of bytes that are drawn for it alone.
    pub fn draw(random: &[u8; 32]) -> Self {
        Ticket(URL_SAFE_NO_PAD.encode(random))
    }

    /// Reads one: 43 characters of base64url.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (text.len() == TICKET_CHARACTERS && text.bytes().all(is_allowed)).then(|| Ticket(text.into()))
    }

    /// Shows it, to whom it is given.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns what is kept of it: 64 hexadecimal digits.
    pub fn hash(&self) -> String {
        hex::encode(digest(&SHA256, self.0.as_bytes()))
    }

    /// Returns what forms of this session carry: whoever knows it does not know the ticket, and of another it is another.
    pub fn form_token(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"gantry form token").as_ref())
    }

    /// Whether `token` is [`Ticket::form_token`].
    pub fn admits_form(&self, token: &str) -> bool {
        crate::equal_secrets(token.as_bytes(), self.form_token().as_bytes())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

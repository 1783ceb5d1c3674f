use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, fmt::Write, time::Duration};

/// How long a person may take at the provider.
pub const ATTEMPT_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Random bytes of an attempt: a third each for state, nonce and verifier.
const RANDOM_BYTES: usize = 96;
const RETURN_BYTES_MAX: usize = 1024;

/// A login under way. It travels sealed in a cookie of the browser that began it, so that an answer is worth nothing in another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginAttempt {
    #[serde(rename = "s")]
    state: String,
    #[serde(rename = "n")]
    nonce: String,
    #[serde(rename = "v")]
    verifier: String,
    #[serde(rename = "r")]
    return_to: String,
    /// In milliseconds since 1970.
    #[serde(rename = "b")]
    begun_at: i64,
}

impl LoginAttempt {
    /// Begins a login with random bytes that are drawn for it alone. `return_to` is where the browser goes after it, where
    /// [`return_path`] takes that.
    pub fn begin(random: &[u8; RANDOM_BYTES], return_to: &str, now: Timestamp) -> Self {
        let part = |index: usize| URL_SAFE_NO_PAD.encode(&random[index * 32..(index + 1) * 32]);
        LoginAttempt {
            state: part(0),
            nonce: part(1),
            verifier: part(2),
            return_to: return_path(return_to).unwrap_or_default().into(),
            begun_at: now.millis(),
        }
    }

    /// Returns the URL to send the browser to: the provider's authorization endpoint with the question in its query (RFC 6749
    /// section 4.1.1, RFC 7636 section 4.3).
    pub fn url(&self, endpoint: &str, client_id: &str, redirect_url: &str, scopes: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()));
        let mut url = endpoint.to_string();
        let members = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_url),
            ("scope", scopes),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (index, (name, value)) in members.into_iter().enumerate() {
            url.push(if index == 0 && !endpoint.contains('?') { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            push_encoded(&mut url, value);
        }
        url
    }

    /// Returns the body that asks the token endpoint for what a code is worth (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    pub fn token_request(&self, code: &str, client_id: &str, redirect_url: &str) -> String {
        let members = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_url),
            ("client_id", client_id),
            ("code_verifier", &self.verifier),
        ];
        let mut body = String::new();
        for (name, value) in members {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(name);
            body.push('=');
            push_encoded(&mut body, value);
        }
        body
    }

    /// Where the browser goes afterwards: a path; empty where nothing was asked.
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    pub(super) fn state(&self) -> &str {
        &self.state
    }

    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let begun_at = Timestamp::from_millis(self.begun_at);
        now >= begun_at.plus(ATTEMPT_LIFETIME)
    }

    /// Returns it as it travels, to be sealed.
    pub fn print(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers become JSON")
    }

    /// Reads what [`LoginAttempt::print`] returned; none where that is something else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAttempt").field("return_to", &self.return_to).finish_non_exhaustive()
    }
}

/// Takes a path of this site to go to: printable ASCII that begins with one `/`, and goes on with neither `/` nor `\`, which
/// browsers read as another host.
pub fn return_path(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_path = bytes.first() == Some(&b'/') && !matches!(bytes.get(1), Some(b'/' | b'\\'));
    let is_plain = bytes.len() <= RETURN_BYTES_MAX && bytes.iter().all(|byte| byte.is_ascii_graphic());
    (is_path && is_plain).then_some(text)
}

/// Adds a value of a query or a form: all but unreserved characters (RFC 3986 section 2.3) are escaped.
pub(super) fn push_encoded(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a string takes what is written");
        }
    }
}

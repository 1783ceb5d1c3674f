//! Bearer tokens: `gtk1.<payload>.<signature>`, opaque to clients.
//!
//! The payload is a fixed binary form in base64url, the signature an HMAC-SHA256 over everything before it. There is
//! one algorithm, chosen by the prefix and never by the token. A token says who came and what he asked for, never what
//! he may: each request is decided afresh.

mod payload;

use crate::{PrincipalKind, RoleSession, Scopes};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::{AccountId, Timestamp};
use std::{fmt, time::Duration};

/// The longest token.
pub const TOKEN_BYTES_MAX: usize = 8192;
/// How far ahead of ours the clock of the replica may be that issued a token.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);
/// The most bytes of scopes in a token, two and the name for each.
const SCOPES_BYTES_MAX: usize = 2400;

const PREFIX: &str = "gtk1.";
/// 32 bytes in base64 without padding.
const SIGNATURE_BYTES: usize = 43;
/// As long as the longest payload, rounded up to what the decoder wants to have.
const PAYLOAD_BYTES_MAX: usize = 6 * 1024;

/// A key that signs and verifies tokens.
pub struct Key {
    kid: u32,
    key: hmac::Key,
}

impl Key {
    /// Derives the key of `material` and all of `context`: who knows only the one cannot sign.
    ///
    /// `kid` tells the keys of a site apart; it is no secret.
    pub fn derive(kid: u32, material: &[u8; 32], context: &[&[u8]]) -> Self {
        let mut derivation = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, material));
        derivation.update(b"gantry token key\0");
        for part in context {
            let length = u64::try_from(part.len()).expect("no slice is longer than 2^64 bytes");
            derivation.update(&length.to_be_bytes());
            derivation.update(part);
        }
        Key { kid, key: hmac::Key::new(hmac::HMAC_SHA256, derivation.sign().as_ref()) }
    }

    /// The number by which tokens name it.
    pub const fn kid(&self) -> u32 {
        self.kid
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// What kind of principal it was issued to.
    pub kind: PrincipalKind,
    /// Which one: the access key id of a root user, the unique id of a user and the access key it came with, nothing for a
    /// session or anonymous; at most 255 bytes.
    pub id: Box<str>,
    /// Of someone who has become a role: his session, at most [`ROLE_SESSION_BYTES_MAX`](crate::ROLE_SESSION_BYTES_MAX) long.
    pub role_session: Option<RoleSession>,
    /// The principal's account.
    pub account: AccountId,
    /// The site it is for; at most 255 bytes.
    pub audience: Box<str>,
    /// What was asked for.
    pub scopes: Scopes,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of ours.
    #[error("the token is malformed")]
    Malformed,
    /// It was signed with another key, or changed since.
    #[error("the token's signature does not fit")]
    Signature,
    /// It is past its time.
    #[error("the token has expired")]
    Expired,
    /// It is for another site.
    #[error("the token is for another site")]
    Audience,
    /// It was issued in the future.
    #[error("the token is not valid yet; compare the clocks of the replicas")]
    NotYetValid,
}

/// Signs `claims`. Scopes beyond what a token holds are left out of it: see [`fitting`].
pub fn sign(key: &Key, claims: &Claims) -> String {
    let payload = payload::write(key.kid, claims, &fitting(&claims.scopes));
    let mut token = String::with_capacity(PREFIX.len() + payload.len().div_ceil(3) * 4 + 1 + SIGNATURE_BYTES);
    token.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = hmac::sign(&key.key, token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// Returns the scopes that fit into a token: all, unless they are dozens with long names.
pub fn fitting(scopes: &Scopes) -> Scopes {
    scopes.cut_to(SCOPES_BYTES_MAX)
}

/// Returns what `token` says, if one of `keys` signed it, for `audience`, and its time is `now`.
///
/// # Errors
/// The first of these that does not hold. Nothing of a token is believed before its signature is found right.
pub fn verify(keys: &[Key], token: &str, audience: &str, now: Timestamp) -> Result<Claims, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let encoded = signed.strip_prefix(PREFIX).ok_or(TokenError::Malformed)?;
    let mut buffer = [0; PAYLOAD_BYTES_MAX];
    let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut buffer).map_err(|_| TokenError::Malformed)?;
    let payload = &buffer[..length];
    let mut tag = [0; 33];
    let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut tag).map_err(|_| TokenError::Malformed)?;
    let tag = tag.get(..length).filter(|tag| tag.len() == 32).ok_or(TokenError::Malformed)?;

    // The key's number is only a hint which key to try: a wrong one finds none, or a signature that does not fit.
    let kid = payload::kid(payload).ok_or(TokenError::Malformed)?;
    let key = keys.iter().find(|key| key.kid == kid).ok_or(TokenError::Signature)?;
    // Compares in constant time.
    hmac::verify(&key.key, signed.as_bytes(), tag).map_err(|_| TokenError::Signature)?;

    let claims = payload::read(payload).ok_or(TokenError::Malformed)?;
    if *claims.audience != *audience {
        return Err(TokenError::Audience);
    }
    if claims.issued_at > now.plus(CLOCK_SKEW_MAX) {
        return Err(TokenError::NotYetValid);
    }
    if claims.expires_at <= now {
        return Err(TokenError::Expired);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests;

//! Bearer tokens: who somebody is and what was asked for, signed; never what is allowed.
//!
//! `gtk1.` + payload + `.` + HMAC-SHA256 of all before, both base64url. The payload is JSON. Clients treat it as opaque.

use crate::{Principal, PrincipalKind, Scopes};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

const PREFIX: &str = "gtk1.";
/// The longest token that is looked at, in bytes.
const BYTES_MAX: usize = 16 * 1024;
/// Clocks of replicas may differ by so much, in seconds.
const SKEW: i64 = 60;

/// A key that signs tokens, with the number tokens name it by.
pub struct Key {
    id: u32,
    key: hmac::Key,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of ours.
    #[error("the token is malformed")]
    Malformed,
    /// Its signature is not right, or its key is no longer known.
    #[error("the token's signature is not valid")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is for another site.
    #[error("the token is for another registry")]
    Audience,
    /// Its time has not come: a clock is wrong.
    #[error("the token is not valid yet; compare the clocks of the registry's machines")]
    NotYetValid,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who it was issued to, with the scopes asked for.
    pub principal: Principal,
    /// The site it is for.
    pub audience: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    k: u32,
    p: &'a str,
    a: AccountId,
    u: &'a str,
    s: &'a str,
    i: i64,
    e: i64,
}

impl Key {
    /// A key of 32 random bytes.
    pub fn new(id: u32, secret: &[u8; 32]) -> Key {
        Key { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }
}

/// Issues a token.
pub fn sign(key: &Key, claims: &Claims) -> String {
    let scopes = claims.principal.scopes.as_ref().map(Scopes::print).unwrap_or_default();
    let payload = Payload {
        k: key.id,
        p: match claims.principal.kind {
            PrincipalKind::Root => "root",
            PrincipalKind::Anonymous => "anonymous",
        },
        a: claims.principal.account,
        u: &claims.audience,
        s: &scopes,
        i: claims.issued_at.seconds(),
        e: claims.expires_at.seconds(),
    };
    let payload = serde_json::to_vec(&payload).expect("numbers and strings");
    let mut token = String::from(PREFIX);
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = hmac::sign(&key.key, token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
    token
}

/// Takes a token apart that was issued with one of `keys` for `audience`.
///
/// # Errors
/// Why it is not taken. Nothing of it is believed before its signature is right.
pub fn verify(keys: &[Key], token: &str, audience: &str, now: Timestamp) -> Result<Claims, TokenError> {
    if token.len() > BYTES_MAX || !token.starts_with(PREFIX) {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let encoded = signed.strip_prefix(PREFIX).ok_or(TokenError::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
    // At most a few keys are valid at a time; the token's own word for which one is not needed.
    let key = keys.iter().find(|key| hmac::verify(&key.key, signed.as_bytes(), &signature).is_ok());
    let key = key.ok_or(TokenError::Signature)?;
    let payload = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::Malformed)?;
    let payload: Payload<'_> = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
    if payload.k != key.id {
        return Err(TokenError::Signature);
    }
    if payload.u != audience {
        return Err(TokenError::Audience);
    }
    if now.seconds() >= payload.e {
        return Err(TokenError::Expired);
    }
    if now.seconds() + SKEW < payload.i {
        return Err(TokenError::NotYetValid);
    }
    let principal = match payload.p {
        "root" => Principal::root(payload.a),
        "anonymous" => Principal::anonymous(payload.a),
        _ => return Err(TokenError::Malformed),
    };
    Ok(Claims {
        principal: principal.scoped(Scopes::parse([payload.s])),
        audience: audience.into(),
        issued_at: Timestamp::from_millis(payload.i * 1000),
        expires_at: Timestamp::from_millis(payload.e * 1000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn key(id: u32) -> Key {
        Key::new(id, &[u8::try_from(id).unwrap(); 32])
    }

    fn claims() -> Claims {
        Claims {
            principal: Principal::root(AccountId::DEFAULT).scoped(Scopes::parse(["repository:team/app:pull,push"])),
            audience: "site".into(),
            issued_at: NOW,
            expires_at: Timestamp::from_millis(NOW.millis() + 300_000),
        }
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let token = sign(&key(1), &claims());

        assert_eq!(verify(&[key(2), key(1)], &token, "site", NOW), Ok(claims()));
    }

    #[test]
    fn a_token_ends_with_its_time() {
        let token = sign(&key(1), &claims());
        let at = |seconds: i64| Timestamp::from_millis(NOW.millis() + seconds * 1000);

        assert!(verify(&[key(1)], &token, "site", at(299)).is_ok());
        assert_eq!(verify(&[key(1)], &token, "site", at(300)), Err(TokenError::Expired));
        assert_eq!(verify(&[key(1)], &token, "site", at(-61)), Err(TokenError::NotYetValid));
    }

    #[test]
    fn a_token_is_for_one_site_and_one_key() {
        let token = sign(&key(1), &claims());

        assert_eq!(verify(&[key(1)], &token, "elsewhere", NOW), Err(TokenError::Audience));
        assert_eq!(verify(&[key(2)], &token, "site", NOW), Err(TokenError::Signature));
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        let token = sign(&key(1), &claims());

        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(verify(&[key(1)], &changed, "site", NOW).is_err(), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "gtk1.", "gtk1..", "gtk1.e30.", "eyJhbGciOiJub25lIn0.e30.", &"gtk1.".repeat(5000)] {
            assert!(verify(&[key(1)], text, "site", NOW).is_err(), "{text}");
        }
    }
}

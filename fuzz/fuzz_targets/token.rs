//! No text is a token of ours unless we signed it; whatever a signed payload holds is refused, or is what we would write.
#![no_main]

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_access::token::{Key, TOKEN_BYTES_MAX, TokenError, sign, verify};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(1_795_255_200_000);
const AUDIENCE: &str = "gantry/us-east-1/000000000000";

fuzz_target!(|bytes: &[u8]| {
    let key = Key::derive(1, &[7; 32], &[]);
    if let Ok(text) = str::from_utf8(bytes) {
        let refusal = verify(std::slice::from_ref(&key), text, AUDIENCE, NOW).expect_err("nobody guesses a signature");
        assert!(matches!(refusal, TokenError::Malformed | TokenError::Signature));
    }
    let token = signed(bytes);
    match verify(std::slice::from_ref(&key), &token, AUDIENCE, NOW) {
        Ok(claims) => {
            assert!(claims.expires_at > NOW && *claims.audience == *AUDIENCE);
            assert_eq!(sign(&key, &claims), token, "claims are written in one way only");
        }
        Err(refusal) => assert!(refusal != TokenError::Signature || bytes.get(1..5) != Some(&[0, 0, 0, 1])),
    }
});

/// A token of any payload with the signature of the key above: derived as `Key::derive` does, from no context.
fn signed(payload: &[u8]) -> String {
    let payload = &payload[..payload.len().min(TOKEN_BYTES_MAX)];
    let material = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&material, b"gantry token key\0").as_ref());
    let signed = format!("gtk1.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

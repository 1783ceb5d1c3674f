//! A key set is refused, or holds keys; none of them verifies a token with a signature of nothing.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_access::oidc::{Expected, KEYS_MAX, KeySet, UnverifiedToken};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);

fuzz_target!(|bytes: &[u8]| {
    let Ok(keys) = KeySet::parse(bytes) else { return };
    assert!((1..=KEYS_MAX).contains(&keys.keys_count()));
    let expected = Expected { issuer: "https://issuer.example.com", client_ids: &[] };
    // Not EdDSA: for a point of small order zeros may be a signature, and whoever publishes one has given his key away.
    for algorithm in ["RS256", "PS512", "ES256", "ES384", "ES512"] {
        for length in [0, 64, 96, 132, 256] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}","kid":"k1"}}"#));
            let text = format!("{header}.e30.{}", URL_SAFE_NO_PAD.encode(vec![0; length]));
            let token = UnverifiedToken::parse(&text).expect("it is well formed");
            token.verify(&keys, &expected, NOW).expect_err("nothing signs for nobody");
        }
    }
});

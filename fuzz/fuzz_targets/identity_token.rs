//! No text is a token unless a key of the provider signed it; of any claims that it signed, those are taken that keep the rules.
#![no_main]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_access::oidc::{CLOCK_LEEWAY, Discovery, Expected, KeySet, LIFETIME_MAX, UnverifiedToken};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);
const ISSUER: &str = "https://issuer.example.com";

fuzz_target!(|bytes: &[u8]| {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let keys = KeySet::parse(format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#).as_bytes())
        .expect("it holds a key");
    let client_ids = ["sts.amazonaws.com".into()];
    let expected = Expected { issuer: ISSUER, client_ids: &client_ids };
    if let Ok(token) = str::from_utf8(bytes).map_err(drop).and_then(|text| UnverifiedToken::parse(text).map_err(drop)) {
        token.verify(&keys, &expected, NOW).expect_err("nobody guesses a signature");
    }
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#), URL_SAFE_NO_PAD.encode(bytes));
    let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())));
    let verified = UnverifiedToken::parse(&text).and_then(|token| token.verify(&keys, &expected, NOW));
    if let Ok(token) = verified {
        assert!(*token.issuer == *ISSUER && !token.subject.is_empty() && token.audiences.contains(&client_ids[0]));
        assert!(token.expires_at.plus(CLOCK_LEEWAY) > NOW && token.issued_at <= NOW.plus(CLOCK_LEEWAY));
        assert!(token.expires_at.since(token.issued_at) <= LIFETIME_MAX);
        token.context("arn:aws:iam::000000000000:oidc-provider/issuer.example.com");
    }
    drop(Discovery::parse(bytes, ISSUER));
});

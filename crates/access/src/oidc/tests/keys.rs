//! Key sets, and which of their keys a token is verified with.

use super::maker::*;
use crate::oidc::{KEY_SET_BYTES_MAX, KeySet, KeySetError, TokenProblem};
use serde_json::{Value, json};

fn parse(set: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(set.to_string().as_bytes())
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

#[test]
fn keys_that_nothing_is_signed_with_are_left_out() {
    let good = named("k1", RSA.jwk());
    for other in [
        with(RSA.jwk(), "use", json!("enc")),
        with(RSA.jwk(), "key_ops", json!(["encrypt"])),
        with(RSA.jwk(), "alg", json!("RSA-OAEP")),
        with(RSA.jwk(), "alg", json!("ES256")),
        with(RSA.jwk(), "alg", json!("HS256")),
        with(RSA.jwk(), "kid", json!(7)),
        with(RSA.jwk(), "e", json!("AQ")),
        with(RSA.jwk(), "e", json!("Ag")),
        with(RSA.jwk(), "e", json!("")),
        with(RSA.jwk(), "e", json!("AQAAAAAAAQ")),
        with(RSA.jwk(), "n", json!(b64([0xff; 255]))),
        with(RSA.jwk(), "n", json!(b64([0xff; 1025]))),
        with(RSA.jwk(), "n", json!("not base64!")),
        with(RSA.jwk(), "n", json!(null)),
        with(Signer::ec("P-256").jwk(), "crv", json!("secp256k1")),
        with(Signer::ec("P-256").jwk(), "crv", json!("P-384")),
        with(Signer::ec("P-256").jwk(), "x", json!(b64([1; 32]))),
        with(Signer::ec("P-256").jwk(), "x", json!(b64([1; 31]))),
        with(Signer::ed().jwk(), "crv", json!("X25519")),
        json!({"kty": "what"}),
        json!({}),
        json!("k1"),
    ] {
        assert_eq!(parse(&json!({"keys": [other, good]})).unwrap().keys_count(), 1, "{other}");
        assert!(matches!(parse(&json!({"keys": [other]})), Err(KeySetError::Empty(Some(_)))), "{other}");
    }
}

#[test]
fn what_is_no_key_set_is_refused() {
    for text in ["", "[]", "{}", "null", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
    let deep = format!(r#"{{"keys":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    assert!(matches!(KeySet::parse(deep.as_bytes()), Err(KeySetError::Malformed(_))));
    assert_eq!(parse(&json!({"keys": vec![json!({}); 101]})), Err(KeySetError::TooMany { keys: 101 }));
    let long = vec![b' '; KEY_SET_BYTES_MAX + 1];
    assert_eq!(KeySet::parse(&long), Err(KeySetError::TooLong { bytes: long.len() }));
}

#[test]
fn a_private_key_is_no_key_of_a_set() {
    for member in ["d", "k"] {
        let set = json!({"keys": [RSA.jwk(), with(RSA.jwk(), member, json!("AQAB"))]});

        assert_eq!(parse(&set), Err(KeySetError::Private { number: 2 }));
    }
}

#[test]
fn the_key_that_a_token_names_verifies_it() {
    let (other, ed) = (Signer::ec("P-256"), Signer::ed());
    let set = keys(&[named("k0", other.jwk()), named("k1", ed.jwk()), named("k2", RSA.jwk())]);

    assert!(verify_with(&ed.token("EdDSA", &claims(json!({}))), &set).is_ok());
    let wrong = other.token("ES256", &claims(json!({})));
    assert_eq!(verify_with(&wrong, &set), Err(TokenProblem::Algorithm { algorithm: "ES256".into() }));
    assert_eq!(
        verify_with(&ed.token("EdDSA", &claims(json!({}))), &keys(&[named("k2", ed.jwk())])),
        Err(TokenProblem::UnknownKey)
    );
}

#[test]
fn of_two_keys_with_one_name_either_may_have_signed() {
    let (old, new) = (Signer::ed(), Signer::ed());
    let set = keys(&[named("k1", old.jwk()), named("k1", new.jwk())]);

    for signer in [&old, &new] {
        assert!(verify_with(&signer.token("EdDSA", &claims(json!({}))), &set).is_ok());
    }
    assert_eq!(verify_with(&Signer::ed().token("EdDSA", &claims(json!({}))), &set), Err(TokenProblem::Signature));
}

#[test]
fn a_token_without_the_name_of_a_key_needs_the_only_one_of_its_kind() {
    let signer = Signer::ed();
    let token = signer.token_of(r#"{"alg":"EdDSA"}"#, &claims(json!({})).to_string());

    assert!(verify_with(&token, &keys(&[signer.jwk(), named("k2", RSA.jwk())])).is_ok());
    assert_eq!(verify_with(&token, &keys(&[signer.jwk(), Signer::ed().jwk()])), Err(TokenProblem::UnknownKey));
    assert_eq!(verify_with(&token, &RSA.keys()), Err(TokenProblem::UnknownKey));
}

#[test]
fn a_key_that_says_how_it_signs_signs_in_no_other_way() {
    let set = keys(&[named("k1", with(RSA.jwk(), "alg", json!("PS256")))]);

    assert!(verify_with(&RSA.token("PS256", &claims(json!({}))), &set).is_ok());
    for algorithm in ["RS256", "PS384"] {
        let token = RSA.token(algorithm, &claims(json!({})));
        assert_eq!(verify_with(&token, &set), Err(TokenProblem::Algorithm { algorithm: algorithm.into() }));
    }
}

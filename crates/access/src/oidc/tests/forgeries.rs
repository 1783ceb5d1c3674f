//! Threat 10: tokens that were not signed by the provider, however they are made to look so.

use super::maker::*;
use crate::oidc::{IDENTITY_TOKEN_CHARACTERS_MAX, KeySet, TokenProblem, UnverifiedToken};
use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused(token: &str, keys: &KeySet) -> TokenProblem {
    verify_with(token, keys).expect_err(token)
}

/// A token of this header that nobody has signed.
fn unsigned(header: &Value, signature: &[u8]) -> String {
    format!("{}.{}.{}", b64(header.to_string()), b64(claims(json!({})).to_string()), b64(signature))
}

#[test]
fn no_token_goes_without_a_signature() {
    for algorithm in ["none", "None", "NONE", "nOnE", "", "null"] {
        for signature in [&b""[..], b"x"] {
            let token = unsigned(&json!({"alg": algorithm, "kid": "k1"}), signature);
            assert!(matches!(refused(&token, &RSA.keys()), TokenProblem::Malformed(_)), "{algorithm}");
        }
    }
    for header in [json!({"kid": "k1"}), json!({"alg": null}), json!({"alg": ["RS256"]}), json!({"alg": 256})] {
        assert!(matches!(refused(&unsigned(&header, b""), &RSA.keys()), TokenProblem::Malformed(_)), "{header}");
    }
    assert_eq!(refused(&unsigned(&json!({"alg": "RS256", "kid": "k1"}), b""), &RSA.keys()), TokenProblem::Signature);
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let jwk = RSA.jwk();
    let modulus = jwk["n"].as_str().unwrap();
    for (secret, algorithm) in
        [(modulus.to_string(), "HS256"), (jwk.to_string(), "HS256"), (modulus.to_string(), "RS256")]
    {
        let signed = format!(
            "{}.{}",
            b64(json!({"alg": algorithm, "kid": "k1"}).to_string()),
            b64(claims(json!({})).to_string())
        );
        let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());

        let problem = refused(&format!("{signed}.{}", b64(made)), &RSA.keys());

        assert!(matches!(problem, TokenProblem::Malformed(_) | TokenProblem::Signature), "{problem:?}");
    }
}

#[test]
fn the_id_of_a_key_is_compared_and_nothing_else_is_done_with_it() {
    for id in
        ["../../../../dev/null", "/dev/null", "k1\u{0}", "K1", "k1 ", "", "' OR 1=1 --", "https://evil.example/jwks"]
    {
        let token = RSA.token_of(&json!({"alg": "RS256", "kid": id}).to_string(), &claims(json!({})).to_string());

        assert_eq!(refused(&token, &RSA.keys()), TokenProblem::UnknownKey, "{id:?}");
    }
}

#[test]
fn a_token_does_not_bring_its_own_key() {
    let thief = Signer::ed();
    for (member, value) in [
        ("jwk", thief.jwk()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("p2c", json!(1_000_000_000)),
        ("anything", json!("else")),
    ] {
        let mut header = json!({"alg": "EdDSA", "kid": "k1"});
        header[member] = value;
        let token = thief.token_of(&header.to_string(), &claims(json!({})).to_string());

        assert!(matches!(refused(&token, &thief.keys()), TokenProblem::Malformed(_)), "{header}");
    }
}

#[test]
fn the_members_that_providers_send_are_taken() {
    for header in [
        json!({"alg": "RS256", "kid": "k1", "typ": "JWT", "x5t": "abc"}),
        json!({"alg": "RS256", "kid": "k1", "typ": "jwt", "x5t#S256": "abc", "cty": "json"}),
        json!({"alg": "RS256", "kid": "k1", "typ": "application/at+jwt"}),
        json!({"alg": "RS256", "kid": "k1"}),
    ] {
        let token = RSA.token_of(&header.to_string(), &claims(json!({})).to_string());
        assert!(verify_with(&token, &RSA.keys()).is_ok(), "{header}");
    }
    for kind in ["JOSE", "logout+jwt", "secevent+jwt", "dpop+jwt"] {
        let header = json!({"alg": "RS256", "kid": "k1", "typ": kind});
        let token = RSA.token_of(&header.to_string(), &claims(json!({})).to_string());
        assert!(matches!(refused(&token, &RSA.keys()), TokenProblem::Malformed(_)), "{kind}");
    }
}

#[test]
fn a_signature_of_zeros_or_of_the_wrong_form_is_none() {
    for (algorithm, curve, bytes) in [("ES256", "P-256", 64), ("ES384", "P-384", 96), ("ES512", "P-521", 132)] {
        let signer = Signer::ec(curve);
        let header = json!({"alg": algorithm, "kid": "k1"});
        let one = [vec![0; bytes / 2 - 1], vec![1], vec![0; bytes / 2 - 1], vec![1]].concat();
        for signature in [vec![0; bytes], one, vec![0xff; bytes], vec![0; bytes - 1], vec![0x30, 6, 2, 1, 0, 2, 1, 0]] {
            assert_eq!(refused(&unsigned(&header, &signature), &signer.keys()), TokenProblem::Signature, "{algorithm}");
        }
    }
    let header = json!({"alg": "EdDSA", "kid": "k1"});
    assert_eq!(refused(&unsigned(&header, &[0; 64]), &Signer::ed().keys()), TokenProblem::Signature);
    for signature in [[0; 256], [0xff; 256]] {
        let header = json!({"alg": "RS256", "kid": "k1"});
        assert_eq!(refused(&unsigned(&header, &signature), &RSA.keys()), TokenProblem::Signature);
    }
}

#[test]
fn the_algorithm_is_up_to_the_key() {
    let (p256, p384) = (Signer::ec("P-256"), Signer::ec("P-384"));
    for (signer, algorithm, keys) in [
        (&p256, "ES384", p384.keys()),
        (&p256, "ES256", p384.keys()),
        (&p384, "ES256", p256.keys()),
        (&p256, "ES256", RSA.keys()),
        (&p256, "RS256", p256.keys()),
        (&p256, "EdDSA", p256.keys()),
    ] {
        let problem = refused(&signer.token(algorithm, &claims(json!({}))), &keys);
        assert!(
            matches!(problem, TokenProblem::Algorithm { .. } | TokenProblem::Signature),
            "{algorithm}: {problem:?}"
        );
    }
    let rs = RSA.token("RS256", &claims(json!({})));
    let ps = format!("{}.{}", b64(r#"{"alg":"PS256","kid":"k1"}"#), rs.split_once('.').unwrap().1);
    assert_eq!(refused(&ps, &RSA.keys()), TokenProblem::Signature);
}

#[test]
fn no_member_stands_twice() {
    let payload = claims(json!({})).to_string();
    let header = r#"{"alg":"RS256","kid":"k1"}"#;
    let twice = payload.replacen('{', r#"{"sub":"repo:evil/app","#, 1);
    let escaped = payload.replacen('{', r#"{"\u0073ub":"repo:evil/app","#, 1);
    let inner = payload.replacen('{', r#"{"x":{"a":1,"a":2},"#, 1);
    for payload in [twice, escaped, inner] {
        assert!(
            matches!(refused(&RSA.token_of(header, &payload), &RSA.keys()), TokenProblem::Malformed(_)),
            "{payload}"
        );
    }
    for header in [r#"{"alg":"none","alg":"RS256","kid":"k1"}"#, r#"{"alg":"RS256","kid":"k0","kid":"k1"}"#] {
        assert!(
            matches!(refused(&RSA.token_of(header, &payload), &RSA.keys()), TokenProblem::Malformed(_)),
            "{header}"
        );
    }
}

#[test]
fn what_is_cut_or_has_too_much_is_no_token() {
    let token = RSA.token("RS256", &claims(json!({})));
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{token}") };
    for broken in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 2]),
        format!("{header}.{}.{signature}", &payload[..payload.len() - 4]),
        format!("{}.{payload}.{signature}", b64("null")),
        format!("{}.{payload}.{signature}", b64(r#""RS256""#)),
        format!("{}.{payload}.{signature}", b64([0xef, 0xbb, 0xbf, b'{', b'}'])),
        format!("{header}.{}.{signature}", b64("[".repeat(200))),
    ] {
        refused(&broken, &RSA.keys());
    }
    let long = "a".repeat(IDENTITY_TOKEN_CHARACTERS_MAX + 1);
    assert_eq!(UnverifiedToken::parse(&long).err(), Some(TokenProblem::TooLong));
}

proptest! {
    #[test]
    fn a_token_with_one_character_changed_is_refused(at in 0_usize..600, to in "[A-Za-z0-9_.-]") {
        let token = RSA.token("RS256", &claims(json!({})));
        let at = at % token.len();
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);

        prop_assert!(verify_with(&changed, &RSA.keys()).is_err());
    }
}

//! Tokens of every kind that is taken, and claims one by one.

use super::maker::*;
use crate::oidc::TokenProblem::{self, *};
use serde_json::{Value, json};

fn problem(changes: Value) -> Option<TokenProblem> {
    verify(changes).err()
}

#[test]
fn every_algorithm_of_public_keys_is_taken() {
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let token = RSA.token(algorithm, &claims(json!({})));
        assert!(verify_with(&token, &RSA.keys()).is_ok(), "{algorithm}");
    }
    for (algorithm, signer) in [
        ("ES256", Signer::ec("P-256")),
        ("ES384", Signer::ec("P-384")),
        ("ES512", Signer::ec("P-521")),
        ("EdDSA", Signer::ed()),
        ("Ed25519", Signer::ed()),
    ] {
        let token = signer.token(algorithm, &claims(json!({})));
        assert!(verify_with(&token, &signer.keys()).is_ok(), "{algorithm}");
    }
}

#[test]
fn the_issuer_agrees_character_by_character() {
    for issuer in
        ["https://issuer.example.com/", "https://Issuer.example.com", "http://issuer.example.com", "issuer.example.com"]
    {
        assert_eq!(problem(json!({"iss": issuer})), Some(Issuer { expected: ISSUER.into() }), "{issuer}");
    }
    assert!(matches!(problem(json!({"iss": null})), Some(Issuer { .. })));
    assert!(matches!(problem(json!({"iss": [ISSUER]})), Some(Issuer { .. })));
}

#[test]
fn one_audience_is_registered_and_of_several_the_token_says_which_it_was_given_to() {
    for (changes, is_taken) in [
        (json!({"aud": CLIENT}), true),
        (json!({"aud": [CLIENT]}), true),
        (json!({"aud": "https://github.com/team"}), true),
        (json!({"aud": "https://github.com/evil"}), false),
        (json!({"aud": "sts.amazonaws.com.evil.example"}), false),
        (json!({"aud": []}), false),
        (json!({"aud": ""}), false),
        (json!({"aud": [CLIENT, "other"]}), false),
        (json!({"aud": [CLIENT, "other"], "azp": "other"}), false),
        (json!({"aud": [CLIENT, "other"], "azp": CLIENT}), true),
        (json!({"aud": ["x", "other"], "azp": CLIENT}), false),
        // Google's: one client had it made for another.
        (json!({"aud": CLIENT, "azp": "other"}), true),
    ] {
        let problem = problem(changes.clone());
        assert_eq!(problem, (!is_taken).then_some(Audience), "{changes}");
    }
    for aud in [json!(null), json!(1), json!([1]), json!({"a": 1}), json!(vec![CLIENT; 101])] {
        assert!(matches!(problem(json!({"aud": aud})), Some(Malformed(_))), "{aud}");
    }
}

#[test]
fn times_are_kept_with_a_minute_for_clocks_that_differ() {
    for (changes, wanted) in [
        (json!({"exp": seconds(-59)}), None),
        (json!({"exp": seconds(-60)}), Some(Expired)),
        (json!({"nbf": seconds(60)}), None),
        (json!({"nbf": seconds(61)}), Some(NotYet)),
        (json!({"nbf": null}), None),
        (json!({"iat": seconds(60)}), None),
        (json!({"iat": seconds(61)}), Some(NotYet)),
        (json!({"iat": seconds(-10), "exp": seconds(86_390)}), None),
        (json!({"iat": seconds(-10), "exp": seconds(86_391)}), Some(Lifetime)),
        (json!({"exp": NOW.seconds() as f64 + 0.5}), None),
    ] {
        assert_eq!(problem(changes.clone()), wanted, "{changes}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for claim in ["exp", "iat", "nbf"] {
        for value in [json!("1795257600"), json!(true), json!(-1), json!(1e18), json!([seconds(0)]), json!({})] {
            assert!(matches!(problem(json!({claim: value})), Some(Malformed(_))), "{claim} {value}");
        }
    }
    assert!(matches!(problem(json!({"exp": null})), Some(Malformed(_))));
    assert!(matches!(problem(json!({"iat": null})), Some(Malformed(_))));
    assert!(matches!(problem(json!({"iat": seconds(10), "exp": seconds(10)})), Some(Malformed(_))));
}

#[test]
fn a_token_is_about_somebody() {
    for subject in [json!(null), json!(""), json!(7), json!(["a"])] {
        assert!(matches!(problem(json!({"sub": subject})), Some(Malformed(_))), "{subject}");
    }
}

#[test]
fn claims_that_conditions_could_not_tell_apart_are_refused() {
    for changes in [
        json!({"SUB": "repo:evil/app"}),
        json!({"a": {"b": "1"}, "a.b": "2"}),
        json!({"a": {"b": {"c": "1"}}, "a.b": {"c": "2"}}),
    ] {
        assert!(matches!(problem(changes.clone()), Some(Malformed(_))), "{changes}");
    }
}

#[test]
fn a_problem_has_the_exception_that_sts_has() {
    assert_eq!(Expired.aws_type(), "ExpiredTokenException");
    assert_eq!(Audience.aws_type(), "InvalidIdentityToken");
    assert_eq!(Audience.to_string(), "Incorrect token audience");
}

//! Keys, and tokens of any shape that are signed with them.

use crate::oidc::{Expected, IdentityToken, KeySet, TokenProblem, UnverifiedToken};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::Timestamp;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub(super) const ISSUER: &str = "https://issuer.example.com";
pub(super) const CLIENT: &str = "sts.amazonaws.com";
/// 2026-11-21T10:40:00Z
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);

pub(super) fn seconds(offset: i64) -> i64 {
    NOW.seconds() + offset
}

/// Made once for all tests: it takes a while.
pub(super) static RSA: LazyLock<Signer> =
    LazyLock::new(|| Signer::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));

pub(super) enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn ec(curve: &'static str) -> Self {
        let algorithm: &'static EcdsaSigningAlgorithm = match curve {
            "P-256" => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            "P-384" => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        Signer::Ec(EcdsaKeyPair::generate(algorithm).unwrap(), curve)
    }

    pub(super) fn ed() -> Self {
        Signer::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// The public part, as a provider publishes it, without id.
    pub(super) fn jwk(&self) -> Value {
        match self {
            Signer::Rsa(pair) => {
                // RSAPublicKey (RFC 8017) of 2048 bits: the modulus of 256 bytes, two bytes, the exponent of three.
                let der = pair.public_key().as_ref();
                let (n, e) = der[der.len() - 261..].split_at(256);
                json!({"kty": "RSA", "n": b64(n), "e": b64(&e[2..])})
            }
            Signer::Ec(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
            }
            Signer::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref())}),
        }
    }

    pub(super) fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        match self {
            Signer::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), signed, &mut made).unwrap();
                made
            }
            Signer::Ec(pair, _) => pair.sign(&SystemRandom::new(), signed).unwrap().as_ref().to_vec(),
            Signer::Ed(pair) => pair.sign(signed).as_ref().to_vec(),
        }
    }

    /// A token of this header and payload, as they are written.
    pub(super) fn token_of(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        let algorithm =
            serde_json::from_str::<Value>(header).ok().and_then(|header| header["alg"].as_str().map(String::from));
        let made = self.sign(&algorithm.unwrap_or_default(), signed.as_bytes());
        format!("{signed}.{}", b64(made))
    }

    /// A token with the header `{"alg":…,"kid":"k1"}`.
    pub(super) fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.token_of(&json!({"alg": algorithm, "kid": "k1", "typ": "JWT"}).to_string(), &claims.to_string())
    }

    /// A key set with this key alone, named `k1`.
    pub(super) fn keys(&self) -> KeySet {
        keys(&[named("k1", self.jwk())])
    }
}

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn named(id: &str, mut jwk: Value) -> Value {
    jwk["kid"] = id.into();
    jwk
}

pub(super) fn keys(jwks: &[Value]) -> KeySet {
    KeySet::parse(json!({"keys": jwks}).to_string().as_bytes()).unwrap()
}

/// Claims as good ones are, with `changes` in their place; null takes one out.
pub(super) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "repo:team/app:ref:refs/heads/main",
        "iat": seconds(-200), "nbf": seconds(-200), "exp": seconds(290),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

pub(super) fn verify_with(token: &str, keys: &KeySet) -> Result<IdentityToken, TokenProblem> {
    let client_ids = [CLIENT.into(), "https://github.com/team".into()];
    UnverifiedToken::parse(token)?.verify(keys, &Expected { issuer: ISSUER, client_ids: &client_ids }, NOW)
}

/// Verifies a token that the RSA key of all tests has signed.
pub(super) fn verify(changes: Value) -> Result<IdentityToken, TokenProblem> {
    verify_with(&RSA.token("RS256", &claims(changes)), &RSA.keys())
}

#[test]
fn a_good_token_is_taken() {
    let token = verify(json!({})).unwrap();

    assert_eq!((&*token.issuer, &*token.subject), (ISSUER, "repo:team/app:ref:refs/heads/main"));
    assert_eq!(token.expires_at.seconds(), seconds(290));
}

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};

const P256: &str = include_str!("../../fixtures/p256.pub");
const ED25519: &str = include_str!("../../fixtures/ed25519.pub");
/// Made for this test: the keys sign nothing.
const RSA_1024: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDlSd+bN+zmwxipPVHo2E0I9NPX
A8mz0JZEK+iA8MEmlKpbkx+YDt1Q3n5qaCjW4bAsTBLyXrF4E+k9XRMIZvKb2qbM
ZILTKk8KAIoCRzrDrJVqvSWj7L+mw+EabM6ZStp+BX09hgw30hTRYBe8f11/CqoT
qhiQnNUL7GS7tKl7+QIDAQAB
-----END PUBLIC KEY-----
";
const SECP256K1: &str = "\
-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEjhFcCTn6ppUKMKVEGXgkM/mnHxcBNdRl
ARplDZtHcF14AqE/57BYfx3+lLvfYQhuvHX+YTRmMUxbCQn/zhpw9Q==
-----END PUBLIC KEY-----
";
const X25519: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAP6lSFDQABfMhVfB29+rO6qrWj35sJnJjNYXQLvJ8ilo=
-----END PUBLIC KEY-----
";

fn read(text: &str) -> Result<usize, KeyError> {
    TrustedKeys::default().add(text)
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn a_file_may_have_several_keys_of_every_kind_with_words_between_them() {
    let others = ["p384", "p521", "rsa"].map(|name| {
        let path = format!("{}/fixtures/{name}.pub", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    });
    let text = format!("# of the release team\n{P256}\n# of the night builds\n{ED25519}{}", others.concat());

    assert_eq!(read(&text), Ok(5));
    assert_eq!(read(&P256.replace('\n', "\r\n")), Ok(1));
}

#[test]
fn what_is_no_key_to_verify_with_is_refused_with_its_place() {
    for weak in [RSA_1024, SECP256K1, X25519, &pem("PUBLIC KEY", &[4; 65]), &pem("PUBLIC KEY", b"")] {
        assert_eq!(read(&format!("{P256}{weak}")), Err(KeyError::Kind { number: 2 }), "{weak}");
    }
    let certificate = pem("CERTIFICATE", b"anything");
    assert_eq!(read(&certificate), Err(KeyError::NotAKey { number: 1, found: "a certificate" }));
    for text in ["", "ssh-ed25519 AAAA", &pem("RSA PUBLIC KEY", b"anything")] {
        assert_eq!(read(text), Err(KeyError::Empty), "{text}");
    }
    for cut in [P256.split_at(60).0, &P256.replace("MFkw", "M?kw")] {
        assert!(matches!(read(cut), Err(KeyError::Malformed(_))), "{cut}");
    }
}

#[test]
fn a_private_key_is_refused_also_beside_a_public_one() {
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"] {
        assert_eq!(read(&format!("{P256}{}", pem(label, b"secret"))), Err(KeyError::Private), "{label}");
    }
}

#[test]
fn of_too_many_keys_none_is_added() {
    let mut keys = TrustedKeys::default();
    keys.add(&P256.repeat(TRUSTED_KEYS_MAX - 1)).unwrap();

    assert_eq!(keys.add(&P256.repeat(2)), Err(KeyError::TooMany));
    assert_eq!(keys.count(), TRUSTED_KEYS_MAX - 1);
    assert_eq!(keys.add(P256), Ok(1));
}

#[test]
fn ed25519_verifies_what_was_not_hashed_before_too() {
    let signature = "hiw9JlrpNYk8zxFtYT1QYn53UStu9bQHOOPR+fRw5mVWrDsiHiI79K7M2XedQ3yfZXUsHkpAL/ZieEo5I6KbCg==";
    let signature = STANDARD.decode(signature).unwrap();
    let mut keys = TrustedKeys::default();
    keys.add(ED25519).unwrap();

    assert!(keys.verify(b"hello", &signature));
    assert!(!keys.verify(b"hallo", &signature));
    for wrong in [&signature[..63], &[], &[0; 64], &[0xff; 64]] {
        assert!(!keys.verify(b"hello", wrong));
    }
}

#[test]
fn without_keys_nothing_verifies() {
    assert!(TrustedKeys::default().is_empty());
    assert!(!TrustedKeys::default().verify(b"", b""));
}

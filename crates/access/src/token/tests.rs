use super::*;
use crate::SCOPES_MAX;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_255_200_000);
const AUDIENCE: &str = "gantry/us-east-1/000000000000";

fn key(kid: u32) -> Key {
    Key::derive(kid, &[kid.to_be_bytes()[3]; 32], &[b"AKIAEXAMPLE", b"secret"])
}

fn claims(scope: &str) -> Claims {
    Claims {
        kind: PrincipalKind::Root,
        id: "AKIAIOSFODNN7EXAMPLE".into(),
        account: AccountId::DEFAULT,
        role_session: None,
        audience: AUDIENCE.into(),
        scopes: Scopes::parse([scope]),
        issued_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(300)),
    }
}

fn check(token: &str) -> Result<Claims, TokenError> {
    verify(&[key(1)], token, AUDIENCE, NOW)
}

/// A token of `payload`, signed as if it were right.
fn signed(payload: &[u8]) -> String {
    let signed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&key(1).key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_token_says_what_was_signed() {
    let claims = claims("registry:catalog:* repository:team/app:pull,push repository:b:*");

    assert_eq!(check(&sign(&key(1), &claims)), Ok(claims));
}

#[test]
fn a_typical_token_is_short() {
    let token = sign(&key(1), &claims("repository:team/app:pull,push"));

    assert!(token.len() < 256, "{}", token.len());
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
}

#[test]
fn either_of_two_keys_verifies_what_it_signed() {
    let token = sign(&key(2), &claims(""));

    assert!(verify(&[key(1), key(2)], &token, AUDIENCE, NOW).is_ok());
    assert_eq!(verify(&[key(1)], &token, AUDIENCE, NOW), Err(TokenError::Signature));
    assert_eq!(verify(&[], &token, AUDIENCE, NOW), Err(TokenError::Signature));
}

#[test]
fn another_key_of_the_same_number_does_not_verify() {
    let other = Key::derive(1, &[9; 32], &[b"AKIAEXAMPLE", b"secret"]);
    let other_context = Key::derive(1, &[1; 32], &[b"AKIAEXAMPLE", b"changed"]);
    let other_parts = Key::derive(1, &[1; 32], &[b"AKIAEXAMPLEs", b"ecret"]);

    for other in [other, other_context, other_parts] {
        assert_eq!(verify(&[other], &sign(&key(1), &claims("")), AUDIENCE, NOW), Err(TokenError::Signature));
    }
}

#[test]
fn a_token_of_one_site_is_worth_nothing_at_another() {
    let token = sign(&key(1), &claims("repository:a:pull"));

    assert_eq!(verify(&[key(1)], &token, "gantry/us-east-1/111111111111", NOW), Err(TokenError::Audience));
    assert_eq!(verify(&[key(1)], &token, "", NOW), Err(TokenError::Audience));
}

#[test]
fn a_token_ends_at_its_time() {
    let token = sign(&key(1), &claims(""));
    let at = |seconds| verify(&[key(1)], &token, AUDIENCE, NOW.plus(Duration::from_secs(seconds)));

    assert!(at(299).is_ok());
    assert_eq!(at(300), Err(TokenError::Expired));
    assert_eq!(at(1_000_000), Err(TokenError::Expired));
}

#[test]
fn a_token_may_be_a_minute_ahead_of_its_time() {
    let token = sign(&key(1), &claims(""));

    assert!(verify(&[key(1)], &token, AUDIENCE, NOW.minus(CLOCK_SKEW_MAX)).is_ok());
    let too_early = NOW.minus(CLOCK_SKEW_MAX + Duration::from_millis(1));
    assert_eq!(verify(&[key(1)], &token, AUDIENCE, too_early), Err(TokenError::NotYetValid));
}

#[test]
fn what_is_no_token_is_malformed() {
    let token = sign(&key(1), &claims(""));
    let (body, signature) = token.rsplit_once('.').unwrap();
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.";
    let long = format!("gtk1.{}.{signature}", "A".repeat(5000));
    let padded = format!("{body}.{signature}=");
    let other_prefix = token.replacen("gtk1", "gtk2", 1);

    for text in ["", ".", "..", "gtk1..", "gtk1", "gtk1.AAAA", jwt, &long, &padded, &other_prefix, body] {
        assert_eq!(check(text), Err(TokenError::Malformed), "{text}");
    }
}

#[test]
fn a_signature_that_is_cut_or_missing_is_malformed() {
    let token = sign(&key(1), &claims(""));
    let (body, signature) = token.rsplit_once('.').unwrap();

    for length in 0..signature.len() {
        assert_eq!(check(&format!("{body}.{}", &signature[..length])), Err(TokenError::Malformed), "{length}");
    }
}

#[test]
fn any_changed_byte_is_noticed() {
    let token = sign(&key(1), &claims("repository:team/app:pull"));

    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(check(&changed).is_err(), "byte {at}, bit {bit}: {changed}");
        }
    }
}

#[test]
fn any_cut_of_the_payload_is_malformed_even_when_signed() {
    let payload = payload::write(
        1,
        &claims("registry:catalog:* repository:a:pull"),
        &claims("registry:catalog:* repository:a:pull").scopes,
    );
    assert!(check(&signed(&payload)).is_ok());

    for length in 0..payload.len() {
        assert_eq!(check(&signed(&payload[..length])), Err(TokenError::Malformed), "{length}");
    }
    assert_eq!(check(&signed(&[&payload[..], b"\0"].concat())), Err(TokenError::Malformed));
}

#[test]
fn a_payload_that_would_not_have_been_written_so_is_malformed() {
    let scopes = |text| claims(text).scopes;
    let payload = payload::write(1, &claims(""), &scopes("repository:a:pull repository:b:push"));
    let end = payload.len();
    // verbs, length, name; twice
    for (at, byte) in [
        (0, 2),
        (5, 4),
        (6, b'x'),
        (end - 8, 2),
        (end - 7, 1),
        (end - 7, 3),
        (end - 6, 0),
        (end - 6, 9),
        (end - 4, b'A'),
        (end - 4, b'c'),
    ] {
        let mut changed = payload.clone();
        changed[at] = byte;
        assert_eq!(check(&signed(&changed)), Err(TokenError::Malformed), "byte {at} from {end} to {byte}");
    }
}

#[test]
fn scopes_beyond_a_token_are_left_out_of_it() {
    let many: Vec<String> = (0..SCOPES_MAX).map(|n| format!("repository:{}{n:02}:pull", "a".repeat(60))).collect();
    let claims = Claims { id: "i".repeat(255).into(), audience: "a".repeat(255).into(), ..claims(&many.join(" ")) };

    let token = sign(&key(1), &claims);
    let read = verify(&[key(1)], &token, &claims.audience, NOW).unwrap();

    assert!(token.len() <= TOKEN_BYTES_MAX, "{}", token.len());
    assert_eq!(read.scopes, fitting(&claims.scopes));
    assert!((30..SCOPES_MAX).contains(&read.scopes.repositories().len()));
}

#[test]
fn a_key_does_not_show_itself() {
    assert_eq!(format!("{:?}", key(7)), "Key { kid: 7, .. }");
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let kind = prop_oneof![
        Just(PrincipalKind::Root),
        Just(PrincipalKind::User),
        Just(PrincipalKind::Session),
        Just(PrincipalKind::Anonymous)
    ];
    let scope = prop_oneof![
        "repository:[a-z]{1,4}(/[a-z0-9]{1,20}){0,2}:(pull|push|delete|\\*|pull,delete)",
        "registry:catalog:\\*"
    ];
    let scopes = prop::collection::vec(scope, 0..10);
    (kind, "[ -~]{0,255}", "[0-9]{12}", "\\PC{0,60}", scopes, 0..2_000_000_000_000i64, 1..100_000_000i64).prop_map(
        |(kind, id, account, audience, scopes, issued_at, lifetime)| Claims {
            kind,
            id: id.into(),
            account: account.parse().unwrap(),
            audience: audience.into(),
            role_session: (kind == PrincipalKind::Session).then(|| RoleSession {
                role_id: "AROAROLEROLEROLEROLE".into(),
                name: "ci".into(),
                policies: vec![r#"{"Version": "2012-10-17"}"#.into()],
                policy_arns: vec![],
                transitive_keys: vec![],
                tags: vec![("team".into(), "a".into())],
                source_identity: None,
                provider: Some("p".into()),
                issued_at: issued_at - 1,
                expires_at: issued_at + lifetime,
                vouched: None,
            }),
            scopes: Scopes::parse(scopes.iter().map(String::as_str)),
            issued_at: Timestamp::from_millis(issued_at),
            expires_at: Timestamp::from_millis(issued_at + lifetime),
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_signed_is_verified(claims in any_claims(), kid: u32) {
        let token = sign(&key(kid), &claims);

        prop_assert_eq!(verify(&[key(kid)], &token, &claims.audience, claims.issued_at), Ok(claims));
    }

    #[test]
    fn no_other_text_is_taken_for_a_token(claims in any_claims(), at: prop::sample::Index, other: char) {
        let token = sign(&key(1), &claims);
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &other.to_string());
        prop_assume!(changed != token);

        prop_assert!(verify(&[key(1)], &changed, &claims.audience, claims.issued_at).is_err());
    }

    #[test]
    fn any_text_is_refused_without_panic(text in "(gtk1\\.)?\\PC{0,300}(\\.\\PC{0,50})?") {
        prop_assert!(check(&text).is_err());
    }

    #[test]
    fn any_payload_is_read_without_panic(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(claims) = payload::read(&payload) {
            let kid = payload::kid(&payload).unwrap();
            prop_assert_eq!(payload::write(kid, &claims, &claims.scopes), payload);
        }
    }
}

//! Providers that are asked, do not answer, or lie.

mod issuer;

use super::*;
use gantry_access::oidc::TokenProblem::{Issuer, Malformed, UnknownKey};
use gantry_env::Env;
use gantry_outbound::{Settings, SystemResolver};
use issuer::{Lie, NOW, TestIssuer, TestKey};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn providers() -> Providers {
    let settings = Settings { allow: vec!["127.0.0.1".parse().unwrap()], ..Settings::default() };
    let deadline = Duration::from_millis(500);
    Providers { deadline, ..Providers::new(Client::new(settings, SystemResolver, Env::real())) }
}

fn registered(issuer: &TestIssuer) -> ProviderSettings {
    ProviderSettings {
        issuer: issuer.url().into(),
        client_ids: ["sts.amazonaws.com".into()].into(),
        keys: KeySource::Discovered { authorities: None },
    }
}

/// Verifies a token that lasts for an hour from `at` on.
async fn verify(
    providers: &Providers,
    issuer: &TestIssuer,
    key: &TestKey,
    at: Timestamp,
) -> Result<(), ProviderProblem> {
    let token = issuer.token(key, at, json!({}));
    providers.verify(&token, &registered(issuer), at).await.map(drop)
}

fn unavailable(issuer: &TestIssuer) -> Result<(), ProviderProblem> {
    Err(ProviderProblem::KeysUnavailable { issuer: issuer.url().into() })
}

#[tokio::test]
async fn keys_are_fetched_once_and_kept() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;

    for _ in 0..3 {
        assert_eq!(verify(&providers, &issuer, &key, NOW).await, Ok(()));
    }

    assert_eq!(issuer.asked(), ["/.well-known/openid-configuration", "/keys"]);
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;

    let each = |_| verify(&providers, &issuer, &key, NOW);
    let (a, b, c, d) = tokio::join!(each(1), each(2), each(3), each(4));

    assert_eq!([a, b, c, d], [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!(issuer.asked().len(), 2);
}

#[tokio::test]
async fn tokens_as_providers_shape_them_are_taken() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;

    for (claims, claim, value) in [
        (
            json!({"sub": "repo:team/app:environment:prod", "repository_id": "74", "environment": "prod", "jti": "a"}),
            "repository_id",
            "74",
        ),
        (
            json!({"sub": "project_path:grp/proj:ref_type:branch:ref:main", "project_id": "7", "ref_protected": "true"}),
            "ref_protected",
            "true",
        ),
        (
            json!({
                "sub": "system:serviceaccount:shop:web", "aud": ["sts.amazonaws.com"],
                "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "web", "uid": "u1"}},
            }),
            "kubernetes.io.serviceaccount.uid",
            "u1",
        ),
    ] {
        let token = issuer.token(&key, NOW, claims.clone());
        let verified = providers.verify(&token, &registered(&issuer), NOW).await.unwrap();
        assert_eq!((&*verified.subject, verified.claim(claim)), (claims["sub"].as_str().unwrap(), Some(value)));
    }
}

#[tokio::test]
async fn a_new_key_is_found_half_a_minute_after_the_last_question() {
    let (old, new, providers) = (TestKey::new("k1"), TestKey::new("k2"), providers());
    let issuer = TestIssuer::start(&[&old]).await;
    verify(&providers, &issuer, &old, NOW).await.unwrap();
    issuer.publish(&[&new]);

    let soon = verify(&providers, &issuer, &new, NOW.plus(29 * SECOND)).await;
    let later = verify(&providers, &issuer, &new, NOW.plus(30 * SECOND)).await;

    assert_eq!((soon, later), (Err(UnknownKey.into()), Ok(())));
    assert_eq!(verify(&providers, &issuer, &old, NOW.plus(31 * SECOND)).await, Err(UnknownKey.into()));
}

/// Threat 14.
#[tokio::test]
async fn a_flood_of_unknown_keys_is_not_passed_on_to_the_provider() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;
    verify(&providers, &issuer, &key, NOW).await.unwrap();
    let at = NOW.plus(MINUTE);

    for number in 0..20 {
        let stranger = TestKey::new(&format!("x{number}"));
        assert_eq!(verify(&providers, &issuer, &stranger, at).await, Err(UnknownKey.into()));
    }

    assert_eq!(issuer.asked().len(), 4);
    assert_eq!(verify(&providers, &issuer, &key, at).await, Ok(()));
}

#[tokio::test]
async fn keys_are_asked_for_again_when_their_time_is_over() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;
    issuer.say_max_age(600);

    for (minutes, questions) in [(0, 2), (9, 2), (10, 4), (19, 4), (20, 6)] {
        verify(&providers, &issuer, &key, NOW.plus(minutes * MINUTE)).await.unwrap();
        assert_eq!(issuer.asked().len(), questions, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_done_without_for_a_day() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;
    verify(&providers, &issuer, &key, NOW).await.unwrap();
    issuer.lie(Lie::Down);

    assert_eq!(verify(&providers, &issuer, &key, NOW.plus(2 * HOUR)).await, Ok(()));
    assert_eq!(verify(&providers, &issuer, &key, NOW.plus(25 * HOUR - SECOND)).await, Ok(()));
    assert_eq!(verify(&providers, &issuer, &key, NOW.plus(25 * HOUR)).await, unavailable(&issuer));
}

#[tokio::test]
async fn a_provider_that_never_answered_is_not_asked_again_at_once() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;
    issuer.lie(Lie::Down);

    for _ in 0..3 {
        assert_eq!(verify(&providers, &issuer, &key, NOW).await, unavailable(&issuer));
    }
    assert_eq!(issuer.asked().len(), 1);
    issuer.lie(Lie::None);

    assert_eq!(verify(&providers, &issuer, &key, NOW.plus(30 * SECOND)).await, Ok(()));
}

#[tokio::test]
async fn who_has_keys_at_hand_does_not_wait_for_a_provider_that_hangs() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;
    verify(&providers, &issuer, &key, NOW).await.unwrap();
    issuer.lie(Lie::Hang);
    let at = NOW.plus(2 * HOUR);

    let (first, second) = tokio::join!(verify(&providers, &issuer, &key, at), async {
        let slot = providers.slot(issuer.url(), None, at);
        assert!(slot.flight.try_lock().is_err(), "the first is asking");
        verify(&providers, &issuer, &key, at).await.unwrap();
        slot.flight.try_lock().is_err()
    });

    assert_eq!((first, second), (Ok(()), true));
}

#[tokio::test]
async fn a_provider_that_lies_is_not_believed() {
    for lie in [
        Lie::Down,
        Lie::Hang,
        Lie::OtherIssuer,
        Lie::IssuerWithSlash,
        Lie::KeysElsewhere("https://169.254.169.254/keys".into()),
        Lie::KeysElsewhere("file:///etc/passwd".into()),
        Lie::RedirectTo("https://127.0.0.2/keys".into()),
        Lie::Giant,
        Lie::ManyKeys,
        Lie::Text("<html>sign in</html>".into()),
        Lie::Text(r#"{"keys":[]}"#.into()),
        Lie::Text(r#"{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0"}]}"#.into()),
    ] {
        let (key, providers) = (TestKey::new("k1"), providers());
        let issuer = TestIssuer::start(&[&key]).await;
        issuer.lie(lie.clone());

        assert_eq!(verify(&providers, &issuer, &key, NOW).await, unavailable(&issuer), "{lie:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_does_not_ask_this_one() {
    let (key, providers) = (TestKey::new("k1"), providers());
    let (issuer, other) = (TestIssuer::start(&[&key]).await, TestIssuer::start(&[&key]).await);
    let token = other.token(&key, NOW, json!({}));

    let refused = providers.verify(&token, &registered(&issuer), NOW).await;

    assert_eq!(refused.unwrap_err(), Issuer { expected: issuer.url().into() }.into());
    assert!(issuer.asked().is_empty() && other.asked().is_empty());
    assert!(matches!(
        providers.verify("x", &registered(&issuer), NOW).await,
        Err(ProviderProblem::Token(Malformed(_)))
    ));
}

#[tokio::test]
async fn a_cluster_that_cannot_be_asked_is_known_by_keys_that_were_uploaded() {
    let (key, other, providers) = (TestKey::new("k1"), TestKey::new("k1"), providers());
    let issuer = TestIssuer::start(&[&key]).await;
    let keys = KeySource::Uploaded(Arc::new(KeySet::parse(issuer::key_set(&[&key]).as_bytes()).unwrap()));
    let settings = ProviderSettings { keys, ..registered(&issuer) };

    assert!(providers.verify(&issuer.token(&key, NOW, json!({})), &settings, NOW).await.is_ok());
    assert!(providers.verify(&issuer.token(&other, NOW, json!({})), &settings, NOW).await.is_err());
    assert!(issuer.asked().is_empty());
}

#[tokio::test]
async fn who_brings_certificates_of_his_own_fetches_keys_of_his_own() {
    let providers = providers();
    let slot = |authorities| providers.slot("https://issuer.example.com", authorities, NOW);

    assert!(Arc::ptr_eq(&slot(None), &slot(None)));
    assert!(!Arc::ptr_eq(&slot(None), &slot(Some("pem"))));
}

#[tokio::test]
async fn the_provider_that_was_asked_for_longest_ago_makes_room() {
    let providers = providers();
    for number in 0..=SLOTS_MAX {
        providers.slot(
            &format!("https://{number}.example.com"),
            None,
            NOW.plus(SECOND * u32::try_from(number).unwrap()),
        );
    }

    let slots = providers.slots.lock().unwrap();
    let has = |number: usize| slots.keys().any(|key| *key.issuer == *format!("https://{number}.example.com"));
    assert_eq!((slots.len(), has(0), has(1)), (SLOTS_MAX, false, true));
}

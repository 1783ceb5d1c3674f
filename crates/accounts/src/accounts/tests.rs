use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};

async fn accounts() -> Accounts {
    let env = Env::real();
    let root = RootCredentials { access_key_id: "AKIAROOT".into(), secret_access_key: Secret::new("secret".into()) };
    let site = Site { account: AccountId::DEFAULT, region: Region::default(), service: "site".into() };
    let metadata = Metadata::alone(env.clone()).unwrap();
    Accounts::open(&Settings::default(), root, site, metadata, env).await.unwrap()
}

fn basic_header(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

#[tokio::test]
async fn root_comes_in_with_its_password() {
    let principal = accounts().await.authenticate(Some(&basic_header("AKIAROOT", "secret")), None, NOW).unwrap();

    assert_eq!(principal, Principal::root(AccountId::DEFAULT));
}

#[tokio::test]
async fn a_wrong_user_and_a_wrong_password_are_told_apart_by_nobody() {
    let accounts = accounts().await;

    for (user, password) in [("AKIAROOT", "Secret"), ("akiaroot", "secret"), ("", ""), ("AKIAROOT", "")] {
        let problem = accounts.authenticate(Some(&basic_header(user, password)), None, NOW).unwrap_err();
        assert_eq!(problem, AuthenticationProblem::WrongCredentials, "{user}");
    }
}

#[tokio::test]
async fn a_token_is_its_principal_with_the_scopes_asked_for() {
    let accounts = accounts().await;
    let scopes = Scopes::parse(["repository:team/app:pull"]);

    let token = accounts.token(&Principal::root(AccountId::DEFAULT), scopes.clone(), NOW);
    let principal = accounts.authenticate(Some(&format!("bearer {}", token.token)), None, NOW).unwrap();

    assert_eq!(token.expires_in_seconds, 300);
    assert_eq!(principal.scopes, Some(scopes));
}

#[tokio::test]
async fn an_expired_token_is_told_from_an_invalid_one() {
    let accounts = accounts().await;
    let token = accounts.token(&Principal::root(AccountId::DEFAULT), Scopes::default(), NOW).token;
    let later = Timestamp::from_millis(NOW.millis() + 301_000);

    let expired = accounts.authenticate(Some(&format!("Bearer {token}")), None, later);
    let invalid = accounts.authenticate(Some("Bearer gtk1.x.y"), None, NOW);

    assert_eq!(expired, Err(AuthenticationProblem::TokenExpired));
    assert_eq!(invalid, Err(AuthenticationProblem::TokenInvalid));
}

#[tokio::test]
async fn guessing_is_slowed_down_but_the_owner_still_comes_in() {
    let accounts = accounts().await;
    let source = Some("192.0.2.1".parse().unwrap());
    let wrong = basic_header("AKIAROOT", "guess");

    let last = (0..31).map(|_| accounts.authenticate(Some(&wrong), source, NOW)).last().unwrap();

    assert_eq!(last, Err(AuthenticationProblem::TooManyGuesses));
    assert!(accounts.authenticate(Some(&basic_header("AKIAROOT", "secret")), source, NOW).is_ok());
}

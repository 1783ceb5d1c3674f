use super::*;
use crate::sessions::SessionCredentials;
use crate::{
    AuthenticationProblem,
    accounts::tests::{ID, Place, SECRET, WEAK_SECRET, address, basic},
};
use gantry_access::{PrincipalKind, Scopes, sigv4};
use gantry_words::AccountId;

/// A request that is signed, and may then be something else.
struct Signed<'a> {
    key: &'a str,
    secret: &'a str,
    service: &'a str,
    token: Option<&'a str>,
}

const RIGHT: Signed<'_> = Signed { key: ID, secret: SECRET, service: "ecr", token: None };

impl Signed<'_> {
    fn ask(
        &self,
        accounts: &Accounts,
        place: &Place,
        source: Option<IpAddr>,
    ) -> Result<Option<Principal>, SignatureProblem> {
        let date = sigv4::print_date(place.now());
        let mut headers: Vec<(&str, &[u8])> = vec![("host", b"hub.example"), ("x-amz-date", date.as_bytes())];
        headers.extend(self.token.map(|token| ("x-amz-security-token", token.as_bytes())));
        let realm = Realm { region: "us-east-1", service: self.service, path: PathForm::Normalised };
        let secret = Secret::new(self.secret.to_string());
        let value = sigv4::sign(&posted(&headers), self.key, &secret, &realm, place.now());
        headers.push(("authorization", value.as_bytes()));
        accounts.authenticate_signed(&posted(&headers), "ecr", source, place.now())
    }
}

fn posted<'a>(headers: &'a [(&'a str, &'a [u8])]) -> SignedRequest<'a> {
    SignedRequest { method: "POST", path: "/", query: "", headers, public_host: None, body: b"{}", is_tls: false }
}

#[tokio::test]
async fn root_signs_with_his_access_key() {
    let place = Place::new();
    let accounts = place.open().await;

    let root = RIGHT.ask(&accounts, &place, None).unwrap().unwrap();

    assert_eq!((root.kind, root.scopes), (PrincipalKind::Root, None));
}

#[tokio::test]
async fn who_signs_nothing_is_nobody() {
    let place = Place::new();
    let accounts = place.open().await;

    assert!(accounts.authenticate_signed(&posted(&[]), "ecr", None, place.now()).unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_taken_has_its_kind() {
    let place = Place::new();
    let accounts = place.open().await;

    for (signed, kind) in [
        (Signed { secret: "wrong", ..RIGHT }, FaultKind::SignatureInvalid),
        (Signed { service: "s3", ..RIGHT }, FaultKind::SignatureInvalid),
        (Signed { key: "AKIANOBODY", ..RIGHT }, FaultKind::AccessKeyUnknown),
        (Signed { key: "AKIANOBODY", secret: "wrong", ..RIGHT }, FaultKind::AccessKeyUnknown),
        (Signed { token: Some("a session"), ..RIGHT }, FaultKind::AccessKeyUnknown),
    ] {
        let problem = signed.ask(&accounts, &place, None).unwrap_err();
        assert_eq!(Fault::from(problem).kind, kind, "{} {} {}", signed.key, signed.secret, signed.service);
    }
}

#[tokio::test]
async fn a_presigned_request_is_taken_for_sts_only() {
    let place = Place::new();
    let accounts = place.open().await;
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={ID}%2F20261120%2Fus-east-1%2Fecr%2Faws4_request\
         &X-Amz-Date=20261120T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={}",
        "0".repeat(64)
    );
    let request = SignedRequest { query: &query, ..posted(&[("host", b"hub.example")]) };

    let problem = accounts.authenticate_signed(&request, "ecr", None, place.now()).unwrap_err();

    assert_eq!(problem, SignatureProblem::Presigned);
    assert_eq!(Fault::from(problem).kind, FaultKind::AccessDenied);
}

#[tokio::test]
async fn a_weak_secret_cannot_be_found_by_signing() {
    let mut place = Place::new();
    place.secret = WEAK_SECRET;
    let accounts = place.open().await;
    let guess = |secret, source| Signed { secret, ..RIGHT }.ask(&accounts, &place, source);
    assert!((0..30).all(|_| guess("guess", address(1)).is_err()));

    assert_eq!(
        guess(WEAK_SECRET, address(1)).unwrap_err(),
        SignatureProblem::TooManyFailures { retry_after_seconds: 2 }
    );
    assert!(guess(WEAK_SECRET, address(2)).is_ok());
}

#[tokio::test]
async fn a_password_for_docker_login_stands_for_its_owner_for_twelve_hours() {
    let place = Place::new();
    let accounts = place.open().await;
    let root = RIGHT.ask(&accounts, &place, None).unwrap().unwrap();

    let login = accounts.login_password(&root, place.now());
    let log_in = || accounts.authenticate(Some(&basic("AWS", login.password.reveal())), None, place.now());

    assert!(log_in().unwrap().scopes.is_none());
    place.world.pass(12 * 60 * 60 - 1);
    accounts.rotate(place.now()).await.unwrap();
    assert_eq!(log_in().unwrap().kind, PrincipalKind::Root);
    place.world.pass(1);
    assert_eq!(log_in().unwrap_err(), AuthenticationProblem::LoginExpired);
}

#[tokio::test]
async fn passwords_and_tokens_do_not_stand_for_each_other() {
    let place = Place::new();
    let accounts = place.open().await;
    let root = RIGHT.ask(&accounts, &place, None).unwrap().unwrap();
    let login = accounts.login_password(&root, place.now());
    let token = accounts.token(&root, Scopes::parse(["repository:a:pull"]), place.now());

    let as_password = accounts.authenticate(Some(&basic("AWS", &token.token)), None, place.now());
    let as_token = accounts.authenticate(Some(&format!("Bearer {}", login.password.reveal())), None, place.now());

    assert_eq!(as_password.unwrap_err(), AuthenticationProblem::WrongCredentials);
    assert_eq!(as_token.unwrap_err(), AuthenticationProblem::TokenInvalid);
    let other_user = accounts.authenticate(Some(&basic("aws", login.password.reveal())), None, place.now());
    assert_eq!(other_user.unwrap_err(), AuthenticationProblem::WrongCredentials);
}

#[tokio::test]
async fn what_is_sealed_opens_after_a_restart_and_on_the_next_day() {
    let place = Place::new();
    let sealed = place.open().await.seal("page", b"place", place.now());

    place.world.pass(24 * 60 * 60);
    let accounts = place.open().await;
    accounts.rotate(place.now()).await.unwrap();

    assert_eq!(accounts.open_seal("page", &sealed).unwrap(), b"place");
    assert_eq!(accounts.open_seal("layer", &sealed), None);
}

fn signed_in(session: &SessionCredentials) -> Signed<'_> {
    let SessionCredentials { access_key_id, secret_access_key, session_token, .. } = session;
    Signed { key: access_key_id, secret: secret_access_key.reveal(), token: Some(session_token), ..RIGHT }
}

#[tokio::test]
async fn a_session_signs_for_its_owner_until_it_is_over_also_after_a_restart() {
    let place = Place::new();
    let root = Principal::root(AccountId::DEFAULT);
    let session = place.open().await.session(&root, 900, place.now());
    let accounts = place.open().await;

    let found = signed_in(&session).ask(&accounts, &place, None).unwrap().unwrap();

    assert!(session.access_key_id.starts_with("ASIA") && session.access_key_id.len() == 20);
    assert_eq!((found.kind, found.is_session), (PrincipalKind::Root, true));
    place.world.pass(900);
    let problem = signed_in(&session).ask(&accounts, &place, None).unwrap_err();
    assert_eq!(Fault::from(problem).kind, FaultKind::SessionExpired);
}

#[tokio::test]
async fn a_session_of_root_lasts_an_hour_at_most() {
    let place = Place::new();

    let session = place.open().await.session(&Principal::root(AccountId::DEFAULT), 129_600, place.now());

    assert_eq!(session.expires_at, place.now().plus(std::time::Duration::from_secs(3600)));
}

#[tokio::test]
async fn the_parts_of_a_session_belong_together() {
    let place = Place::new();
    let accounts = place.open().await;
    let root = Principal::root(AccountId::DEFAULT);
    let (one, other) = (accounts.session(&root, 900, place.now()), accounts.session(&root, 900, place.now()));

    let right = signed_in(&one);
    for (signed, kind) in [
        (Signed { token: None, ..signed_in(&one) }, FaultKind::AccessKeyUnknown),
        (Signed { token: Some(&other.session_token), ..signed_in(&one) }, FaultKind::AccessKeyUnknown),
        (Signed { key: ID, ..signed_in(&one) }, FaultKind::AccessKeyUnknown),
        (Signed { secret: SECRET, ..signed_in(&one) }, FaultKind::SignatureInvalid),
    ] {
        assert_eq!(Fault::from(signed.ask(&accounts, &place, None).unwrap_err()).kind, kind);
    }
    assert!(right.ask(&accounts, &place, None).is_ok());
}

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_access::{Access, Refusal, action, sealed::SealingKey};
use gantry_env::{BoxFuture, Clock, Random};
use gantry_words::Period;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const START_MILLIS: i64 = 1_795_255_200_000;
pub(crate) const ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab";
pub(crate) const WEAK_SECRET: &str = "hunter2";

/// A world whose time moves when it is told to, and whose chance is a count.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<WorldState>);

#[derive(Default)]
struct WorldState {
    millis: AtomicU64,
    draws: AtomicU64,
}

impl World {
    pub(crate) fn env(&self) -> Env {
        Env::new(Arc::new(self.clone()), Arc::new(self.clone()))
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.0.millis.fetch_add(seconds * 1000, Relaxed);
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START_MILLIS).plus(self.elapsed())
    }
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.millis.load(Relaxed))
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

impl Random for World {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let draw = self.0.draws.fetch_add(1, Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            *byte = draw.to_be_bytes()[0];
        }
    }
}

/// A site: its database and its clock. Opening it twice makes two replicas, or one after a restart.
pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) metadata: Metadata,
    pub(crate) settings: Settings,
    pub(crate) secret: &'static str,
    account: &'static str,
}

impl Place {
    pub(crate) fn new() -> Self {
        let world = World::default();
        let metadata = Metadata::alone(world.env()).unwrap();
        Place { world, metadata, settings: Settings::default(), secret: SECRET, account: "000000000000" }
    }

    /// Another server on the same database.
    pub(crate) async fn replica(&self) -> Accounts {
        let metadata = self.metadata.door(true, Box::new(|_| None));
        Place { world: self.world.clone(), metadata, settings: self.settings.clone(), ..*self }.open().await
    }

    pub(crate) fn cx(&self) -> Cx {
        Cx {
            actor: "test".into(),
            account: AccountId::DEFAULT,
            operation: "Test",
            request_id: self.world.env().request_id(),
            now: self.now(),
            source: None,
        }
    }

    /// The root user, as he comes with a request.
    pub(crate) fn root(&self, accounts: &Accounts) -> Principal {
        accounts.authenticate(Some(&basic(ID, self.secret)), None, self.now()).unwrap()
    }

    async fn try_open(&self) -> Result<Accounts, Fault> {
        let root = RootCredentials { access_key_id: ID.into(), secret_access_key: Secret::new(self.secret.into()) };
        let site = Site { account: self.account.parse().unwrap(), region: Region::default(), service: "gantry".into() };
        let keys = vec![SealingKey::derive(1, &[7; 32], &[])];
        let identities = Identities::new(self.metadata.clone(), self.world.env(), keys);
        Accounts::open(&self.settings, root, site, identities, self.metadata.clone(), self.world.env()).await
    }

    pub(crate) async fn open(&self) -> Accounts {
        self.try_open().await.unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// A token of the root user.
    fn issue(&self, accounts: &Accounts, scope: &str) -> IssuedToken {
        let root = accounts.authenticate(Some(&basic(ID, self.secret)), None, self.now()).unwrap();
        accounts.token(&root, Scopes::parse([scope]), self.now())
    }

    fn bearer(&self, accounts: &Accounts, token: &IssuedToken) -> Result<Principal, AuthenticationProblem> {
        accounts.authenticate(Some(&format!("Bearer {}", token.token)), None, self.now())
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn on(action: gantry_access::Action, name: &str) -> Access {
    Access::on(action, &name.parse().unwrap())
}

pub(crate) fn address(number: u8) -> Option<IpAddr> {
    Some([203, 0, 113, number].into())
}

#[tokio::test]
async fn root_logs_in_with_his_access_key() {
    let accounts = Place::new().open().await;

    let root = accounts.authenticate(Some(&basic(ID, SECRET)), None, accounts.0.env.now()).unwrap();

    assert_eq!((root.kind, &*root.arn), (PrincipalKind::Root, "arn:aws:iam::000000000000:root"));
    assert!(root.scopes.is_none());
    assert!(accounts.authorize(&root, &[on(action::ECR_DELETE_REPOSITORY, "a")]).is_ok());
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_get_the_same_answer() {
    let place = Place::new();
    let accounts = place.open().await;

    for (user, password) in [
        ("root", SECRET),
        (ID, "wrong"),
        (ID, ""),
        ("", ""),
        ("", SECRET),
        (SECRET, ID),
        ("akiaiosfodnn7example", SECRET),
    ] {
        let problem = accounts.authenticate(Some(&basic(user, password)), None, place.now()).unwrap_err();
        assert_eq!(problem, AuthenticationProblem::WrongCredentials, "{user}");
    }
}

#[tokio::test]
async fn headers_that_are_missing_or_of_another_kind_are_told_apart() {
    let place = Place::new();
    let accounts = place.open().await;
    let problem = |header| accounts.authenticate(header, None, place.now()).unwrap_err();

    assert_eq!(problem(None), AuthenticationProblem::Missing);
    for header in ["", "Basic", "Basic !", "Bearer", "Digest x", "AWS4-HMAC-SHA256 Credential=a"] {
        assert_eq!(problem(Some(header)), AuthenticationProblem::Malformed, "{header}");
    }
    for header in ["Bearer x", "Bearer gtk1.x.y", "Bearer eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(problem(Some(header)), AuthenticationProblem::TokenInvalid, "{header}");
    }
}

#[tokio::test]
async fn a_token_brings_root_within_what_it_was_asked_for() {
    let place = Place::new();
    let accounts = place.open().await;

    let issued = place.issue(&accounts, "repository:team/app:push,pull");
    let principal = place.bearer(&accounts, &issued).unwrap();

    assert_eq!(issued.scope, "repository:team/app:pull,push");
    assert_eq!((principal.kind, &*principal.arn), (PrincipalKind::Root, "arn:aws:iam::000000000000:root"));
    assert!(accounts.may(&principal, &on(action::ECR_PUT_IMAGE, "team/app")));
    assert!(accounts.may(&principal, &on(action::ECR_CREATE_REPOSITORY, "team/app")));
    let other = accounts.authorize(&principal, &[on(action::ECR_BATCH_GET_IMAGE, "team/other")]);
    assert_eq!(other, Err(Refusal::InsufficientScope));
}

#[tokio::test]
async fn a_login_probe_gets_a_token_for_nothing() {
    let place = Place::new();
    let accounts = place.open().await;

    let issued = place.issue(&accounts, "");

    assert_eq!(issued.scope, "");
    assert!(place.bearer(&accounts, &issued).unwrap().scopes.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_lives_longer_where_it_may_write() {
    let place = Place::new();
    let accounts = place.open().await;
    let lifetime = |scope| place.issue(&accounts, scope).expires_in_seconds;

    assert_eq!(lifetime("repository:a:pull"), 300);
    assert_eq!(lifetime("registry:catalog:*"), 300);
    for scope in
        ["repository:a:pull,push", "repository:a:delete", "repository:a:*", "repository:a:pull repository:b:push"]
    {
        assert_eq!(lifetime(scope), 900, "{scope}");
    }
}

#[tokio::test]
async fn a_token_ends_when_it_said_it_would() {
    let place = Place::new();
    let accounts = place.open().await;
    let issued = place.issue(&accounts, "repository:a:pull");

    place.world.pass(issued.expires_in_seconds - 1);
    assert!(place.bearer(&accounts, &issued).is_ok());
    place.world.pass(1);
    assert_eq!(place.bearer(&accounts, &issued).unwrap_err(), AuthenticationProblem::TokenExpired);
}

#[tokio::test]
async fn a_token_gets_no_token_but_an_empty_one() {
    let place = Place::new();
    let accounts = place.open().await;
    let principal = place.bearer(&accounts, &place.issue(&accounts, "repository:a:*")).unwrap();

    let second = accounts.token(&principal, Scopes::parse(["repository:a:pull"]), place.now());

    assert_eq!(second.scope, "");
    assert!(place.bearer(&accounts, &second).unwrap().scopes.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_of_anonymous_names_no_scope_and_opens_nothing() {
    let place = Place::new();
    let accounts = place.open().await;

    let issued =
        accounts.token(&accounts.anonymous(), Scopes::parse(["repository:a:* registry:catalog:*"]), place.now());
    let principal = place.bearer(&accounts, &issued).unwrap();

    assert_eq!(issued.scope, "");
    assert_eq!(principal.kind, PrincipalKind::Anonymous);
    let pull = accounts.authorize(&principal, &[on(action::ECR_BATCH_GET_IMAGE, "a")]);
    assert_eq!(pull, Err(Refusal::Unauthenticated));
}

#[tokio::test]
async fn dozens_of_long_scopes_are_answered_with_those_that_fit() {
    let place = Place::new();
    let accounts = place.open().await;
    let many: Vec<String> = (0..100).map(|number| format!("repository:{}{number:02}:pull", "a".repeat(60))).collect();

    let issued = place.issue(&accounts, &many.join(" "));

    assert!(issued.token.len() <= token::TOKEN_BYTES_MAX);
    let held = place.bearer(&accounts, &issued).unwrap().scopes.unwrap();
    assert_eq!(held.to_string(), issued.scope);
    assert!(held.repositories().len() > 30);
}

#[tokio::test]
async fn a_restart_keeps_tokens_good() {
    let place = Place::new();
    let issued = place.issue(&place.open().await, "repository:a:pull");

    assert!(place.bearer(&place.open().await, &issued).is_ok());
}

#[tokio::test]
async fn another_root_password_ends_every_token() {
    let mut place = Place::new();
    let issued = place.issue(&place.open().await, "repository:a:pull");

    place.secret = "another secret of enough letters and numb3rs";
    let accounts = place.open().await;

    assert_eq!(place.bearer(&accounts, &issued).unwrap_err(), AuthenticationProblem::TokenInvalid);
}

#[tokio::test]
async fn a_token_of_another_site_is_worth_nothing() {
    let mut place = Place::new();
    let accounts = place.open().await;
    // With the same keys: as if the database had been copied.
    place.account = "111111111111";
    let other_account = place.open().await;
    let issued = place.issue(&other_account, "repository:a:pull");

    assert_eq!(place.bearer(&accounts, &issued).unwrap_err(), AuthenticationProblem::TokenInvalid);
    let other_keys = Place { world: World::default(), ..Place::new() };
    other_keys.world.0.draws.store(77, Relaxed);
    let issued = other_keys.issue(&other_keys.open().await, "repository:a:pull");
    assert_eq!(place.bearer(&accounts, &issued).unwrap_err(), AuthenticationProblem::TokenInvalid);
}

#[tokio::test]
async fn keys_rotate_daily_and_no_token_is_lost_by_it() {
    let place = Place::new();
    let accounts = place.open().await;
    let mut rotations = 0;
    let mut newest = accounts.0.keys.read().unwrap().newest_made_at();

    // Three days of a sweep each minute; what was issued a minute ago is still good.
    let mut issued = place.issue(&accounts, "repository:a:pull");
    for _ in 0..3 * 24 * 60 {
        place.world.pass(60);
        accounts.rotate(place.now()).await.unwrap();
        assert!(place.bearer(&accounts, &issued).is_ok(), "at {}", place.now());
        issued = place.issue(&accounts, "repository:a:pull");
        let made_at = accounts.0.keys.read().unwrap().newest_made_at();
        rotations += usize::from(made_at != newest);
        newest = made_at;
    }

    assert_eq!(rotations, 3);
}

#[tokio::test]
async fn a_replica_knows_a_new_key_before_another_signs_with_it() {
    let place = Place::new();
    let (one, other) = (place.open().await, place.open().await);

    place.world.pass(24 * 60 * 60);
    one.rotate(place.now()).await.unwrap();
    let just_after = place.issue(&one, "repository:a:pull");
    assert!(place.bearer(&other, &just_after).is_ok());

    place.world.pass(9 * 60);
    other.rotate(place.now()).await.unwrap();
    place.world.pass(60);
    let with_the_new_key = place.issue(&one, "repository:a:pull");
    assert!(place.bearer(&other, &with_the_new_key).is_ok());
}

#[tokio::test]
async fn two_replicas_that_rotate_at_once_draw_one_key() {
    let place = Place::new();
    let (one, other) = (place.open().await, place.open().await);
    place.world.pass(24 * 60 * 60);

    let (first, second) = tokio::join!(one.rotate(place.now()), other.rotate(place.now()));
    first.and(second).unwrap();

    place.world.pass(600);
    assert!(place.bearer(&other, &place.issue(&one, "repository:a:pull")).is_ok());
    assert!(place.bearer(&one, &place.issue(&other, "repository:a:pull")).is_ok());
}

#[tokio::test]
async fn on_postgresql_too_many_replicas_draw_one_key() {
    let database = gantry_metadata::suite::postgres::Database::new();
    let world = World::default();
    let open = || Metadata::open(&database.settings(), "/nowhere".as_ref(), world.env()).unwrap();
    let replicas = [open(), open(), open()].map(|metadata| Place { world: world.clone(), metadata, ..Place::new() });

    let (one, two, three) = tokio::join!(replicas[0].open(), replicas[1].open(), replicas[2].open());

    let issued = replicas[0].issue(&one, "repository:a:pull");
    for (replica, accounts) in replicas.iter().zip([&one, &two, &three]) {
        assert!(replica.bearer(accounts, &issued).is_ok());
    }
}

#[tokio::test]
async fn a_key_is_gone_two_days_after_it_was_drawn() {
    let mut place = Place::new();
    place.settings.push_lifetime = Period::hours(12);
    let accounts = place.open().await;
    let first = place.open().await;

    for _ in 0..2 {
        place.world.pass(24 * 60 * 60);
        accounts.rotate(place.now()).await.unwrap();
    }

    // A replica that slept through it signs with a key that nobody knows any more.
    let issued = place.issue(&first, "repository:a:push");
    assert_eq!(place.bearer(&accounts, &issued).unwrap_err(), AuthenticationProblem::TokenInvalid);
}

#[tokio::test]
async fn a_thousand_guesses_are_stopped_and_the_owner_still_logs_in() {
    let place = Place::new();
    let accounts = place.open().await;
    let guess =
        |number: usize| accounts.authenticate(Some(&basic(ID, &format!("guess{number}"))), address(1), place.now());

    let heard: Vec<_> = (0..1000).map(|number| guess(number).unwrap_err()).collect();

    let stopped = AuthenticationProblem::TooManyFailures { retry_after_seconds: 2 };
    assert!(heard[..30].iter().all(|problem| *problem == AuthenticationProblem::WrongCredentials));
    assert!(heard[30..].iter().all(|problem| *problem == stopped));
    for source in [address(1), address(2), None] {
        assert!(accounts.authenticate(Some(&basic(ID, SECRET)), source, place.now()).is_ok(), "{source:?}");
    }
}

#[tokio::test]
async fn a_weak_password_cannot_be_found_by_trying() {
    let mut place = Place::new();
    place.secret = WEAK_SECRET;
    let accounts = place.open().await;
    let log_in = |password, source| accounts.authenticate(Some(&basic(ID, password)), source, place.now());
    assert!((0..30).all(|_| log_in("guess", address(1)).is_err()));

    let lucky_guess = log_in(WEAK_SECRET, address(1)).unwrap_err();

    assert_eq!(lucky_guess, AuthenticationProblem::TooManyFailures { retry_after_seconds: 2 });
    assert!(log_in(WEAK_SECRET, address(2)).is_ok());
    place.world.pass(2);
    assert!(log_in(WEAK_SECRET, address(1)).is_ok());
}

#[tokio::test]
async fn tokens_are_taken_however_many_logins_fail() {
    let place = Place::new();
    let accounts = place.open().await;
    let issued = place.issue(&accounts, "repository:a:pull");

    (0..100).for_each(|_| drop(accounts.authenticate(Some(&basic("a", "b")), None, place.now())));

    assert!(place.bearer(&accounts, &issued).is_ok());
}

#[tokio::test]
async fn a_login_by_form_is_judged_and_counted_like_one_by_header() {
    let accounts = Place::new().open().await;
    let arrival =
        Arrival { source: address(1), is_secure: false, at: accounts.0.env.now(), user_agent: None, account: None };
    let log_in = async |password: &str| accounts.log_in(ID, &Secret::new(password.into()), arrival.clone()).await;

    assert_eq!(log_in(SECRET).await.unwrap().kind, PrincipalKind::Root);
    assert_eq!(log_in("wrong").await.unwrap_err().kind, FaultKind::Unauthenticated);
    for _ in 0..29 {
        log_in("wrong").await.unwrap_err();
    }
    assert_eq!(log_in("wrong").await.unwrap_err().kind, FaultKind::TooManyRequests);
    assert!(
        accounts
            .authenticate(Some(&basic("a", "b")), address(1), accounts.0.env.now())
            .unwrap_err()
            .token_problem()
            .is_none()
    );
}

#[tokio::test]
async fn a_list_shows_what_the_caller_may_describe() {
    let place = Place::new();
    let accounts = place.open().await;
    let root = Principal::root(AccountId::DEFAULT);
    let name = "team/app".parse().unwrap();
    let sees = |scope| accounts.may_see(&root.clone().within(Scopes::parse([scope])), &name);

    assert!(accounts.may_see(&root, &name));
    assert!(!accounts.may_see(&accounts.anonymous(), &name));
    assert!(sees("registry:catalog:*"));
    assert!(sees("repository:team/app:pull"));
    assert!(!sees("repository:team/other:pull"));
}

#[tokio::test]
async fn what_cannot_be_used_is_said_at_the_start() {
    let complaint = async |change: fn(&mut Place)| {
        let mut place = Place::new();
        change(&mut place);
        place.try_open().await.err().unwrap().to_string()
    };

    assert!(complaint(|place| place.secret = "").await.contains("secret access key"));
    assert!(complaint(|place| place.settings.pull_lifetime = Period::seconds(1)).await.contains("pull_lifetime"));
}

#[tokio::test]
async fn a_network_is_served_so_many_requests_without_credentials_in_a_minute_and_no_other_pays_for_it() {
    let mut place = Place::new();
    place.settings.anonymous_requests_per_minute = 3;
    let accounts = place.open().await;
    let host = |text: &str| Some(text.parse().unwrap());

    let waits: Vec<_> = (0..5).map(|_| accounts.note_anonymous(host("2001:db8::1"))).collect();

    assert_eq!(waits, [None, None, None, Some(20), Some(20)]);
    assert!(accounts.note_anonymous(host("2001:db8::ffff:2")).is_some(), "the same customer's network");
    assert_eq!(accounts.note_anonymous(host("2001:db8:0:1::1")), None);
    place.world.pass(20);
    assert_eq!(accounts.note_anonymous(host("2001:db8::1")), None);
}

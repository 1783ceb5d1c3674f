use super::*;
use crate::{
    IdentityKind, NewIdentity, NewPersonalToken, RootCredentials,
    accounts::tests::{Place, address, basic},
};
use gantry_access::{Access, PrincipalKind, Scopes, action};
use gantry_words::Period;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const PASSWORD: &str = "correct horse battery";
const ALL: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["ecr:*", "iam:*"], "Resource": "*"}}"#;
const PULL: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*"}}"#;

/// A site with a user `Ann`, who may do everything.
struct Site {
    place: Place,
    accounts: Accounts,
}

impl Site {
    async fn new() -> Self {
        let place = Place::new();
        let accounts = place.open().await;
        let site = Site { place, accounts };
        let (identities, cx) = (site.accounts.identities(), site.place.cx());
        identities.create(&cx, NewIdentity::user("Ann")).await.unwrap();
        identities.put_inline_policy(&cx, IdentityKind::User, "Ann", "own", ALL).await.unwrap();
        site
    }

    async fn with_password(must_change: bool) -> Self {
        let site = Site::new().await;
        site.password(PASSWORD, must_change).await;
        site
    }

    async fn password(&self, password: &str, must_change: bool) {
        let password = Secret::new(password.to_string());
        let identities = self.accounts.identities();
        identities.put_password(&self.place.cx(), "ann", &password, must_change, PasswordChange::Set).await.unwrap();
    }

    async fn token(&self, policy: Option<&str>) -> (String, String) {
        let new = NewPersonalToken {
            owner: "ann".into(),
            name: "laptop".into(),
            lifetime: Duration::from_secs(3600),
            lifetime_max: Period::hours(2),
            policy: policy.map(Into::into),
        };
        let made = self.accounts.identities().create_personal_token(&self.place.cx(), new).await.unwrap();
        (made.0.id, made.1.reveal().clone())
    }

    /// Logs in as a door does.
    async fn log_in_from(
        &self,
        user: &str,
        password: &str,
        source: Option<IpAddr>,
    ) -> Result<Principal, AuthenticationProblem> {
        self.accounts.freshen().await.unwrap();
        let header = basic(user, password);
        match self.accounts.authenticate(Some(&header), source, self.place.now()) {
            Err(AuthenticationProblem::Unsettled) => {
                let arrival = Arrival { source, at: self.place.now(), ..Arrival::default() };
                self.accounts.authenticate_slowly(&header, arrival).await.map_err(|unidentified| match unidentified {
                    Unidentified::Here(problem) => problem,
                    Unidentified::Elsewhere(fault) => panic!("nobody else is asked: {fault}"),
                })
            }
            found => found,
        }
    }

    async fn log_in(&self, user: &str, password: &str) -> Result<Principal, AuthenticationProblem> {
        self.log_in_from(user, password, None).await
    }

    fn may(&self, principal: &Principal, action: gantry_access::Action, name: &str) -> bool {
        self.accounts.may(principal, &Access::on(action, &name.parse().unwrap()))
    }

    fn hashes(&self) -> usize {
        self.accounts.identities().hasher().runs()
    }
}

const WRONG: AuthenticationProblem = AuthenticationProblem::WrongCredentials;

#[tokio::test]
async fn a_user_logs_in_with_his_password_whatever_the_case_of_his_name() {
    let site = Site::with_password(false).await;

    for name in ["Ann", "ann", "ANN "] {
        let ann = site.log_in(name, PASSWORD).await.unwrap();
        assert_eq!((ann.kind, &*ann.arn), (PrincipalKind::User, "arn:aws:iam::000000000000:user/Ann"), "{name}");
    }
    assert_eq!(site.log_in("ann", "correct horse batterz").await.unwrap_err(), WRONG);
    assert_eq!(site.log_in("bob", PASSWORD).await.unwrap_err(), WRONG);
    assert_eq!(site.log_in("ann", "").await.unwrap_err(), WRONG);
    assert_eq!(site.log_in("ann", &"x".repeat(1025)).await.unwrap_err(), WRONG);
}

#[tokio::test]
async fn whether_a_name_is_known_is_told_neither_by_words_nor_by_work() {
    let site = Site::with_password(false).await;
    let before = site.hashes();

    let known = site.log_in("ann", "wrong password").await.unwrap_err();
    let after_known = site.hashes();
    let unknown = site.log_in("nobody", "wrong password").await.unwrap_err();

    assert_eq!(known.to_string(), unknown.to_string());
    assert_eq!((after_known - before, site.hashes() - after_known), (1, 1));
}

#[tokio::test]
async fn a_thousand_guesses_lock_nobody_out() {
    let site = Site::with_password(false).await;
    let (_, token) = site.token(None).await;
    let before = site.hashes();

    for number in 0..1000 {
        let refused = site.log_in_from("ann", &format!("guess number {number}"), address(1)).await.unwrap_err();
        let is_limited = matches!(refused, AuthenticationProblem::TooManyFailures { .. });
        assert_eq!(is_limited, number >= 10, "{number}");
    }

    assert_eq!(site.hashes() - before, 10, "beyond the limit nothing is hashed");
    assert!(site.log_in_from("ann", PASSWORD, address(1)).await.is_err(), "what guesses hears nothing more");
    assert!(site.log_in_from("ann", PASSWORD, address(2)).await.is_ok(), "from elsewhere the owner logs in");
    assert!(site.log_in_from("ann", &token, address(1)).await.is_ok(), "with a token from there too");
    site.place.world.pass(60);
    assert!(site.log_in_from("ann", PASSWORD, address(1)).await.is_ok(), "and after a minute from there too");
}

#[tokio::test]
async fn a_root_that_can_be_guessed_is_tried_no_oftener_for_the_passwords_of_others() {
    let site = Site::with_password(false).await;
    let root = RootCredentials { access_key_id: "admin".into(), secret_access_key: Secret::new("hunter2".into()) };
    let metadata = site.place.metadata.clone();
    let (settings, place, identities) =
        (site.place.settings.clone(), site.accounts.site().clone(), site.accounts.identities());
    let env = gantry_env::Env::real();
    let accounts = Accounts::open(&settings, root, place, identities.clone(), metadata, env).await.unwrap();
    let site = Site { accounts, place: site.place };
    let before = site.hashes();

    for number in 0..40 {
        let refused = site.log_in_from("admin", &format!("guess {number}"), address(1)).await.unwrap_err();
        assert_eq!(refused == WRONG, number < 30, "{number}");
    }

    let late = site.log_in_from("admin", "hunter2", address(1)).await.unwrap_err();
    assert!(matches!(late, AuthenticationProblem::TooManyFailures { .. }));
    assert_eq!(site.hashes(), before);
}

#[tokio::test]
async fn keys_robots_and_tokens_are_never_hashed_slowly() {
    let site = Site::with_password(false).await;
    let key = site.accounts.identities().create_access_key(&site.place.cx(), "ann").await.unwrap();
    let (_, token) = site.token(None).await;
    let before = site.hashes();

    assert!(site.log_in(&key.key.id, key.secret.reveal()).await.is_ok());
    assert!(site.log_in("ann", &token).await.is_ok());
    for (user, password) in
        [(&*key.key.id, "wrong"), ("AKIAAAAAAAAAAAAAAAAA", "wrong"), ("ann", "gtp_x"), ("AWS", "gtk1.x.y")]
    {
        assert!(site.log_in(user, password).await.is_err(), "{user}");
    }

    assert_eq!(site.hashes(), before);
}

#[tokio::test]
async fn a_password_that_was_right_a_moment_ago_is_not_hashed_again() {
    let site = Site::with_password(false).await;
    let before = site.hashes();

    for _ in 0..20 {
        assert!(site.log_in("ann", PASSWORD).await.is_ok());
    }
    let within = site.hashes() - before;
    site.place.world.pass(61);
    assert!(site.log_in("ann", PASSWORD).await.is_ok());

    assert_eq!((within, site.hashes() - before), (1, 2));
}

#[tokio::test]
async fn with_another_password_what_came_of_the_old_one_is_over() {
    let site = Site::with_password(false).await;
    let ann = site.log_in("ann", PASSWORD).await.unwrap();
    let issued = site.accounts.token(&ann, Scopes::parse(["repository:a:pull"]), site.place.now());
    let bearer = format!("Bearer {}", issued.token);
    assert!(site.accounts.authenticate(Some(&bearer), None, site.place.now()).is_ok());

    site.password("another horse battery", false).await;

    assert_eq!(site.log_in("ann", PASSWORD).await.unwrap_err(), WRONG);
    let dead = site.accounts.authenticate(Some(&bearer), None, site.place.now()).unwrap_err();
    assert_eq!(dead, AuthenticationProblem::TokenInvalid);
    assert!(site.log_in("ann", "another horse battery").await.is_ok());
}

#[tokio::test]
async fn a_password_that_must_be_changed_is_good_for_that_alone() {
    let site = Site::with_password(true).await;
    let cx = site.place.cx();
    let secret = |text: &str| Secret::new(text.to_string());
    assert_eq!(site.log_in("ann", PASSWORD).await.unwrap_err(), AuthenticationProblem::PasswordExpired);

    let same = site.accounts.change_own_password(&cx, "ann", &secret(PASSWORD), &secret(PASSWORD)).await;
    let wrong = site.accounts.change_own_password(&cx, "ann", &secret("x"), &secret("a new long password")).await;
    let right = site.accounts.change_own_password(&cx, "ann", &secret(PASSWORD), &secret("a new long password")).await;

    assert_eq!(same.unwrap_err().kind, FaultKind::PasswordPolicyViolation);
    assert_eq!(wrong.unwrap_err().kind, FaultKind::Unauthenticated);
    assert!(right.is_ok());
    assert!(site.log_in("ann", "a new long password").await.is_ok());
}

#[tokio::test]
async fn a_personal_token_stands_for_its_owner_and_nobody_else() {
    let site = Site::new().await;
    let (id, token) = site.token(None).await;

    let ann = site.log_in("ann ", &token).await.unwrap();

    assert_eq!((&*ann.arn, &*ann.access_key_id), ("arn:aws:iam::000000000000:user/Ann", id.as_str()));
    assert!(site.may(&ann, action::ECR_PUT_IMAGE, "team/app"));
    assert_eq!(site.log_in("bob", &token).await.unwrap_err(), WRONG);
    assert_eq!(site.log_in("", &token).await.unwrap_err(), WRONG);
}

#[tokio::test]
async fn a_token_is_worth_nothing_once_it_is_revoked_over_or_without_its_owner() {
    for end in ["revoked", "over", "deleted"] {
        let site = Site::new().await;
        let other = site.place.replica().await;
        let (id, token) = site.token(None).await;
        let ann = site.log_in("ann", &token).await.unwrap();
        let issued = site.accounts.token(&ann, Scopes::parse(["repository:a:pull"]), site.place.now());
        let bearer = format!("Bearer {}", issued.token);
        let (identities, cx) = (site.accounts.identities(), site.place.cx());
        match end {
            "revoked" => drop(identities.revoke_personal_token(&cx, "ann", &id).await.unwrap()),
            "over" => site.place.world.pass(3600),
            _ => {
                identities.delete_inline_policy(&cx, IdentityKind::User, "ann", "own").await.unwrap();
                identities.delete(&cx, IdentityKind::User, "ann").await.unwrap();
            }
        }
        other.look_for_changes().await.unwrap();

        assert_eq!(site.log_in("ann", &token).await.unwrap_err(), WRONG, "{end}");
        for accounts in [&site.accounts, &other] {
            let now = site.place.now();
            assert!(accounts.authenticate(Some(&basic("ann", &token)), None, now).is_err(), "{end}");
            assert!(accounts.authenticate(Some(&bearer), None, now).is_err(), "{end}");
            // A request that had come in before its end is not cut.
            let may = accounts.may(&ann, &Access::on(action::ECR_PUT_IMAGE, &"a".parse().unwrap()));
            assert_eq!(may, end == "over", "{end}");
        }
    }
}

#[tokio::test]
async fn a_narrowed_token_may_no_more_than_it_says_and_what_came_of_it_neither() {
    let site = Site::new().await;
    let (_, token) = site.token(Some(PULL)).await;

    let ann = site.log_in("ann", &token).await.unwrap();
    let issued = site.accounts.token(&ann, Scopes::parse(["repository:a:pull,push"]), site.place.now());
    let bearer = format!("Bearer {}", issued.token);
    let bearer = site.accounts.authenticate(Some(&bearer), None, site.place.now()).unwrap();

    assert_eq!(issued.scope, "repository:a:pull");
    for principal in [&ann, &bearer] {
        assert!(site.may(principal, action::ECR_BATCH_GET_IMAGE, "a"));
        assert!(!site.may(principal, action::ECR_PUT_IMAGE, "a"));
    }
}

#[tokio::test]
async fn when_a_token_was_used_is_written_down_with_the_minute() {
    let site = Site::new().await;
    let (_, token) = site.token(None).await;
    let used_at = || async {
        let listed = site.accounts.identities().list_personal_tokens(site.place.cx().account, "ann").await.unwrap();
        listed[0].used_at
    };
    assert_eq!(used_at().await, None);

    site.log_in("ann", &token).await.unwrap();
    let at = site.place.now();
    site.place.world.pass(60);
    site.accounts.rotate(site.place.now()).await.unwrap();

    assert_eq!(used_at().await, Some(at));
}

#[tokio::test]
async fn neither_password_nor_token_lies_in_the_database() {
    let site = Site::with_password(false).await;
    let (_, token) = site.token(None).await;

    let snapshot = site.accounts.identities().snapshot(site.place.cx().account).await.unwrap();
    let shown = format!("{snapshot:?}");

    assert!(!shown.contains(&token) && !shown.contains(PASSWORD) && !shown.contains("argon2id"), "{shown}");
    assert!(!snapshot.personal_tokens[0].hash.contains(&token[4..]));
    assert!(snapshot.passwords[0].hash.reveal().starts_with("$argon2id$"));
}

/// A directory that knows one person, and counts how often it is asked.
#[derive(Default)]
struct Directory {
    asked: AtomicUsize,
    is_down: std::sync::atomic::AtomicBool,
}

impl LoginSource for Directory {
    fn log_in<'a>(
        &'a self,
        name: &'a str,
        password: &'a Secret<String>,
        _: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Person, LoginRefusal>> {
        self.asked.fetch_add(1, Relaxed);
        let found = match (self.is_down.load(Relaxed), name, password.reveal().as_str()) {
            (true, ..) => Err(LoginRefusal::Unavailable),
            (false, "cyd" | "ann", PASSWORD) => Ok(Person {
                provider: "ldap".into(),
                id: "7d0f".into(),
                name: name.into(),
                groups: vec!["cn=dev".into()],
            }),
            _ => Err(LoginRefusal::Refused("wrong_password")),
        };
        Box::pin(std::future::ready(found))
    }
}

async fn with_directory(site: &Site) -> Arc<Directory> {
    let directory = Arc::new(Directory::default());
    let trust = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}}"#;
    site.accounts.identities().create(&site.place.cx(), NewIdentity::role("dev", trust)).await.unwrap();
    site.accounts.set_login_source(directory.clone());
    site.accounts.set_role_mappings(vec!["ldap: cn=dev -> dev".parse().unwrap()]);
    directory
}

#[tokio::test]
async fn a_person_of_a_directory_is_in_a_session_that_soon_asks_again() {
    let site = Site::new().await;
    let directory = with_directory(&site).await;

    let cyd = site.log_in("cyd", PASSWORD).await.unwrap();
    let again = site.log_in("cyd", PASSWORD).await.unwrap();

    assert_eq!(&*cyd.arn, "arn:aws:sts::000000000000:assumed-role/dev/cyd+7d0f");
    assert_eq!(cyd.role_session.unwrap().expires_at(), site.place.now().plus(GROUPS_HOLD));
    assert_eq!(&*again.arn, &*cyd.arn);
    let issued = site.accounts.token(&again, Scopes::parse(["repository:a:pull,push"]), site.place.now());
    assert_eq!(issued.expires_in_seconds, GROUPS_HOLD.as_secs(), "no longer than the session");
    assert_eq!(directory.asked.load(Relaxed), 1);
}

#[tokio::test]
async fn who_has_a_password_here_is_not_looked_for_elsewhere() {
    let site = Site::new().await;
    let directory = with_directory(&site).await;
    site.password("a password of our own", false).await;

    assert_eq!(site.log_in("ann", PASSWORD).await.unwrap_err(), WRONG);
    assert_eq!(directory.asked.load(Relaxed), 0);
}

#[tokio::test]
async fn beyond_the_limit_the_directory_is_not_asked() {
    let site = Site::new().await;
    let directory = with_directory(&site).await;

    for _ in 0..100 {
        assert!(site.log_in_from("cyd", "wrong", address(1)).await.is_err());
    }

    assert_eq!(directory.asked.load(Relaxed), 10);
    assert!(site.log_in_from("cyd", PASSWORD, address(2)).await.is_ok());
}

#[tokio::test]
async fn a_directory_that_is_down_refuses_new_logins_and_leaves_tokens_alone() {
    let site = Site::new().await;
    let directory = with_directory(&site).await;
    let cyd = site.log_in("cyd", PASSWORD).await.unwrap();
    let issued = site.accounts.token(&cyd, Scopes::parse(["repository:a:pull"]), site.place.now());
    let (_, token) = site.token(None).await;
    directory.is_down.store(true, Relaxed);
    site.place.world.pass(61);

    let refused = site.log_in("cyd", PASSWORD).await.unwrap_err();

    assert_eq!((refused, refused.fault().kind), (AuthenticationProblem::DirectoryUnavailable, FaultKind::Unavailable));
    let bearer = format!("Bearer {}", issued.token);
    assert!(site.accounts.authenticate(Some(&bearer), None, site.place.now()).is_ok());
    assert!(site.log_in("ann", &token).await.is_ok());
    for _ in 0..30 {
        assert_eq!(site.log_in("cyd", PASSWORD).await.unwrap_err(), AuthenticationProblem::DirectoryUnavailable);
    }
}

impl Site {
    /// Makes a token for somebody who has just logged in with the password that the directory knows.
    async fn token_of_person(&self, name: &str, policy: Option<&str>) -> (String, String) {
        let principal = self.log_in(name, PASSWORD).await.unwrap();
        let person = self.accounts.vouched_person(&principal).expect("the directory has just vouched for him");
        let new = NewPersonalToken {
            owner: self.accounts.owner_of_tokens(&person),
            name: "laptop".into(),
            lifetime: Duration::from_secs(3600),
            lifetime_max: self.accounts.person_token_lifetime_max(),
            policy: policy.map(Into::into),
        };
        let made = self.accounts.identities().create_personal_token(&self.place.cx(), new).await.unwrap();
        (made.0.id, made.1.reveal().clone())
    }
}

/// A site with a directory, whose people of `cn=dev` may do everything with repositories.
async fn with_people() -> (Site, Arc<Directory>) {
    let site = Site::new().await;
    let directory = with_directory(&site).await;
    let cx = site.place.cx();
    site.accounts.identities().put_inline_policy(&cx, IdentityKind::Role, "dev", "own", ALL).await.unwrap();
    (site, directory)
}

#[tokio::test]
async fn a_token_of_somebody_from_outside_stands_for_him_while_the_directory_is_down() {
    let (site, directory) = with_people().await;
    let (id, token) = site.token_of_person("cyd", None).await;
    directory.is_down.store(true, Relaxed);
    site.place.world.pass(1_000);

    let cyd = site.log_in("Cyd", &token).await.unwrap();
    let issued = site.accounts.token(&cyd, Scopes::parse(["repository:a:pull"]), site.place.now());
    let bearer = site.accounts.authenticate(Some(&format!("Bearer {}", issued.token)), None, site.place.now());

    assert_eq!(&*cyd.arn, "arn:aws:sts::000000000000:assumed-role/dev/cyd+7d0f");
    assert!(site.may(&cyd, action::ECR_PUT_IMAGE, "a"));
    assert_eq!([&*cyd.access_key_id, &*bearer.unwrap().access_key_id], [id.as_str(); 2]);
    assert!(site.accounts.vouched_person(&cyd).is_none() && site.accounts.is_temporary(&cyd), "it begets no other");
    assert_eq!(site.log_in("ann", &token).await.unwrap_err(), WRONG);
}

#[tokio::test]
async fn a_token_of_somebody_from_outside_and_what_came_of_it_end_with_its_time_its_role_and_its_row() {
    for end in ["revoked", "over", "no role", "no mapping", "sessions ended"] {
        let (site, _) = with_people().await;
        let (id, token) = site.token_of_person("cyd", None).await;
        let cyd = site.log_in("cyd", &token).await.unwrap();
        let issued = site.accounts.token(&cyd, Scopes::parse(["repository:a:pull"]), site.place.now());
        let (identities, cx) = (site.accounts.identities(), site.place.cx());
        match end {
            "revoked" => {
                let gone = identities.revoke_personal_token(&cx, crate::TokenOwner::Anybody, &id).await.unwrap();
                assert_eq!((gone.user.as_str(), gone.provider.as_deref()), ("cyd", Some("ldap")));
            }
            "over" => site.place.world.pass(3600),
            "no role" => {
                identities.delete_inline_policy(&cx, IdentityKind::Role, "dev", "own").await.unwrap();
                identities.delete(&cx, IdentityKind::Role, "dev").await.unwrap();
            }
            "no mapping" => site.accounts.set_role_mappings(vec![]),
            _ => {
                site.place.world.pass(1);
                identities.revoke_sessions(&site.place.cx(), "dev", site.place.now()).await.map(drop).unwrap();
            }
        }

        assert_eq!(site.log_in("cyd", &token).await.unwrap_err(), WRONG, "{end}");
        let bearer = format!("Bearer {}", issued.token);
        let bearer = site.accounts.authenticate(Some(&bearer), None, site.place.now());
        // It has minutes to live, and the mappings are looked at with a login only.
        assert_eq!(bearer.is_ok(), end == "no mapping", "{end}");
    }
}

#[tokio::test]
async fn somebody_from_outside_sees_to_his_own_tokens_unless_a_policy_denies_it() {
    let (site, _) = with_people().await;
    let (id, token) = site.token_of_person("cyd", Some(PULL)).await;
    let cyd = site.log_in("cyd", PASSWORD).await.unwrap();
    let own = |action| Accounts::access_to_own_tokens(action, &cyd.arn);
    let other = Accounts::access_to_own_tokens(action::GANTRY_REVOKE_TOKEN, "session/ann+0000");
    let owner = site.accounts.owner_of_tokens(&site.accounts.vouched_person(&cyd).unwrap());
    let listed = site.accounts.identities().list_personal_tokens(site.place.cx().account, owner).await.unwrap();
    let narrowed = site.log_in("cyd", &token).await.unwrap();

    assert_eq!(listed.iter().map(|token| token.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    assert!(site.accounts.may(&cyd, &own(action::GANTRY_CREATE_TOKEN)) && !site.accounts.may(&cyd, &other));
    assert!(site.may(&narrowed, action::ECR_BATCH_GET_IMAGE, "a"));
    assert!(
        !site.may(&narrowed, action::ECR_PUT_IMAGE, "a")
            && !site.accounts.may(&narrowed, &own(action::GANTRY_LIST_TOKENS))
    );
    assert_eq!(site.accounts.person_token_lifetime_max(), Period::hours(90 * 24));
    let (identities, cx) = (site.accounts.identities(), site.place.cx());
    let deny =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "gantry:*Token*", "Resource": "*"}}"#;
    identities.put_inline_policy(&cx, IdentityKind::Role, "dev", "no-tokens", deny).await.unwrap();
    site.accounts.freshen().await.unwrap();
    assert!(!site.accounts.may(&cyd, &own(action::GANTRY_CREATE_TOKEN)));
}

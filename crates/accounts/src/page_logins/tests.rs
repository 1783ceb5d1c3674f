//! Logins at a provider that tells the truth, and at one that lies.

mod issuer;

use super::*;
use crate::{
    NewIdentity,
    accounts::tests::{Place, basic},
};
use gantry_metadata::{Query, query};
use gantry_outbound::{Settings, SystemResolver};
use issuer::{CLIENT, TestIssuer};
use serde_json::{Value, json};

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}"#;

/// A site with a role `developer` for the group `dev`, and a provider.
struct Given {
    place: Place,
    issuer: TestIssuer,
    accounts: Accounts,
    logins: Logins,
}

/// A browser that has begun a login.
struct Begun {
    cookie: String,
    state: String,
    nonce: String,
}

impl Given {
    async fn new() -> Given {
        let (place, issuer) = (Place::new(), TestIssuer::start().await);
        let accounts = place.open().await;
        accounts.identities().create(&place.cx(), NewIdentity::role("developer", TRUST)).await.unwrap();
        accounts.freshen().await.unwrap();
        let oidc = OidcLoginSettings {
            issuer: Some(issuer.url.clone()),
            client_id: Some(CLIENT.into()),
            client_secret: Some(Secret::new("a secret/&".into())),
            roles: vec!["dev -> developer".into()],
            ..OidcLoginSettings::default()
        };
        let public_url = Some("https://registry.example.com".into());
        let settings = LoginSettings { public_url, oidc, ..LoginSettings::default() };
        accounts.set_role_mappings(settings.role_mappings());
        let outbound = Settings { allow: vec!["127.0.0.1".parse().unwrap()], ..Settings::default() };
        let env = place.world.env();
        let client = Client::new(outbound, SystemResolver, env.clone());
        let providers = Arc::new(Providers::new(client.clone()));
        let logins = Logins::open(&settings, accounts.clone(), client, providers, place.metadata.clone(), env).unwrap();
        Given { place, issuer, accounts, logins }
    }

    async fn begin(&self) -> Begun {
        let begun = self.logins.begin("/ui/device", self.place.now()).await.unwrap();
        let parameter = |name: &str| {
            let pairs = begun.url.split_once('?').unwrap().1.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_string()).next().unwrap()
        };
        Begun { state: parameter("state"), nonce: parameter("nonce"), cookie: begun.cookie.clone() }
    }

    /// What comes of an answer with `state`, in the browser with `cookie`.
    async fn finish(&self, cookie: Option<&str>, state: &str) -> Result<FinishedLogin, (FaultKind, String)> {
        let callback = Callback::read([("code", "c0de"), ("state", state), ("iss", &self.issuer.url)]).unwrap();
        let finished = self.logins.finish(cookie, &callback, &self.place.cx()).await;
        finished.map_err(|fault| (fault.kind, fault.message.to_string()))
    }

    /// What comes of a login for which the provider gives a token with changes to its claims.
    async fn log_in(&self, changes: Value) -> Result<FinishedLogin, (FaultKind, String)> {
        let begun = self.begin().await;
        self.issuer.gives(self.issuer.token(&begun.nonce, self.place.now(), changes));
        self.finish(Some(&begun.cookie), &begun.state).await
    }

    async fn is_logged_in(&self, session: &PageSession) -> bool {
        self.logins.session(session.ticket().reveal(), &self.place.cx()).await.unwrap().is_some()
    }
}

static SESSIONS: Query = query("SELECT hash FROM page_session");

#[tokio::test]
async fn a_person_is_in_a_session_of_the_role_of_his_group() {
    let given = Given::new().await;

    let finished = given.log_in(json!({})).await.unwrap();

    let session = finished.session;
    assert_eq!((session.name(), session.subject(), finished.return_to.as_str()), ("ann", "00u1", "/ui/device"));
    let arn = "arn:aws:sts::000000000000:assumed-role/developer/ann-";
    assert!(session.principal().arn.starts_with(arn), "{}", session.principal().arn);
    assert!(given.is_logged_in(&session).await);
    assert_eq!(given.logins.totals(), LoginTotals { completed: 1, ..LoginTotals::default() });
}

#[tokio::test]
async fn the_code_is_changed_with_the_verifier_and_the_secret() {
    let given = Given::new().await;

    given.log_in(json!({})).await.unwrap();

    let asked = given.issuer.asked().remove(0).to_ascii_lowercase();
    // gantry:a%20secret%2F%26 in base64 (RFC 6749 section 2.3.1).
    assert!(asked.starts_with("authorization: basic z2fudhj5omelmjbzzwnyzxqlmkylmjy="), "{asked}");
    assert!(asked.contains(
        "grant_type=authorization_code&code=c0de&redirect_uri=https%3a%2f%2fregistry.example.com%2fui%2fcallback"
    ));
    assert!(asked.contains("&code_verifier="), "{asked}");
}

/// Threats 10 and 11: tokens of another login, program, issuer or key.
#[tokio::test]
async fn a_provider_that_lies_lets_nobody_in() {
    let given = Given::new().await;
    let other = TestIssuer::start().await;

    for (changes, said) in [
        (json!({"nonce": "other"}), "another login"),
        (json!({"nonce": null}), "another login"),
        (json!({"aud": "other"}), "audience"),
        (json!({"aud": [CLIENT, "other"]}), "audience"),
        (json!({"azp": "other"}), "azp"),
        (json!({"iss": other.url}), "issuer"),
        (json!({"iss": format!("{}/", given.issuer.url)}), "issuer"),
        (json!({"sub": ""}), "sub"),
        (json!({"exp": given.place.now().seconds() - 61}), "ends before"),
        (json!({"groups": null, "_claim_names": {"groups": "src1"}}), "more groups"),
        (json!({"groups": ["Dev", "ops"]}), "none of your groups"),
        (json!({"groups": null}), "none of your groups"),
    ] {
        let refused = given.log_in(changes.clone()).await.unwrap_err();
        assert!(refused.0 == FaultKind::AccessDenied && refused.1.contains(said), "{changes}: {refused:?}");
    }
    let begun = given.begin().await;
    given.issuer.gives(other.token(&begun.nonce, given.place.now(), json!({"iss": given.issuer.url})));
    let forged = given.finish(Some(&begun.cookie), &begun.state).await.unwrap_err();
    assert!(forged.1.contains("signature"), "{forged:?}");
    assert!(given.place.metadata.read(|rows| rows.all(&SESSIONS, vec![])).await.unwrap().is_empty());
}

/// Threat 38: a login that somebody else began.
#[tokio::test]
async fn an_answer_is_worth_nothing_in_another_browser() {
    let given = Given::new().await;
    let (mine, other) = (given.begin().await, given.begin().await);
    given.issuer.gives(given.issuer.token(&mine.nonce, given.place.now(), json!({})));
    let mut changed = mine.cookie.clone();
    changed.replace_range(20..21, if &changed[20..21] == "A" { "B" } else { "A" });

    for (cookie, state) in [
        (None, &mine.state),
        (Some(&other.cookie), &mine.state),
        (Some(&changed), &mine.state),
        (Some(&mine.cookie), &other.state),
    ] {
        let refused = given.finish(cookie.map(String::as_str), state).await.unwrap_err();
        assert_eq!(refused.0, FaultKind::AccessDenied);
    }

    assert!(given.issuer.asked().is_empty(), "the provider was asked for a code of another browser");
    assert!(given.finish(Some(&mine.cookie), &mine.state).await.is_ok());
}

#[tokio::test]
async fn a_code_that_was_used_is_worth_nothing() {
    let given = Given::new().await;
    let begun = given.begin().await;
    given.issuer.gives(given.issuer.token(&begun.nonce, given.place.now(), json!({})));
    given.finish(Some(&begun.cookie), &begun.state).await.unwrap();

    let replayed = given.finish(Some(&begun.cookie), &begun.state).await.unwrap_err();

    assert!(replayed.0 == FaultKind::AccessDenied && replayed.1.contains("invalid_grant"), "{replayed:?}");
}

/// Threat 22: who is logged in stays so.
#[tokio::test]
async fn a_provider_that_is_down_refuses_logins_and_leaves_sessions_alone() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;
    let begun = given.begin().await;
    given.issuer.goes_down();

    let refused = given.finish(Some(&begun.cookie), &begun.state).await.unwrap_err();

    assert_eq!(refused.0, FaultKind::Unavailable);
    assert!(given.is_logged_in(&session).await);
    assert!(given.logins.credentials(&session, &given.place.cx()).await.is_ok());
    let fresh = Given::new().await;
    fresh.issuer.goes_down();
    let unavailable = fresh.logins.begin("", fresh.place.now()).await.unwrap_err();
    assert_eq!(unavailable.kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn a_session_ends_unused_by_its_time_or_by_its_person() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;
    let other = given.log_in(json!({})).await.unwrap().session;
    assert_ne!(session.ticket().reveal(), other.ticket().reveal());

    given.logins.log_out(&other, &given.place.cx()).await.unwrap();

    assert!(!given.is_logged_in(&other).await);
    for _ in 0..3 {
        given.place.world.pass(7 * 3600);
        assert!(given.is_logged_in(&session).await);
    }
    given.place.world.pass(3 * 3600);
    assert!(!given.is_logged_in(&session).await, "24 hours are over");
    let idle = given.log_in(json!({})).await.unwrap().session;
    given.place.world.pass(8 * 3600);
    assert!(!given.is_logged_in(&idle).await);
}

/// Threat 43: the database alone lets nobody in.
#[tokio::test]
async fn of_what_a_browser_carries_only_the_hash_is_kept() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;

    let rows = given.place.metadata.read(|rows| rows.all(&SESSIONS, vec![])).await.unwrap();

    let kept = rows[0].text(0).unwrap().to_string();
    assert_eq!(kept, session.ticket().hash());
    assert!(given.logins.session(&kept, &given.place.cx()).await.unwrap().is_none());
}

#[tokio::test]
async fn whose_role_is_gone_is_logged_in_no_more() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;

    given.accounts.identities().delete(&given.place.cx(), crate::IdentityKind::Role, "developer").await.unwrap();
    given.accounts.freshen().await.unwrap();

    assert!(!given.is_logged_in(&session).await);
    assert!(given.logins.credentials(&session, &given.place.cx()).await.is_err());
}

#[tokio::test]
async fn with_the_sessions_of_a_role_those_at_the_pages_are_revoked() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;
    given.place.world.pass(1);

    let (cx, now) = (given.place.cx(), given.place.now());
    given.accounts.identities().revoke_sessions(&cx, "developer", now).await.unwrap();
    given.accounts.freshen().await.unwrap();

    assert!(!given.is_logged_in(&session).await);
    assert!(given.logins.credentials(&session, &given.place.cx()).await.is_err());
    let fresh = given.log_in(json!({})).await.unwrap().session;
    assert!(given.is_logged_in(&fresh).await);
}

#[tokio::test]
async fn credentials_end_with_the_longest_session_of_the_role() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;

    let made = given.logins.credentials(&session, &given.place.cx()).await.unwrap();

    let header = basic(made.user, made.password.reveal());
    let come = |now| given.accounts.authenticate(Some(&header), None, now);
    assert_eq!(come(given.place.now()).unwrap().arn, session.principal().arn);
    assert_eq!(made.expires_at.since(given.place.now()).as_secs(), 3600);
    assert!(come(made.expires_at).is_err());
}

#[tokio::test]
async fn a_terminal_that_is_let_in_gets_credentials_once() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;
    let asked = given.logins.ask_for_device("gantry\r\n on build-7", &given.place.cx()).await.unwrap();
    let poll = || async {
        given.place.world.pass(5);
        given.logins.poll_device(asked.device_code.reveal(), &given.place.cx()).await.unwrap()
    };

    assert!(matches!(poll().await, DevicePoll::Waiting));
    let found = given.logins.find_device(&asked.user_code.to_lowercase(), &given.place.cx()).await.unwrap();
    assert_eq!(found.program, "gantry on build-7");
    given.logins.answer_device(&session, &asked.user_code, true, &given.place.cx()).await.unwrap();

    let DevicePoll::Approved(made) = poll().await else { panic!("it was let in") };
    assert_eq!(made.arn, session.principal().arn);
    assert!(matches!(poll().await, DevicePoll::Expired));
    assert_eq!(given.logins.totals().devices, 1);
    // Answered, it waits for nobody any more.
    assert!(given.logins.find_device(&asked.user_code, &given.place.cx()).await.is_err());
}

#[tokio::test]
async fn a_terminal_that_is_refused_is_told_so() {
    let given = Given::new().await;
    let session = given.log_in(json!({})).await.unwrap().session;
    let asked = given.logins.ask_for_device("gantry", &given.place.cx()).await.unwrap();

    given.logins.answer_device(&session, &asked.user_code, false, &given.place.cx()).await.unwrap();
    given.place.world.pass(5);

    let told = given.logins.poll_device(asked.device_code.reveal(), &given.place.cx()).await.unwrap();
    assert!(matches!(told, DevicePoll::Refused));
}

#[tokio::test]
async fn a_terminal_that_asks_too_soon_is_slowed_down() {
    let given = Given::new().await;
    let asked = given.logins.ask_for_device("gantry", &given.place.cx()).await.unwrap();
    let poll = |seconds: u64| {
        given.place.world.pass(seconds);
        let (cx, code) = (given.place.cx(), asked.device_code.reveal().clone());
        let logins = given.logins.clone();
        async move { logins.poll_device(&code, &cx).await.unwrap() }
    };

    assert!(matches!(poll(2).await, DevicePoll::SlowDown(10)));
    assert!(matches!(poll(9).await, DevicePoll::SlowDown(15)));
    assert!(matches!(poll(15).await, DevicePoll::Waiting));
    assert!(matches!(poll(600).await, DevicePoll::Expired));
}

#[tokio::test]
async fn after_five_wrong_codes_nobody_guesses_on_from_there() {
    let given = Given::new().await;
    let asked = given.logins.ask_for_device("gantry", &given.place.cx()).await.unwrap();
    let from = |last: u8| Cx { source: Some([10, 0, 0, last].into()), ..given.place.cx() };

    for typed in ["BBBB-BBBB", "CCCCCCCC", "nonsense", "", "DDDD-DDDD"] {
        let refused = given.logins.find_device(typed, &from(1)).await.unwrap_err();
        assert_eq!(refused.kind, FaultKind::InvalidParameter, "{typed}");
    }

    let refused = given.logins.find_device(&asked.user_code, &from(1)).await.unwrap_err();
    assert_eq!(refused.kind, FaultKind::TooManyRequests);
    assert!(given.logins.find_device(&asked.user_code, &from(2)).await.is_ok());
}

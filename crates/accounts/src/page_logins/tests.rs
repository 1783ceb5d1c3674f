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
        accounts.set_role_mappings(settings.oidc.role_mappings());
        let outbound = Settings { allow: vec!["127.0.0.1".parse().unwrap()], ..Settings::default() };
        let env = place.world.env();
        let client = Client::new(outbound, SystemResolver, env.clone());
        let providers = Arc::new(Providers::new(client.clone()));
        let logins =
            Logins::open(&settings, &[], accounts.clone(), client, providers, place.metadata.clone(), env).unwrap();
        Given { place, issuer, accounts, logins }
    }

    async fn begin(&self) -> Begun {
        let begun = self.logins.begin(None, "/ui/device", self.place.now()).await.unwrap();
        let parameter = |name: &str| {
            let pairs = begun.url.split_once('?').unwrap().1.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_string()).next().unwrap()
        };
        Begun { state: parameter("state"), nonce: parameter("nonce"), cookie: begun.cookie.clone() }
    }

    /// What comes of an answer with `state`, in the browser with `cookie`.
    async fn finish(&self, cookie: Option<&str>, state: &str) -> Result<FinishedLogin, (FaultKind, String)> {
        let callback = Callback::read([("code", "c0de"), ("state", state), ("iss", &self.issuer.url)]).unwrap();
        let finished = self.logins.finish("/ui/callback", cookie, &callback, &self.place.cx()).await;
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
    let unavailable = fresh.logins.begin(None, "", fresh.place.now()).await.unwrap_err();
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

#[tokio::test]
async fn who_is_logged_in_is_listed_and_ended_with_what_was_made_of_it() {
    let given = Given::new().await;
    let cx = || given.place.cx();
    let ann = given.log_in(json!({"sub": "ann", "preferred_username": "Ann"})).await.unwrap().session;
    let again = given.log_in(json!({"sub": "ann"})).await.unwrap().session;
    let bob = given.log_in(json!({"sub": "bob"})).await.unwrap().session;
    let made = given.logins.credentials(&ann, &cx()).await.unwrap();
    let docker = basic(made.user, made.password.reveal());
    let is_good = || given.accounts.authenticate(Some(&docker), None, given.place.now()).is_ok();
    assert!(is_good());

    let listed = given.logins.list_sessions(&cx(), "", 100).await.unwrap().items;
    let first = listed.iter().find(|session| session.person.as_ref().unwrap().name == "Ann").unwrap();
    given.logins.end_session(&cx(), &first.id).await.unwrap();
    given.accounts.freshen().await.unwrap();

    assert_eq!(listed.len(), 3);
    assert!(!given.is_logged_in(&ann).await && !given.is_logged_in(&again).await && !is_good());
    assert!(given.is_logged_in(&bob).await);
    assert_eq!(given.logins.end_session(&cx(), &first.id).await.unwrap_err().kind, FaultKind::NoSuchEntity);
    given.place.world.pass(1);
    let back = given.log_in(json!({"sub": "ann"})).await.unwrap().session;
    assert!(given.is_logged_in(&back).await);
}

#[tokio::test]
async fn a_page_of_sessions_leads_to_the_next_and_shows_no_one_who_went_away() {
    let given = Given::new().await;
    for subject in ["ann", "bob", "cyd"] {
        given.log_in(json!({"sub": subject})).await.unwrap();
    }

    let first = given.logins.list_sessions(&given.place.cx(), "", 2).await.unwrap();
    let rest = given.logins.list_sessions(&given.place.cx(), &first.items[1].id, 2).await.unwrap();
    given.place.world.pass(8 * 3600);
    let later = given.logins.list_sessions(&given.place.cx(), "", 2).await.unwrap();

    assert_eq!((first.items.len(), first.has_more, rest.items.len(), rest.has_more), (2, true, 1, false));
    assert!(later.items.is_empty());
}

#[tokio::test]
async fn a_terminal_that_waits_is_listed_and_ended_too() {
    let given = Given::new().await;
    let asked = given.logins.ask_for_device("gantry", &given.place.cx()).await.unwrap();

    let listed = given.logins.list_sessions(&given.place.cx(), "", 100).await.unwrap().items;
    given.logins.end_session(&given.place.cx(), &listed[0].id).await.unwrap();

    assert_eq!((listed[0].kind, listed[0].program.as_deref()), (OpenSessionKind::Terminal, Some("gantry")));
    assert!(given.logins.find_device(&asked.user_code, &given.place.cx()).await.is_err());
}

#[tokio::test]
async fn at_each_of_two_providers_people_log_in_and_none_passes_for_the_other() {
    let given = Given::new().await;
    let second = TestIssuer::start().await;
    let oidc = |name: &str, url: &str| OidcLoginSettings {
        name: name.into(),
        issuer: Some(url.into()),
        client_id: Some(CLIENT.into()),
        roles: vec!["dev -> developer".into()],
        ..OidcLoginSettings::default()
    };
    let settings = LoginSettings { oidc: oidc("first", &given.issuer.url), ..given.logins.settings().clone() };
    let further = [oidc("second", &second.url)];
    let mappings = [&settings.oidc, &further[0]].into_iter().flat_map(OidcLoginSettings::role_mappings);
    given.accounts.set_role_mappings(mappings.collect());
    let outbound = Settings { allow: vec!["127.0.0.1".parse().unwrap()], ..Settings::default() };
    let env = given.place.world.env();
    let client = Client::new(outbound, SystemResolver, env.clone());
    let open = |further: &[OidcLoginSettings]| {
        let providers = Arc::new(Providers::new(client.clone()));
        let (accounts, metadata) = (given.accounts.clone(), given.place.metadata.clone());
        Logins::open(&settings, further, accounts, client.clone(), providers, metadata, env.clone())
    };
    let logins = open(&further).unwrap();

    let begun = logins.begin(Some("second"), "", given.place.now()).await.unwrap();
    let parameter = |name: &str| {
        let (_, query) = begun.url.split_once('?').unwrap();
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
            .to_string()
    };
    second.gives(second.token(&parameter("nonce"), given.place.now(), json!({"sub": "ann"})));
    let state = parameter("state");
    let callback = Callback::read([("code", "c0de"), ("state", state.as_str()), ("iss", &second.url)]).unwrap();
    let finish = |path: &'static str| {
        let (logins, callback, cookie, cx) = (logins.clone(), &callback, &begun.cookie, given.place.cx());
        async move { logins.finish(path, Some(cookie), callback, &cx).await }
    };
    let at_the_first = finish("/ui/callback").await.unwrap_err();
    let finished = finish("/ui/callback/second").await.unwrap();

    assert_eq!(logins.provider_names().collect::<Vec<_>>(), ["first", "second"]);
    assert!(begun.url.starts_with(&second.url) && begun.url.contains("%2Fui%2Fcallback%2Fsecond"), "{}", begun.url);
    assert_eq!(at_the_first.kind, FaultKind::AccessDenied);
    assert_eq!((finished.session.issuer(), finished.session.subject()), (second.url.as_str(), "ann"));
    let same = open(&[oidc("first", &second.url)]).map(drop).unwrap_err();
    assert!(same.message.contains("another provider"), "{same}");
}

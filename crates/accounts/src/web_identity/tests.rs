//! Who becomes a role by a token, on a site that was given the keys of its providers.

use super::*;
use crate::{
    AuthenticationProblem, IdentityKind, NewIdentity, NewOidcProvider, OidcProviderOptions, Providers,
    accounts::tests::{Place, address, basic},
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_access::Scopes;
use gantry_outbound::{Client, SystemResolver};
use serde_json::{Value, json};

const HOST: &str = "ci.example.com/sub";
const PROVIDER: &str = "arn:aws:iam::000000000000:oidc-provider/ci.example.com/sub";
const ROLE: &str = "arn:aws:iam::000000000000:role/deploy";
const MAIN: &str = "repo:team/app:ref:refs/heads/main";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key_set(pair: &Ed25519KeyPair) -> String {
    let x = b64(pair.public_key().as_ref());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x}]}).to_string()
}

fn trust(subject: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {format!("{HOST}:aud"): "gantry", format!("{HOST}:sub"): subject}},
    }]})
    .to_string()
}

struct Site {
    place: Place,
    accounts: Accounts,
    pair: Ed25519KeyPair,
}

impl Site {
    /// A site with a provider whose keys were uploaded, and a role that the branch `main` may become.
    async fn new() -> Site {
        Site::with(|keys| OidcProviderOptions { key_set: Some(keys), ..OidcProviderOptions::default() }).await
    }

    async fn with(options: impl FnOnce(String) -> OidcProviderOptions) -> Site {
        let place = Place::new();
        let client = Client::new(gantry_outbound::Settings::default(), SystemResolver, gantry_env::Env::real());
        let accounts = place.open().await.with_providers(Arc::new(Providers::new(client)));
        let pair = Ed25519KeyPair::generate().unwrap();
        let (identities, cx) = (accounts.identities(), place.cx());
        let url = format!("https://{HOST}");
        let new = NewOidcProvider { url, client_ids: vec!["gantry".into()], ..NewOidcProvider::default() };
        identities.create_oidc_provider(&cx, new).await.unwrap();
        identities.set_oidc_options(&cx, PROVIDER, options(key_set(&pair))).await.unwrap();
        let site = Site { place, accounts, pair };
        site.role("deploy", &trust(MAIN)).await;
        site
    }

    async fn role(&self, name: &str, trust: &str) {
        self.accounts.identities().create(&self.place.cx(), NewIdentity::role(name, trust)).await.unwrap();
        self.accounts.freshen().await.unwrap();
    }

    /// A token issued now for ten minutes, with `changes` to its claims.
    fn token(&self, changes: Value) -> String {
        let now = self.place.now().seconds();
        let mut claims = json!({
            "iss": format!("https://{HOST}"), "aud": "gantry", "sub": MAIN, "iat": now, "exp": now + 600, "jti": "job-7",
            "repository_id": "74",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "one"});
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{signed}.{}", b64(self.pair.sign(signed.as_bytes())))
    }

    fn arrival(&self) -> Arrival {
        Arrival { source: address(7), is_secure: true, at: self.place.now(), user_agent: None, account: None }
    }

    async fn assume(&self, role: &str, token: &str) -> Result<AssumedByToken, Fault> {
        let asked = AssumeRoleWithWebIdentity {
            role: role.into(),
            session: Some("build-7".into()),
            token: Secret::new(token.into()),
            ..AssumeRoleWithWebIdentity::default()
        };
        let cx = Cx { source: address(7), now: self.place.now(), ..self.place.cx() };
        self.accounts.assume_role_with_web_identity(&cx, self.arrival(), asked).await
    }

    async fn log_in(&self, user: &str, token: &str) -> Result<Principal, Fault> {
        let sync = self.accounts.authenticate(Some(&basic(user, token)), address(7), self.place.now());
        assert_eq!(sync.unwrap_err(), AuthenticationProblem::Unsettled);
        Ok(self.accounts.authenticate_slowly(&basic(user, token), self.arrival()).await?)
    }
}

#[tokio::test]
async fn a_token_becomes_the_role_that_trusts_it() {
    let site = Site::new().await;

    let assumed = site.assume(ROLE, &site.token(json!({}))).await.unwrap();

    assert_eq!(assumed.assumed.arn, "arn:aws:sts::000000000000:assumed-role/deploy/build-7");
    assert_eq!((&*assumed.subject, &*assumed.audience, &*assumed.provider), (MAIN, "gantry", PROVIDER));
    assert_eq!(assumed.source_identity.as_deref(), Some(MAIN));
    assert_eq!(&*assumed.actor, format!("{PROVIDER}#{MAIN}"));
    assert_eq!(assumed.assumed.credentials.expires_at, site.place.now().plus(Duration::from_secs(3600)));
}

#[tokio::test]
async fn a_role_that_does_not_trust_and_one_that_does_not_exist_answer_alike() {
    let site = Site::new().await;
    let other_branch = site.token(json!({"sub": "repo:team/app:ref:refs/heads/dev"}));

    let distrusted = site.assume(ROLE, &other_branch).await.unwrap_err();
    let absent = site.assume("arn:aws:iam::000000000000:role/none", &other_branch).await.unwrap_err();

    assert_eq!((distrusted.kind, absent.kind), (FaultKind::AccessDenied, FaultKind::AccessDenied));
    assert_eq!(distrusted.message, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    assert_eq!(absent.message, distrusted.message);
    assert!(distrusted.actor.unwrap().ends_with("#repo:team/app:ref:refs/heads/dev"));
}

/// Threats 8, 10 and 11: tokens of others, for others, of another time, or of nobody.
#[tokio::test]
async fn a_token_that_is_not_taken_is_refused_in_the_words_of_sts() {
    let site = Site::new().await;
    let now = site.place.now().seconds();
    let whole = site.token(json!({}));
    let forged = format!("{}.{}", whole.rsplit_once('.').unwrap().0, b64([0; 64]));

    for (token, kind, words) in [
        (
            site.token(json!({"iss": "https://evil.example.com"})),
            FaultKind::IdentityTokenInvalid,
            "No OpenIDConnect provider found in your account for https://evil.example.com",
        ),
        (
            site.token(json!({"iss": format!("https://{HOST}/")})),
            FaultKind::IdentityTokenInvalid,
            "No OpenIDConnect provider found",
        ),
        (site.token(json!({"aud": "another"})), FaultKind::IdentityTokenInvalid, "Incorrect token audience"),
        (site.token(json!({"iat": now - 900, "exp": now - 120})), FaultKind::IdentityTokenExpired, "expired"),
        (site.token(json!({"iat": now + 600, "exp": now + 900})), FaultKind::IdentityTokenInvalid, "not valid yet"),
        (forged, FaultKind::IdentityTokenInvalid, "signature"),
        ("not.a.token".into(), FaultKind::IdentityTokenInvalid, "cannot be read"),
    ] {
        let refused = site.assume(ROLE, &token).await.unwrap_err();
        assert_eq!(refused.kind, kind, "{refused}");
        assert!(refused.message.contains(words), "{refused}");
        assert!(refused.actor.is_none(), "nobody is believed to be who he says");
    }
}

#[tokio::test]
async fn who_guesses_tokens_has_to_wait_and_the_right_one_is_let_in_nevertheless() {
    let site = Site::new().await;
    let wrong = site.token(json!({"aud": "another"}));

    let mut kinds = Vec::new();
    for _ in 0..31 {
        kinds.push(site.assume(ROLE, &wrong).await.unwrap_err().kind);
    }

    assert_eq!(kinds.last(), Some(&FaultKind::TooManyRequests));
    assert!(site.assume(ROLE, &site.token(json!({}))).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_is_not_there_refuses_new_logins_and_leaves_sessions_alone() {
    let site = Site::new().await;
    let before = site.log_in("oidc", &site.token(json!({}))).await.unwrap();
    let token = site.accounts.token(&before, Scopes::parse(["repository:team/app:pull"]), site.place.now());
    // From now on it must be asked, and may not be: it leads nowhere.
    let (identities, options) = (site.accounts.identities(), OidcProviderOptions::default());
    identities.set_oidc_options(&site.place.cx(), PROVIDER, options).await.unwrap();
    site.accounts.freshen().await.unwrap();

    let by_sts = site.assume(ROLE, &site.token(json!({}))).await.unwrap_err();
    let by_login = site.log_in("oidc", &site.token(json!({}))).await.unwrap_err();

    assert_eq!((by_sts.kind, by_login.kind), (FaultKind::IdentityTokenInvalid, FaultKind::Unavailable));
    assert!(by_sts.message.starts_with("Couldn't retrieve verification key from your identity provider"), "{by_sts}");
    let bearer = format!("Bearer {}", token.token);
    assert!(site.accounts.authenticate(Some(&bearer), None, site.place.now()).is_ok());
}

/// Threat 8 of replay: a token that is good for once.
#[tokio::test]
async fn a_token_of_a_provider_that_is_single_use_is_taken_once() {
    let site = Site::with(|keys| OidcProviderOptions {
        key_set: Some(keys),
        is_single_use: true,
        ..OidcProviderOptions::default()
    })
    .await;
    let token = site.token(json!({}));
    let same_job = site.token(json!({"exp": site.place.now().seconds() + 500}));

    assert!(site.assume(ROLE, &token).await.is_ok());

    for shown_again in [&token, &same_job] {
        let refused = site.assume(ROLE, shown_again).await.unwrap_err();
        assert!(refused.message.contains("was used before"), "{refused}");
    }
    assert!(site.assume(ROLE, &site.token(json!({"jti": "job-8"}))).await.is_ok());
    let as_password = site.log_in("oidc", &site.token(json!({"jti": "job-9"}))).await.unwrap_err();
    assert!(as_password.message.contains("are no passwords"), "{as_password}");
}

#[tokio::test]
async fn a_job_shows_its_token_as_often_as_it_likes_otherwise() {
    let site = Site::new().await;
    let token = site.token(json!({}));

    assert!(site.assume(ROLE, &token).await.is_ok() && site.assume(ROLE, &token).await.is_ok());
}

#[tokio::test]
async fn as_a_password_it_is_the_one_role_that_takes_it_and_ends_with_it() {
    let site = Site::new().await;
    site.role("other", &trust("somebody else")).await;

    let principal = site.log_in("oidc", &site.token(json!({}))).await.unwrap();
    let issued = site.accounts.token(&principal, Scopes::parse(["repository:a:pull,push"]), site.place.now());

    assert!(principal.arn.starts_with("arn:aws:sts::000000000000:assumed-role/deploy/oidc-"), "{}", principal.arn);
    assert_eq!(issued.expires_in_seconds, 600, "no longer than the token, though pushes have 15 minutes");
    let named = site.log_in("oidc/Deploy", &site.token(json!({}))).await.unwrap();
    assert_eq!(named.arn, principal.arn);
    assert!(site.log_in("oidc/000000000000/deploy", &site.token(json!({}))).await.is_ok());
}

#[tokio::test]
async fn where_several_roles_take_a_token_the_login_must_name_one_and_hears_no_names() {
    let site = Site::new().await;
    site.role("second", &trust(MAIN)).await;

    let unclear = site.log_in("oidc", &site.token(json!({}))).await.unwrap_err();
    let clear = site.log_in("oidc/second", &site.token(json!({}))).await.unwrap();
    let absent = site.log_in("oidc/third", &site.token(json!({}))).await.unwrap_err();
    let elsewhere = site.log_in("oidc/111111111111/second", &site.token(json!({}))).await.unwrap_err();

    assert!(unclear.message.contains("oidc/ROLE") && !unclear.message.contains("second"), "{unclear}");
    assert!(clear.arn.contains("assumed-role/second/"));
    assert!(absent.message.starts_with("No role takes this identity token"), "{absent}");
    assert_eq!((absent.kind, elsewhere.kind), (FaultKind::Unauthenticated, FaultKind::Unauthenticated));
}

/// Threat 9: whatever was stolen is worth nothing once it is revoked, on other replicas too.
#[tokio::test]
async fn revoked_sessions_are_worth_nothing_on_any_replica_and_later_ones_are_not_concerned() {
    let site = Site::new().await;
    let replica = site.place.replica().await;
    let jwt = site.token(json!({}));
    let principal = site.log_in("oidc", &jwt).await.unwrap();
    let now = site.place.now();
    let bearer = format!("Bearer {}", site.accounts.token(&principal, Scopes::default(), now).token);
    let password = site.accounts.login_password(&principal, now).password;
    site.place.world.pass(2);
    let now = site.place.now();

    let revoked = site.accounts.identities().revoke_sessions(&site.place.cx(), "deploy", now).await.unwrap();
    site.accounts.freshen().await.unwrap();
    replica.look_for_changes().await.unwrap();

    assert_eq!((revoked.role.as_str(), revoked.before), (ROLE, now));
    for accounts in [&site.accounts, &replica] {
        let refused = accounts.authenticate(Some(&bearer), None, now).unwrap_err();
        assert_eq!(refused, AuthenticationProblem::TokenInvalid);
        let refused = accounts.authenticate(Some(&basic("AWS", password.reveal())), None, now).unwrap_err();
        assert_eq!(refused, AuthenticationProblem::TokenInvalid);
    }
    let stale = site.log_in("oidc", &jwt).await.unwrap_err();
    assert!(stale.message.contains("were revoked after"), "{stale}");
    assert!(site.assume(ROLE, &jwt).await.unwrap_err().message.contains("were revoked after"));
    site.place.world.pass(1);
    assert!(site.log_in("oidc", &site.token(json!({}))).await.is_ok());
}

#[tokio::test]
async fn an_earlier_revocation_does_not_undo_a_later_one_and_none_is_of_the_future() {
    let site = Site::new().await;
    let (identities, cx) = (site.accounts.identities(), site.place.cx());
    identities.revoke_sessions(&cx, "deploy", cx.now).await.unwrap();

    let earlier = identities.revoke_sessions(&cx, "deploy", cx.now.minus(Duration::from_secs(60))).await.unwrap();
    let future = identities.revoke_sessions(&cx, "deploy", cx.now.plus(Duration::from_secs(60))).await.unwrap_err();

    assert_eq!(earlier.before, cx.now);
    assert_eq!(future.kind, FaultKind::InvalidInput);
    assert_eq!(identities.revoke_sessions(&cx, "none", cx.now).await.unwrap_err().kind, FaultKind::NoSuchEntity);
}

#[tokio::test]
async fn tags_of_the_provider_are_carried_where_the_role_takes_them() {
    let site = Site::new().await;
    let tags = json!({"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}}});
    let refused = site.assume(ROLE, &site.token(tags.clone())).await.unwrap_err();
    let with_tags = trust(MAIN)
        .replace(r#""sts:AssumeRoleWithWebIdentity""#, r#"["sts:AssumeRoleWithWebIdentity","sts:TagSession"]"#);
    site.accounts.identities().set_trust(&site.place.cx(), "deploy", &with_tags).await.unwrap();
    site.accounts.freshen().await.unwrap();

    let principal = site.log_in("oidc", &site.token(tags)).await.unwrap();

    assert_eq!(refused.kind, FaultKind::AccessDenied);
    assert_eq!(principal.role_session.unwrap().tags, [("team".into(), "blue".into())]);
}

/// Threat 51: what a node is given for one repository is worth nothing at another, and writes nowhere.
#[tokio::test]
async fn registry_credentials_pull_from_one_repository() {
    use gantry_access::{Access, action};
    let site = Site::new().await;
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}}"#;
    let cx = site.place.cx();
    site.accounts.identities().put_inline_policy(&cx, IdentityKind::Role, "deploy", "all", policy).await.unwrap();
    site.accounts.freshen().await.unwrap();
    let principal = site.log_in("oidc", &site.token(json!({}))).await.unwrap();
    let (now, repository) = (site.place.now(), "team/app".parse().unwrap());

    let issued = site.accounts.registry_credentials(&principal, Some(&repository), 300, now).unwrap();
    let node = site.accounts.authenticate(Some(&basic("AWS", issued.password.reveal())), None, now).unwrap();

    let may = |action, name: &str| site.accounts.may(&node, &Access::on(action, &name.parse().unwrap()));
    assert!(may(action::ECR_BATCH_GET_IMAGE, "team/app") && may(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER, "team/app"));
    assert!(!may(action::ECR_BATCH_GET_IMAGE, "team/app2") && !may(action::ECR_PUT_IMAGE, "team/app"));
    assert_eq!(issued.expires_at, now.plus(Duration::from_secs(300)));
    assert!(issued.password.reveal().len() < 2000, "{}", issued.password.reveal().len());
    assert!(site.accounts.registry_credentials(&node, Some(&"team/b".parse().unwrap()), 300, now).is_err());
    let root = site.place.root(&site.accounts);
    assert!(site.accounts.registry_credentials(&root, Some(&repository), 300, now).is_err());
    let password = site.accounts.registry_credentials(&root, None, 300, now).unwrap().password;
    let by_password = site.accounts.authenticate(Some(&basic("AWS", password.reveal())), None, now).unwrap();
    let endless = site.accounts.registry_credentials(&by_password, None, 300, now).unwrap_err();
    assert_eq!(endless.kind, FaultKind::AccessDenied);
}

#[test]
fn a_login_names_a_role_its_account_or_neither() {
    let name = |user| LoginName::parse(user).map(|name| (name.account.map(|account| account.to_string()), name.role));

    assert_eq!(name("oidc"), Some((None, None)));
    assert_eq!(name("oidc/deploy"), Some((None, Some("deploy"))));
    assert_eq!(name("oidc/111111111111/deploy"), Some((Some("111111111111".into()), Some("deploy"))));
    for other in ["oidcx", "OIDC", "AWS", "", "robot/oidc"] {
        assert_eq!(name(other), None, "{other}");
    }
}

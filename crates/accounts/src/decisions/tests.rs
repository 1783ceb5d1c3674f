mod explained;
mod image_keys;

use super::*;
use crate::{
    AssumeRole, AuthenticationProblem, IdentityKind, NewAccessKey, NewIdentity, RobotRules,
    accounts::tests::{Place, basic},
};
use gantry_access::{Arrival, Scopes};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Locks, Reader, Tx, documents, repositories};
use gantry_words::{Cx, Region, Timestamp};
use std::{net::IpAddr, time::Duration};

const PULL: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "Login", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    {"Sid": "Pull", "Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
     "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/team/*"}]}"#;

/// Writes what stands at a repository, which is number 1.
struct Stand {
    kind: &'static str,
    body: String,
}

impl Act for Stand {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.stand";
    const LOCKS: Locks = Locks::Unlocked("it asks nothing");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        let stands_at_registry = [documents::REGISTRY_POLICY, documents::ACCOUNT_POLICY].contains(&self.kind);
        let repository = if stands_at_registry { 0 } else { 1 };
        let shelf = documents::Shelf {
            account: gantry_words::AccountId::DEFAULT,
            region: Region::default(),
            repository,
            kind: self.kind,
        };
        let now = tx.now();
        documents::put(tx, &shelf, "", &self.body, now, "test")
    }
}

/// Makes the repository `team/app`, which is number 1.
struct MakeRepository;

impl Act for MakeRepository {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.make_repository";
    const LOCKS: Locks = Locks::Unlocked("it asks nothing");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        let new = repositories::NewRepository {
            id: 1,
            account: gantry_words::AccountId::DEFAULT,
            region: &Region::default(),
            name: &"team/app".parse().unwrap(),
            created_at: tx.now(),
            created_by: "test",
            settings: "{}",
        };
        repositories::insert(tx, &new)
    }
}

/// A site with a repository `team/app`.
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) accounts: Accounts,
}

impl Site {
    pub(super) async fn new() -> Self {
        Site::of(Place::new()).await
    }

    async fn of(place: Place) -> Self {
        let accounts = place.open().await;
        place.metadata.perform(&place.cx(), MakeRepository).await.unwrap();
        Site { place, accounts }
    }

    pub(super) fn cx(&self) -> Cx {
        self.place.cx()
    }

    pub(super) async fn user(&self, name: &str, policy: Option<&str>) -> NewAccessKey {
        self.user_as(NewIdentity::user(name), policy).await
    }

    async fn user_as(&self, new: NewIdentity, policy: Option<&str>) -> NewAccessKey {
        let (identities, name) = (self.accounts.identities(), new.name.clone());
        identities.create(&self.cx(), new).await.unwrap();
        if let Some(text) = policy {
            identities.put_inline_policy(&self.cx(), IdentityKind::User, &name, "own", text).await.unwrap();
        }
        identities.create_access_key(&self.cx(), &name).await.unwrap()
    }

    async fn stand(&self, kind: &'static str, body: &str) {
        self.place.metadata.perform(&self.cx(), Stand { kind, body: body.into() }).await.unwrap();
    }

    /// Logs in after whatever has changed, as each request does.
    pub(super) async fn log_in(&self, key: &NewAccessKey) -> Result<Principal, AuthenticationProblem> {
        self.log_in_from(key, None).await
    }

    async fn log_in_from(
        &self,
        key: &NewAccessKey,
        source: Option<IpAddr>,
    ) -> Result<Principal, AuthenticationProblem> {
        self.accounts.freshen().await.unwrap();
        let principal =
            self.accounts.authenticate(Some(&basic(&key.key.id, key.secret.reveal())), source, self.place.now())?;
        Ok(principal.arrived(Arrival {
            source,
            is_secure: true,
            at: self.place.now(),
            user_agent: None,
            account: None,
        }))
    }

    fn bearer(&self, token: &str) -> Result<Principal, AuthenticationProblem> {
        self.accounts.authenticate(Some(&format!("Bearer {token}")), None, self.place.now())
    }

    pub(super) fn judge(&self, principal: &Principal, access: &Access) -> Result<(), String> {
        self.accounts.authorize(principal, std::slice::from_ref(access)).map(drop).map_err(|refusal| refusal.message())
    }

    fn may_pull(&self, principal: &Principal) -> bool {
        self.accounts.may(principal, &pull())
    }

    fn assume(&self, principal: &Principal, asked: AssumeRole) -> Result<Principal, Fault> {
        let assumed = self.accounts.assume_role(principal, asked, self.place.now())?;
        let session = self.accounts.open_session(&assumed.credentials.session_token).unwrap();
        Ok(self.accounts.session_principal(session, None, self.place.now()).unwrap())
    }

    async fn role(&self, name: &str, trust: &str, policy: Option<&str>) {
        let identities = self.accounts.identities();
        identities.create(&self.cx(), NewIdentity::role(name, trust)).await.unwrap();
        if let Some(text) = policy {
            identities.put_inline_policy(&self.cx(), IdentityKind::Role, name, "own", text).await.unwrap();
        }
        self.accounts.freshen().await.unwrap();
    }
}

fn on(action: gantry_access::Action) -> Access {
    Access::on(action, &"team/app".parse().unwrap())
}

fn pull() -> Access {
    on(action::ECR_BATCH_GET_IMAGE)
}

fn asking(role: &str) -> AssumeRole {
    AssumeRole { role: format!("arn:aws:iam::000000000000:role/{role}"), session: "s1".into(), ..AssumeRole::default() }
}

fn trusting(who: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{who}"}}, "Action": ["sts:AssumeRole", "sts:TagSession"]}}}}"#
    )
}

fn at_repository(who: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {who}, "Action": "ecr:BatchGetImage"}}}}"#
    )
}

#[tokio::test]
async fn a_user_may_do_what_its_policies_allow_and_hears_what_is_missing_of_the_rest() {
    let site = Site::new().await;
    let key = site.user("ci", Some(PULL)).await;

    let ci = site.log_in(&key).await.unwrap();

    assert_eq!((ci.kind, &*ci.arn), (PrincipalKind::User, "arn:aws:iam::000000000000:user/ci"));
    assert_eq!(site.judge(&ci, &pull()), Ok(()));
    assert_eq!(site.judge(&ci, &Access::to(action::ECR_GET_AUTHORIZATION_TOKEN)), Ok(()));
    assert_eq!(
        site.judge(&ci, &on(action::ECR_PUT_IMAGE)).unwrap_err(),
        "User: arn:aws:iam::000000000000:user/ci is not authorized to perform: ecr:PutImage on resource: \
         arn:aws:ecr:us-east-1:000000000000:repository/team/app because no identity-based policy allows the ecr:PutImage \
         action"
    );
}

#[tokio::test]
async fn what_is_denied_at_the_repository_is_denied_to_root_too_except_its_repair() {
    let site = Site::new().await;
    let everything =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}}"#;
    site.stand(documents::REPOSITORY_POLICY, everything).await;
    site.accounts.freshen().await.unwrap();

    let root = site.place.root(&site.accounts);

    let refusal = site.judge(&root, &pull()).unwrap_err();
    assert!(refusal.ends_with("with an explicit deny in a resource-based policy"), "{refusal}");
    assert_eq!(site.judge(&root, &on(action::ECR_DELETE_REPOSITORY_POLICY)), Ok(()));
    assert!(site.accounts.may(&root, &Access::on(action::ECR_PUT_IMAGE, &"team/other".parse().unwrap())));
}

#[tokio::test]
async fn a_stored_policy_that_cannot_be_read_denies_everything() {
    let site = Site::new().await;
    site.stand(documents::REPOSITORY_POLICY, "half a poli").await;
    site.accounts.freshen().await.unwrap();

    assert!(!site.may_pull(&site.place.root(&site.accounts)));
}

#[tokio::test]
async fn a_repository_allows_the_user_it_names_and_nobody_who_gets_the_name_later() {
    let site = Site::new().await;
    let key = site.user("ci", None).await;
    site.place.world.pass(1);
    site.stand(documents::REPOSITORY_POLICY, &at_repository(r#"{"AWS": "arn:aws:iam::000000000000:user/ci"}"#)).await;
    let first = site.log_in(&key).await.unwrap();
    let could = site.may_pull(&first);
    let identities = site.accounts.identities();
    identities.delete_access_key(&site.cx(), "ci", &key.key.id).await.unwrap();
    identities.delete(&site.cx(), IdentityKind::User, "ci").await.unwrap();
    site.place.world.pass(1);

    let key = site.user("ci", None).await;
    let second = site.log_in(&key).await.unwrap();

    assert!(could);
    assert!(!site.may_pull(&second));
    assert!(!site.may_pull(&first));
}

#[tokio::test]
async fn a_boundary_and_a_group_count_too() {
    let site = Site::new().await;
    let key = site.user("ci", None).await;
    let identities = site.accounts.identities();
    identities.create(&site.cx(), NewIdentity::group("pullers")).await.unwrap();
    identities.put_inline_policy(&site.cx(), IdentityKind::Group, "pullers", "pull", PULL).await.unwrap();
    identities.add_to_group(&site.cx(), "pullers", "ci").await.unwrap();
    let as_member = site.log_in(&key).await.unwrap();
    let could = site.may_pull(&as_member);
    let only_lists = crate::NewPolicy {
        name: "lists".into(),
        path: "/".into(),
        description: String::new(),
        document:
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:List*", "Resource": "*"}}"#
                .into(),
        tags: crate::IdentityTags::default(),
    };
    let boundary = identities.create_policy(&site.cx(), only_lists).await.unwrap().arn;

    identities.set_boundary(&site.cx(), IdentityKind::User, "ci", Some(&boundary)).await.unwrap();
    site.accounts.freshen().await.unwrap();

    assert!(could);
    let refusal = site.judge(&as_member, &pull()).unwrap_err();
    assert!(refusal.ends_with("because no permissions boundary allows the ecr:BatchGetImage action"), "{refusal}");
}

#[tokio::test]
async fn a_key_that_is_switched_off_opens_nothing_from_then_on_nor_do_its_tokens() {
    let site = Site::new().await;
    let key = site.user("ci", Some(PULL)).await;
    let ci = site.log_in(&key).await.unwrap();
    let token = site.accounts.token(&ci, Scopes::parse(["repository:team/app:pull"]), site.place.now());
    let password = site.accounts.login_password(&ci, site.place.now()).password;
    let before = site.bearer(&token.token).map(|principal| site.may_pull(&principal));

    site.accounts.identities().set_access_key_status(&site.cx(), "ci", &key.key.id, false).await.unwrap();
    let after = site.log_in(&key).await;

    assert_eq!(before, Ok(true));
    assert_eq!(after.unwrap_err(), AuthenticationProblem::WrongCredentials);
    assert_eq!(site.bearer(&token.token).unwrap_err(), AuthenticationProblem::TokenInvalid);
    let login = site.accounts.authenticate(Some(&basic("AWS", password.reveal())), None, site.place.now());
    assert!(login.is_err());
}

#[tokio::test]
async fn an_old_secret_is_good_beside_the_new_one_for_as_long_as_was_said() {
    let site = Site::new().await;
    let old = site.user("ci", None).await;

    let identities = site.accounts.identities();
    let overlap = Duration::from_secs(60);
    let new = identities.rotate_access_key(&site.cx(), "ci", &old.key.id, overlap).await.unwrap();
    let beside = (site.log_in(&old).await.is_ok(), site.log_in(&new).await.is_ok());
    site.place.world.pass(60);

    assert_eq!(beside, (true, true));
    assert!(site.log_in(&old).await.is_err());
    assert!(site.log_in(&new).await.is_ok());
}

#[tokio::test]
async fn a_robot_comes_from_its_networks_and_until_its_end() {
    let site = Site::new().await;
    let rules = RobotRules {
        expires_at: Some(site.place.now().plus(Duration::from_secs(60))),
        networks: vec!["10.0.0.0/8".into()],
    };
    let key = site.user_as(NewIdentity { robot: Some(rules), ..NewIdentity::user("robot") }, Some(PULL)).await;
    let inside: Option<IpAddr> = "10.1.2.3".parse().ok();

    assert!(site.log_in_from(&key, inside).await.is_ok());
    assert!(site.log_in_from(&key, "192.0.2.1".parse().ok()).await.is_err());
    assert!(site.log_in(&key).await.is_err());
    site.place.world.pass(60);
    assert!(site.log_in_from(&key, inside).await.is_err());
}

#[tokio::test]
async fn conditions_see_where_a_request_comes_from_and_how_its_repository_is_tagged() {
    let site = Site::new().await;
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "Bool": {"aws:SecureTransport": "true"},
                      "StringEquals": {"ecr:ResourceTag/env": "prod", "gantry:ImageTag": "v1"}}}}"#;
    let key = site.user("ci", Some(policy)).await;
    let inside: Option<IpAddr> = "::ffff:10.1.2.3".parse().ok();
    let v1 = pull().with("gantry:ImageTag", ["v1"]);
    let untagged = site.log_in_from(&key, inside).await.unwrap();
    let before = site.accounts.may(&untagged, &v1);
    site.stand(documents::RESOURCE_TAGS, r#"{"env": "prod"}"#).await;

    let ci = site.log_in_from(&key, inside).await.unwrap();
    let outside = site.log_in_from(&key, "192.0.2.1".parse().ok()).await.unwrap();

    assert!(!before);
    assert!(site.accounts.may(&ci, &v1));
    assert!(!site.accounts.may(&ci, &pull()));
    assert!(!site.accounts.may(&outside, &v1));
}

#[tokio::test]
async fn what_a_policy_says_of_somebody_holds_however_he_is_spelled() {
    let site = Site::new().await;
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
        {"Sid": "NotAnn", "Effect": "Deny", "Action": "iam:DeleteUser", "Resource": "arn:aws:iam::*:user/team/ann"}]}"#;
    let key = site.user("admin", Some(policy)).await;
    site.user_as(NewIdentity { path: "/team/".into(), ..NewIdentity::user("ann") }, None).await;

    let admin = site.log_in(&key).await.unwrap();

    for name in ["ann", "ANN", "Ann"] {
        let delete = Access::of(action::IAM_DELETE_USER, "iam", format!("user/{name}"));
        assert!(!site.accounts.may(&admin, &delete), "{name}");
    }
    assert!(site.accounts.may(&admin, &Access::of(action::IAM_DELETE_USER, "iam", "user/bob")));
}

#[tokio::test]
async fn who_may_give_rights_within_a_boundary_cannot_give_more() {
    let site = Site::new().await;
    let bounded = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["iam:CreateUser",
        "iam:AttachUserPolicy"], "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/gantry/pull"}}}}"#;
    let key = site.user("lead", Some(bounded)).await;
    let boundary = Some("arn:aws:iam::aws:policy/gantry/pull".to_string());
    site.user_as(NewIdentity { boundary, ..NewIdentity::user("bounded") }, None).await;

    let lead = site.log_in(&key).await.unwrap();

    let attach = |name: &str| Access::of(action::IAM_ATTACH_USER_POLICY, "iam", format!("user/{name}"));
    assert!(site.accounts.may(&lead, &attach("bounded")));
    assert!(!site.accounts.may(&lead, &attach("lead")));
    let create = Access::of(action::IAM_CREATE_USER, "iam", "user/new");
    assert!(!site.accounts.may(&lead, &create));
    assert!(site.accounts.may(&lead, &create.with("iam:PermissionsBoundary", ["arn:aws:iam::aws:policy/gantry/pull"])));
}

#[tokio::test]
async fn whoever_may_is_told_by_which_statement() {
    let site = Site::new().await;
    let key = site.user("ci", Some(PULL)).await;
    let ci = site.log_in(&key).await.unwrap();

    let by = site.accounts.authorize(&ci, &[pull()]);

    assert_eq!(by, Ok("statement 2 (Pull) of the identity-based policy own".into()));
    assert_eq!(site.accounts.authorize(&site.place.root(&site.accounts), &[pull()]), Ok(String::new()));
}

#[tokio::test]
async fn a_list_shows_everybody_what_he_may_see() {
    let site = Site::new().await;
    let sees_team = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:DescribeRepositories",
        "Resource": "arn:aws:ecr:*:*:repository/team/*"}}"#;
    let key = site.user("ci", Some(sees_team)).await;

    let ci = site.log_in(&key).await.unwrap();

    assert_eq!(site.judge(&ci, &Access::to_list(action::ECR_DESCRIBE_REPOSITORIES)), Ok(()));
    assert!(site.accounts.may_see(&ci, &"team/app".parse().unwrap()));
    assert!(!site.accounts.may_see(&ci, &"other".parse().unwrap()));
}

#[tokio::test]
async fn only_the_root_user_sees_all_unasked_and_only_while_nothing_is_written_that_could_deny_it() {
    let everything = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let site = Site::new().await;
    let key = site.user("boss", Some(everything)).await;
    let (boss, root) = (site.log_in(&key).await.unwrap(), site.place.root(&site.accounts));
    let (by_root, by_boss) = (site.accounts.may_see_all(&root), site.accounts.may_see_all(&boss));
    let narrowed = site.accounts.may_see_all(&root.clone().within(Scopes::parse(["repository:team/app:pull"])));

    let denies = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}}"#;
    site.stand(documents::REPOSITORY_POLICY, denies).await;
    site.accounts.freshen().await.unwrap();

    assert_eq!((by_root, by_boss, narrowed), (true, false, false));
    assert!(!site.accounts.may_see_all(&root));
    assert!(!site.accounts.may_see_all(&site.accounts.anonymous()));
}

#[tokio::test]
async fn nobody_may_pull_what_is_allowed_to_anyone_unless_the_site_says_so() {
    let mut answers = Vec::new();
    for is_open in [false, true] {
        let mut place = Place::new();
        place.settings.anonymous_pull = is_open;
        let site = Site::of(place).await;
        site.stand(documents::REPOSITORY_POLICY, &at_repository("\"*\"")).await;
        site.accounts.freshen().await.unwrap();
        answers.push(site.accounts.authorize(&site.accounts.anonymous(), &[pull()]).map(drop));
        assert!(site.accounts.authorize(&site.accounts.anonymous(), &[on(action::ECR_PUT_IMAGE)]).is_err());
    }

    assert_eq!(answers, [Err(Refusal::Unauthenticated), Ok(())]);
}

#[tokio::test]
async fn who_is_trusted_becomes_a_role_and_has_what_it_may() {
    let site = Site::new().await;
    let (ci, eve) = (site.user("ci", None).await, site.user("eve", None).await);
    site.role("deploy", &trusting("arn:aws:iam::000000000000:user/ci"), Some(PULL)).await;
    let (ci, eve) = (site.log_in(&ci).await.unwrap(), site.log_in(&eve).await.unwrap());

    let session = site.assume(&ci, asking("deploy")).unwrap();

    assert_eq!(&*session.arn, "arn:aws:sts::000000000000:assumed-role/deploy/s1");
    assert!(site.may_pull(&session) && !site.may_pull(&ci));
    let refusals = [site.assume(&eve, asking("deploy")), site.assume(&ci, asking("none"))];
    let refusals = refusals.map(|refusal| refusal.unwrap_err());
    assert!(refusals.iter().all(|refusal| refusal.kind == FaultKind::AccessDenied));
    assert_eq!(
        refusals[0].message.replace("user/eve", "user/ci").replace("role/deploy", "role/none"),
        refusals[1].message,
        "whether a role exists is not told"
    );
}

#[tokio::test]
async fn a_session_is_narrowed_by_its_policy_also_behind_its_tokens() {
    let site = Site::new().await;
    let ci = site.user("ci", None).await;
    site.role("deploy", &trusting("arn:aws:iam::000000000000:user/ci"), Some(PULL)).await;
    let ci = site.log_in(&ci).await.unwrap();
    let other = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*",
        "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/team/other"}}"#;

    let session = site.assume(&ci, AssumeRole { policy: Some(other.into()), ..asking("deploy") }).unwrap();
    let token = site.accounts.token(&session, Scopes::parse(["repository:team/app:pull"]), site.place.now());
    let behind = site.bearer(&token.token).unwrap();

    for principal in [&session, &behind] {
        let refusal = site.judge(principal, &pull()).unwrap_err();
        assert!(refusal.ends_with("because no session policy allows the ecr:BatchGetImage action"), "{refusal}");
    }
    assert!(site.accounts.may(&session, &Access::on(action::ECR_BATCH_GET_IMAGE, &"team/other".parse().unwrap())));
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_with_its_role() {
    let site = Site::new().await;
    let ci = site.user("ci", None).await;
    site.role("deploy", &trusting("arn:aws:iam::000000000000:user/ci"), None).await;
    let ci = site.log_in(&ci).await.unwrap();
    let session = site.assume(&ci, AssumeRole { seconds: Some(900), ..asking("deploy") }).unwrap();
    let password = site.accounts.login_password(&session, site.place.now());
    let log_in = || site.accounts.authenticate(Some(&basic("AWS", password.password.reveal())), None, site.place.now());
    let before = log_in().is_ok();

    site.accounts.identities().delete(&site.cx(), IdentityKind::Role, "deploy").await.unwrap();
    site.accounts.freshen().await.unwrap();

    assert_eq!(password.expires_at, site.place.now().plus(Duration::from_secs(900)));
    assert!(before);
    assert!(log_in().is_err());
}

#[tokio::test]
async fn a_role_can_ask_for_what_was_agreed_on_and_for_tags() {
    let site = Site::new().await;
    let ci = site.user("ci", None).await;
    let trust = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/ci"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": "agreed"}}}}"#;
    let by_team = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:BatchGetImage",
        "Resource": "arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team}/*"}}"#;
    site.role("deploy", trust, Some(by_team)).await;
    let ci = site.log_in(&ci).await.unwrap();
    let agreed = AssumeRole { external_id: Some("agreed".into()), ..asking("deploy") };
    let tags = vec![("team".to_string(), "team".to_string())];

    let tagged = site.assume(&ci, AssumeRole { tags, ..agreed.clone() }).unwrap();
    let untagged = site.assume(&ci, agreed).unwrap();

    assert!(site.may_pull(&tagged) && !site.may_pull(&untagged));
    assert!(site.assume(&ci, asking("deploy")).is_err());
}

#[tokio::test]
async fn what_changed_on_one_server_counts_on_another_after_it_has_looked() {
    let site = Site::new().await;
    let other = site.place.replica().await;
    let key = site.user("ci", Some(PULL)).await;
    let log_in = || other.authenticate(Some(&basic(&key.key.id, key.secret.reveal())), None, site.place.now());
    let before = log_in().is_ok();

    other.look_for_changes().await.unwrap();

    assert!(!before);
    assert!(log_in().is_ok());
}

/// "After AWS STS issues temporary security credentials, they are valid through the expiration period and cannot be revoked" (IAM User
/// Guide, "Permissions for temporary security credentials"): what they may is decided each time, by what their user may then.
#[tokio::test]
async fn a_session_outlives_the_access_key_that_began_it_and_not_what_its_user_may_nor_its_user() {
    let site = Site::new().await;
    let key = site.user("ci", Some(PULL)).await;
    let ci = site.log_in(&key).await.unwrap();
    let session = site.accounts.session(&ci, 3600, site.place.now());
    let identities = site.accounts.identities();
    let principal = async || {
        site.accounts.freshen().await.unwrap();
        let session = site.accounts.open_session(&session.session_token).unwrap();
        site.accounts.session_principal(session, None, site.place.now())
    };
    let may_pull = async || principal().await.map(|principal| site.may_pull(&principal));

    identities.rotate_access_key(&site.cx(), "ci", &key.key.id, Duration::ZERO).await.unwrap();
    let after_rotation = may_pull().await;
    identities.set_access_key_status(&site.cx(), "ci", &key.key.id, false).await.unwrap();
    let with_inactive_key = may_pull().await;
    identities.delete_access_key(&site.cx(), "ci", &key.key.id).await.unwrap();
    let without_key = may_pull().await;
    identities.delete_inline_policy(&site.cx(), IdentityKind::User, "ci", "own").await.unwrap();
    let without_policy = may_pull().await;
    identities.delete(&site.cx(), IdentityKind::User, "ci").await.unwrap();
    let without_user = may_pull().await;

    assert_eq!([after_rotation, with_inactive_key, without_key], [Some(true); 3]);
    assert_eq!((without_policy, without_user), (Some(false), None));
}

#[tokio::test]
async fn the_sessions_of_a_robot_end_with_its_key() {
    let site = Site::new().await;
    let rules = RobotRules { expires_at: None, networks: vec![] };
    let key = site.user_as(NewIdentity { robot: Some(rules), ..NewIdentity::user("robot") }, Some(PULL)).await;
    let robot = site.log_in(&key).await.unwrap();
    let session = site.accounts.session(&robot, 3600, site.place.now());
    let is_somebody = async || {
        site.accounts.freshen().await.unwrap();
        let session = site.accounts.open_session(&session.session_token).unwrap();
        site.accounts.session_principal(session, None, site.place.now()).is_some()
    };
    let before = is_somebody().await;

    site.accounts.identities().set_access_key_status(&site.cx(), "robot", &key.key.id, false).await.unwrap();

    assert!(before && !is_somebody().await);
}

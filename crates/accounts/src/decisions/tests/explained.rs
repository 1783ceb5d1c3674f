//! What is explained is what a request is told.

use super::*;
use crate::{AskedAbout, explained_accesses, explained_resource};

const DENY_PUSH: &str = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Frozen", "Effect": "Deny",
    "Principal": {"AWS": "arn:aws:iam::000000000000:user/frozen"}, "Action": "ecr:PutImage"}}"#;
const ALL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}}"#;
const FROM_INSIDE: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*",
    "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}"#;
const BY_TAG: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*",
    "Condition": {"StringLike": {"gantry:ImageTag": "v*"}}}}"#;
const NO_DELETION: &str = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Keep", "Effect": "Deny",
    "Action": "ecr:BatchDeleteImage", "Resource": "*"}}"#;

/// A site with users of many kinds, a role, and policies at the repository and account-wide.
struct Village {
    site: Site,
    keys: Vec<(&'static str, NewAccessKey)>,
}

impl Village {
    async fn new() -> Village {
        let site = Site::new().await;
        let mut keys = Vec::new();
        for (name, policy) in [
            ("puller", Some(PULL)),
            ("all", Some(ALL)),
            ("frozen", Some(ALL)),
            ("inside", Some(FROM_INSIDE)),
            ("tagged", Some(BY_TAG)),
            ("nobody", None),
            ("member", None),
            ("bounded", Some(ALL)),
        ] {
            keys.push((name, site.user(name, policy).await));
        }
        let identities = site.accounts.identities();
        identities.create(&site.cx(), NewIdentity::group("pullers")).await.unwrap();
        identities.put_inline_policy(&site.cx(), IdentityKind::Group, "pullers", "pull", PULL).await.unwrap();
        identities.add_to_group(&site.cx(), "pullers", "member").await.unwrap();
        let boundary = "arn:aws:iam::aws:policy/gantry/pull";
        identities.set_boundary(&site.cx(), IdentityKind::User, "bounded", Some(boundary)).await.unwrap();
        site.role("deploy", &trusting("arn:aws:iam::000000000000:user/puller"), Some(PULL)).await;
        site.place.world.pass(1);
        site.stand(documents::REPOSITORY_POLICY, DENY_PUSH).await;
        site.stand(documents::ACCOUNT_POLICY, NO_DELETION).await;
        site.accounts.freshen().await.unwrap();
        Village { site, keys }
    }

    fn ask(&self, who: &str, arrival: &Arrival, access: &Access) -> crate::Explanation {
        let asked = AskedAbout::parse(who).unwrap();
        let principal =
            self.site.accounts.asked_about(self.site.accounts.site().account, &asked, arrival.clone()).unwrap();
        self.site.accounts.explain(&principal, access)
    }

    fn arrival(&self, source: Option<&str>) -> Arrival {
        let source = source.map(|source| source.parse().unwrap());
        Arrival { source, is_secure: true, at: self.site.place.now(), user_agent: None, account: None }
    }
}

fn accesses() -> Vec<Access> {
    let mut found: Vec<Access> = ["pull", "push", "delete"]
        .iter()
        .flat_map(|words| explained_accesses(words, &Resource::Repository("team/app".parse().unwrap())).unwrap())
        .collect();
    let tagged = on(action::ECR_PUT_IMAGE).with_image(Some("v1"), None);
    let other = Access::on(action::ECR_BATCH_GET_IMAGE, &"other/app".parse().unwrap());
    found.extend([tagged, other, Access::to(action::ECR_GET_AUTHORIZATION_TOKEN)]);
    found.extend([Access::to_list(action::ECR_DESCRIBE_REPOSITORIES), Access::to(action::GANTRY_LIST_AUDIT_RECORDS)]);
    found.extend([Access::of(action::IAM_GET_USER, "iam", "user/puller"), Access::to(action::ECR_PUT_REGISTRY_POLICY)]);
    found
}

#[tokio::test]
async fn an_explanation_says_what_the_request_is_told_whoever_asks_for_whatever() {
    let village = Village::new().await;
    let mut compared = [0, 0];
    for source in [None, Some("10.1.2.3"), Some("192.0.2.7")] {
        let arrival = village.arrival(source);
        let accounts = &village.site.accounts;
        let mut principals = vec![
            ("root".to_string(), village.site.place.root(accounts)),
            ("anonymous".to_string(), accounts.anonymous()),
        ];
        for (name, key) in &village.keys {
            let principal = village.site.log_in_from(key, arrival.source).await.unwrap();
            let as_role = (*name == "puller").then(|| village.site.assume(&principal, asking("deploy")).unwrap());
            principals.push((format!("user/{name}"), principal.clone()));
            principals.push((format!("arn:aws:iam::000000000000:user/{name}"), principal));
            principals
                .extend(as_role.map(|session| ("arn:aws:sts::000000000000:assumed-role/deploy/s1".into(), session)));
        }
        for (who, principal) in principals {
            for access in accesses() {
                let request = village.site.judge(&principal.clone().arrived(arrival.clone()), &access);

                let explained = village.ask(&who, &arrival, &access);

                assert_eq!(explained.message, request.err(), "{who} {access:?} from {source:?}");
                assert_eq!(explained.is_allowed, explained.message.is_none());
                assert_eq!(explained.missing.is_some(), !explained.is_allowed, "{who} {access:?}");
                compared[usize::from(explained.is_allowed)] += 1;
            }
        }
    }
    assert!(compared.iter().all(|count| *count > 100), "{compared:?}");
}

#[tokio::test]
async fn becoming_a_role_is_explained_by_its_trust() {
    let village = Village::new().await;
    let role = Access::on_arn(action::STS_ASSUME_ROLE, "arn:aws:iam::000000000000:role/deploy");

    let trusted = village.ask("user/puller", &village.arrival(None), &role);
    let stranger = village.ask("user/all", &village.arrival(None), &role);

    assert!(trusted.is_allowed && trusted.by.contains("role trust policy deploy"), "{trusted:?}");
    assert_eq!(stranger.missing, Some("role trust policy"));
}

#[tokio::test]
async fn what_holds_account_wide_is_denied_to_all_and_root_can_end_it() {
    let village = Village::new().await;
    let delete = on(action::ECR_BATCH_DELETE_IMAGE);

    let root = village.ask("root", &village.arrival(None), &delete);

    assert_eq!(root.missing, Some("explicit deny"));
    assert!(root.by.starts_with("statement 1 (Keep)"), "{root:?}");
    assert!(root.message.as_deref().is_some_and(|text| text.ends_with("in a service control policy")), "{root:?}");
    assert!(village.ask("root", &village.arrival(None), &Access::to(action::GANTRY_DELETE_ACCOUNT_POLICY)).is_allowed);
}

#[tokio::test]
async fn who_can_names_all_who_may_with_group_and_statement_and_nobody_else() {
    let village = Village::new().await;
    let accounts = &village.site.accounts;
    let can = |words: &str| -> Vec<(String, Option<String>)> {
        let resource = explained_resource("team/app", words, accounts.site().account, &accounts.site().region).unwrap();
        let needs = explained_accesses(words, &resource).unwrap();
        let found = accounts.who_can(accounts.site().account, &needs, &village.arrival(None));
        found
            .into_iter()
            .map(|found| (found.principal.replace("arn:aws:iam::000000000000:", ""), found.group))
            .collect()
    };
    let alone = |names: &[&str]| names.iter().map(|name| (name.to_string(), None)).collect::<Vec<_>>();

    let mut pullers = alone(&["root", "role/deploy", "user/all", "user/bounded", "user/frozen", "user/member"]);
    pullers.push(("user/puller".into(), None));
    pullers[5].1 = Some("pullers".into());
    assert_eq!(can("pull"), pullers);
    assert_eq!(can("push"), alone(&["root", "user/all"]));
    assert_eq!(can("delete"), []);
    assert_eq!(can("ecr:PutLifecyclePolicy"), alone(&["root", "user/all", "user/frozen"]));
}

#[tokio::test]
async fn who_can_names_other_accounts_and_everybody_where_the_repository_does() {
    let site = Site::new().await;
    let others = r#"{"AWS": ["222222222222", "arn:aws:iam::333333333333:user/ub", "000000000000"]}"#;
    let can = async |who: &str| -> Vec<String> {
        site.stand(documents::REPOSITORY_POLICY, &at_repository(who)).await;
        site.accounts.freshen().await.unwrap();
        let arrival = Arrival { at: site.place.now(), ..Arrival::default() };
        site.accounts
            .who_can(site.accounts.site().account, &[pull()], &arrival)
            .into_iter()
            .map(|found| found.principal)
            .collect()
    };

    let root = "arn:aws:iam::000000000000:root";
    assert_eq!(can(others).await, [root, "222222222222", "arn:aws:iam::333333333333:user/ub"]);
    assert_eq!(can("\"*\"").await, [root, "*"]);
}

#[tokio::test]
async fn whom_nobody_knows_is_said_to_be_unknown() {
    let village = Village::new().await;

    for who in ["user/none", "role/none", "arn:aws:iam::000000000000:user/none"] {
        let asked = AskedAbout::parse(who).unwrap();
        let fault = village
            .site
            .accounts
            .asked_about(village.site.accounts.site().account, &asked, village.arrival(None))
            .unwrap_err();
        assert_eq!(fault.kind, FaultKind::NoSuchEntity, "{who}");
    }
    for who in ["", "ci", "user/", "group/pullers"] {
        assert_eq!(AskedAbout::parse(who).unwrap_err().kind, FaultKind::InvalidParameter, "{who}");
    }
}

#[tokio::test]
async fn a_robot_that_has_ended_is_noted_and_can_nothing() {
    let site = Site::new().await;
    let end = site.place.now().plus(Duration::from_secs(60));
    let rules = RobotRules { expires_at: Some(end), networks: vec!["10.0.0.0/8".into()] };
    site.user_as(NewIdentity { robot: Some(rules), ..NewIdentity::user("robot") }, Some(PULL)).await;
    site.accounts.freshen().await.unwrap();
    let arrival = |seconds| {
        let at = site.place.now().plus(Duration::from_secs(seconds));
        Arrival { source: None, is_secure: true, at, user_agent: None, account: None }
    };
    let count = |arrival: &Arrival| site.accounts.who_can(site.accounts.site().account, &[pull()], arrival).len();

    let asked = AskedAbout::parse("robot/robot").unwrap();
    let robot = site.accounts.asked_about(site.accounts.site().account, &asked, arrival(60)).unwrap();

    let notes = site.accounts.notes_about(&robot);
    assert!(notes[0].contains("ended at") && notes[1].contains("only from 10.0.0.0/8"), "{notes:?}");
    assert_eq!((count(&arrival(0)), count(&arrival(60))), (2, 1));
}

#[tokio::test]
async fn what_the_client_calls_itself_can_be_asked_for() {
    let site = Site::new().await;
    let key = site
        .user(
            "ci",
            Some(
                r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*",
                "Condition": {"StringLike": {"aws:UserAgent": "docker/*"}}}}"#,
            ),
        )
        .await;
    let ci = site.log_in(&key).await.unwrap();
    let called = |agent| ci.clone().arrived(ci.arrival.clone().called(agent));

    assert!(site.may_pull(&called(Some("docker/28.0 go/1.24"))));
    assert!(!site.may_pull(&called(Some("curl/8"))) && !site.may_pull(&called(None)));
}

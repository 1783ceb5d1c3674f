use super::*;
use crate::{IdentityKind, NewIdentity, accounts::tests::Place, explained_accesses, explained_resource};

const PULL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecr:BatchGetImage",
    "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/team/*",
    "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}}"#;
const ALL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
const DENY: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "ecr:*", "Resource": "*"}}"#;

/// A site with the user `ann`, who is in the group `readers`, which pulls from `team/` within a network.
struct Site {
    accounts: Accounts,
    place: Place,
}

impl Site {
    async fn new() -> Site {
        let place = Place::new();
        let accounts = place.open().await;
        let (identities, cx) = (accounts.identities(), place.cx());
        identities.create(&cx, NewIdentity::user("ann")).await.unwrap();
        identities.create(&cx, NewIdentity::group("readers")).await.unwrap();
        identities.put_inline_policy(&cx, IdentityKind::Group, "readers", "pull", PULL).await.unwrap();
        identities.add_to_group(&cx, "readers", "ann").await.unwrap();
        accounts.freshen().await.unwrap();
        Site { accounts, place }
    }

    fn ask(&self, source: &SimulatedSource, supposed: &SimulatedPolicies, source_ip: Option<&str>) -> Simulated {
        let account = AccountId::DEFAULT;
        let action = "ecr:BatchGetImage";
        let resource = explained_resource("team/app", action, account, &self.accounts.site().region).unwrap();
        let mut access = explained_accesses(action, &resource).unwrap().remove(0);
        if let Some(ip) = source_ip {
            access = access.with("aws:SourceIp", [ip]);
        }
        let arrival = Arrival { at: self.place.now(), ..Arrival::default() };
        self.accounts.simulate(account, source, supposed, &access, arrival).unwrap()
    }
}

fn source(path: &str) -> SimulatedSource {
    SimulatedSource::parse(&format!("arn:aws:iam::000000000000:{path}"), AccountId::DEFAULT).unwrap()
}

fn supposed(identity: &[&str], boundary: &[&str]) -> SimulatedPolicies {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    SimulatedPolicies::compile(&texts(identity), &texts(boundary), None).unwrap()
}

#[tokio::test]
async fn what_a_user_has_by_his_group_is_decided_as_for_a_request() {
    let site = Site::new().await;
    let (ann, nothing) = (source("user/ann"), SimulatedPolicies::default());

    let without = site.ask(&ann, &nothing, None);
    let within = site.ask(&ann, &nothing, Some("10.1.2.3"));

    assert_eq!((without.is_allowed, without.is_denied_by_statement), (false, false));
    assert_eq!(without.missing_keys, ["aws:SourceIp"]);
    assert!(within.is_allowed && within.missing_keys.is_empty());
    assert_eq!(within.statements[0].policy, "pull");
    assert!(site.ask(&source("group/readers"), &nothing, Some("10.1.2.3")).is_allowed);
}

#[tokio::test]
async fn what_is_supposed_counts_besides_what_is_there() {
    let site = Site::new().await;
    let ann = source("user/ann");

    let more = site.ask(&ann, &supposed(&[ALL], &[]), None);
    let denied = site.ask(&ann, &supposed(&[ALL, DENY], &[]), None);
    let bounded = site.ask(&ann, &supposed(&[ALL], &[PULL]), None);
    let nobody = site.ask(&SimulatedSource::Nobody(None), &supposed(&[ALL], &[]), None);

    assert_eq!((more.is_allowed, more.statements[0].policy.as_str()), (true, "PolicyInputList.1"));
    assert!(denied.is_denied_by_statement && denied.statements[0].policy == "PolicyInputList.2");
    assert_eq!((bounded.is_allowed, bounded.boundary_allows), (false, Some(false)));
    assert!(nobody.is_allowed);
}

#[tokio::test]
async fn the_keys_that_conditions_ask_for_are_told() {
    let site = Site::new().await;

    let of_ann = site.accounts.context_keys_of(AccountId::DEFAULT, &source("user/ann")).unwrap();
    let of_nobody = site.accounts.context_keys_of(AccountId::DEFAULT, &source("user/nobody"));

    assert_eq!(of_ann, ["aws:SourceIp"]);
    assert_eq!(of_nobody.unwrap_err().kind, FaultKind::NoSuchEntity);
    assert_eq!(supposed(&[PULL, PULL, ALL], &[]).context_keys(), ["aws:SourceIp"]);
}

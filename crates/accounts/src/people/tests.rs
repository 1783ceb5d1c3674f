use super::*;
use crate::{Identities, NewIdentity, accounts::tests::Place};
use gantry_words::AccountId;
use std::time::Duration;

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}"#;

fn person(groups: &[&str]) -> Person {
    let groups = groups.iter().map(ToString::to_string).collect();
    Person { provider: "ldap".into(), id: "7d0f".into(), name: "Ann Ä".into(), groups }
}

async fn role(identities: &Identities, place: &Place, name: &str) {
    identities.create(&place.cx(), NewIdentity::role(name, TRUST)).await.unwrap();
}

fn mappings(texts: &[&str]) -> Vec<RoleMapping> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_mapping_reads_as_it_is_written() {
    for text in [
        "ldap: cn=dev,ou=groups,dc=example,dc=org -> developer",
        "https://id.example.org: platform -> arn:aws:iam::000000000000:role/team/admin",
    ] {
        assert_eq!(text.parse::<RoleMapping>().unwrap().to_string(), text);
    }
    for wrong in ["", "ldap: -> x", "ldap: cn=dev", "cn=dev -> x", "ldap: cn=dev -> ", ": a -> b", "ldap: a\n -> b"] {
        assert!(wrong.parse::<RoleMapping>().is_err(), "{wrong}");
    }
}

#[test]
fn a_dn_is_known_in_any_case_and_a_claim_only_as_it_is_written() {
    let ldap: RoleMapping = "ldap: cn=Dev, ou=Groups,dc=example,dc=org -> developer".parse().unwrap();
    let oidc: RoleMapping = "https://id.example.org: Dev -> developer".parse().unwrap();
    let with_claim = |group: &str| Person { provider: "https://id.example.org".into(), ..person(&[group]) };

    assert!(ldap.means(&person(&["CN=dev,OU=groups,DC=example,DC=org"])));
    assert!(!ldap.means(&person(&["cn=dev,ou=others,dc=example,dc=org"])));
    assert!(!ldap.means(&person(&["cn=dev=ou=groups,dc=example,dc=org"])), "a group that is called so");
    assert!(oidc.means(&with_claim("Dev")));
    assert!(!oidc.means(&with_claim("dev")));
    assert!(!oidc.means(&person(&["Dev"])), "another provider's group");
}

#[tokio::test]
async fn of_several_groups_the_first_mapping_counts_whose_role_is_there() {
    let place = Place::new();
    let accounts = place.open().await;
    role(accounts.identities(), &place, "reader").await;
    role(accounts.identities(), &place, "admin").await;
    accounts.freshen().await.unwrap();
    accounts.set_role_mappings(mappings(&["ldap: a -> gone", "ldap: b -> admin", "ldap: c -> reader"]));
    let until = place.now().plus(Duration::from_secs(60));
    let arn = |groups: &[&str]| {
        let found = accounts.principal_of_person(&person(groups), until, place.now());
        found.map(|principal| principal.arn.to_string()).map_err(|fault| fault.kind)
    };

    assert_eq!(arn(&["c", "b", "a"]), Ok("arn:aws:sts::000000000000:assumed-role/admin/Ann__+7d0f".into()));
    assert_eq!(arn(&["c"]), Ok("arn:aws:sts::000000000000:assumed-role/reader/Ann__+7d0f".into()));
    assert_eq!(arn(&["a"]), Err(FaultKind::AccessDenied));
    assert_eq!(arn(&[]), Err(FaultKind::AccessDenied));
}

#[tokio::test]
async fn a_person_is_told_by_an_id_that_stays() {
    let place = Place::new();
    let accounts = place.open().await;
    role(accounts.identities(), &place, "reader").await;
    accounts.freshen().await.unwrap();
    accounts.set_role_mappings(mappings(&["ldap: c -> reader"]));
    let until = place.now().plus(Duration::from_secs(60));

    let principal = accounts.principal_of_person(&person(&["c"]), until, place.now()).unwrap();
    let session = principal.role_session.unwrap();

    assert_eq!((session.source_identity.as_deref(), session.provider.as_deref()), (Some("7d0f"), Some("ldap")));
    assert_eq!((principal.account, session.expires_at()), (AccountId::DEFAULT, until));
    assert!(accounts.principal_of_person(&person(&["c"]), place.now(), place.now()).is_err(), "it is over at once");
}

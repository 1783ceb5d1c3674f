use super::*;
use crate::{
    Accounts, AssumeRole, NewAccessKey, NewIdentity,
    accounts::tests::{Place, basic},
};
use gantry_fault::FaultKind;
use gantry_words::Cx;

const OTHER: &str = "222222222222";
const THIRD: &str = "333333333333";
const MAY_BECOME: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}"#;

/// A site with more accounts.
struct Site {
    place: Place,
    accounts: Accounts,
}

impl Site {
    async fn with(others: &[&str]) -> Site {
        let place = Place::new();
        let accounts = place.open().await;
        let site = Site { place, accounts };
        for id in others {
            let (cx, root) = (site.place.cx(), site.place.root(&site.accounts));
            site.accounts.create_account(&cx, &root, id.parse().unwrap(), "other").await.unwrap();
        }
        site.accounts.freshen().await.unwrap();
        site
    }

    fn cx(&self, account: &str) -> Cx {
        Cx { account: account.parse().unwrap(), ..self.place.cx() }
    }

    /// A user of an account who may become any role that trusts him; how he comes with a key of his.
    async fn user(&self, account: &str, name: &str) -> Principal {
        let (identities, cx) = (self.accounts.identities(), self.cx(account));
        identities.create(&cx, NewIdentity::user(name)).await.unwrap();
        identities.put_inline_policy(&cx, IdentityKind::User, name, "own", MAY_BECOME).await.unwrap();
        let NewAccessKey { key, secret, .. } = identities.create_access_key(&cx, name).await.unwrap();
        self.accounts.freshen().await.unwrap();
        let header = basic(&key.id, secret.reveal());
        self.accounts.authenticate(Some(&header), None, self.place.now()).unwrap()
    }

    /// Makes a role of the site's own account that trusts somebody.
    async fn role(&self, name: &str, principal: &str) -> Result<crate::Identity, Fault> {
        let made =
            self.accounts.identities().create(&self.place.cx(), NewIdentity::role(name, &trust(principal))).await;
        self.accounts.freshen().await.unwrap();
        made
    }

    fn become_role(&self, who: &Principal, name: &str) -> Result<(), FaultKind> {
        let role = format!("arn:aws:iam::000000000000:role/{name}");
        let asked = AssumeRole { role, session: "one".into(), ..AssumeRole::default() };
        self.accounts.assume_role(who, asked, self.place.now()).map(drop).map_err(|fault| fault.kind)
    }

    async fn trust_shown(&self, name: &str) -> String {
        let identities = self.accounts.identities();
        let role = identities.load(AccountId::DEFAULT, IdentityKind::Role, name).await.unwrap();
        identities.shown_trust(&role).await.unwrap()
    }
}

fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "sts:AssumeRole"}}}}"#
    )
}

#[tokio::test]
async fn a_change_reads_again_the_account_in_which_it_was_made() {
    let site = Site::with(&[OTHER, THIRD]).await;
    let [other, third] = [OTHER, THIRD].map(|id| id.parse::<AccountId>().unwrap());
    let before = site.accounts.directory();

    let ann = site.user(OTHER, "ann").await;

    let after = site.accounts.directory();
    let is_same = |id: &AccountId| Arc::ptr_eq(&before.accounts[id], &after.accounts[id]);
    assert_eq!([AccountId::DEFAULT, other, third].map(|id| is_same(&id)), [true, false, true]);
    assert_eq!(ann.account, other);
    assert!(before.revision < after.revision);
}

#[tokio::test]
async fn what_is_removed_of_an_account_is_known_no_more() {
    let site = Site::with(&[OTHER]).await;
    let (other, root) = (OTHER.parse().unwrap(), site.place.root(&site.accounts));
    let ann = site.user(OTHER, "ann").await;
    let (identities, cx) = (site.accounts.identities(), site.cx(OTHER));

    identities.delete_access_key(&cx, "ann", &ann.access_key_id).await.unwrap();
    identities.delete_inline_policy(&cx, IdentityKind::User, "ann", "own").await.unwrap();
    identities.delete(&cx, IdentityKind::User, "ann").await.unwrap();
    site.accounts.freshen().await.unwrap();
    let without_ann = site.accounts.directory();
    site.accounts.delete_account(&site.place.cx(), &root, other).await.unwrap();
    site.accounts.freshen().await.unwrap();

    assert!(without_ann.key(&ann.access_key_id).is_none() && without_ann.named(other, "user/ann").is_none());
    assert!(without_ann.knows(other) && !site.accounts.directory().knows(other));
}

#[tokio::test]
async fn a_trust_policy_means_the_user_of_another_account_who_had_the_name_when_it_was_written() {
    let site = Site::with(&[OTHER]).await;
    let ann = format!("arn:aws:iam::{OTHER}:user/ann");
    let early = site.role("early", &ann).await.unwrap_err();
    let first = site.user(OTHER, "ann").await;
    site.role("deploy", &ann).await.unwrap();
    assert_eq!(site.become_role(&first, "deploy"), Ok(()));

    let (identities, cx) = (site.accounts.identities(), site.cx(OTHER));
    identities.delete_access_key(&cx, "ann", &first.access_key_id).await.unwrap();
    identities.delete_inline_policy(&cx, IdentityKind::User, "ann", "own").await.unwrap();
    identities.delete(&cx, IdentityKind::User, "ann").await.unwrap();
    let second = site.user(OTHER, "ann").await;

    assert_eq!(early.kind, FaultKind::MalformedPolicyDocument);
    assert_eq!(site.become_role(&second, "deploy"), Err(FaultKind::AccessDenied));
    assert!(site.trust_shown("deploy").await.contains(first.caller.id()));
}

#[tokio::test]
async fn a_trust_policy_may_name_a_unique_id_and_shows_the_arn_of_its_owner() {
    let site = Site::with(&[OTHER]).await;
    let ann = site.user(OTHER, "ann").await;
    let bob = site.user(OTHER, "bob").await;

    site.role("deploy", ann.caller.id()).await.unwrap();
    let nobody = site.role("nobody", "AIDAAAAAAAAAAAAAAAAA").await.unwrap_err();

    assert_eq!(site.become_role(&ann, "deploy"), Ok(()));
    assert_eq!(site.become_role(&bob, "deploy"), Err(FaultKind::AccessDenied));
    assert!(site.trust_shown("deploy").await.contains(&format!("arn:aws:iam::{OTHER}:user/ann")));
    assert_eq!(nobody.kind, FaultKind::MalformedPolicyDocument);
}

#[tokio::test]
async fn who_is_of_an_account_that_is_made_later_is_not_the_one_that_was_named() {
    let site = Site::with(&[]).await;
    site.role("deploy", &format!("arn:aws:iam::{OTHER}:user/ann")).await.unwrap();

    let (cx, root) = (site.place.cx(), site.place.root(&site.accounts));
    site.accounts.create_account(&cx, &root, OTHER.parse().unwrap(), "other").await.unwrap();
    let ann = site.user(OTHER, "ann").await;

    assert_eq!(site.become_role(&ann, "deploy"), Err(FaultKind::AccessDenied));
}

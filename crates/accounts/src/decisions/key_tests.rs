//! What stands at keys, in decisions.

use super::tests::Site;
use crate::{IdentityKind, KeyTags, Keyring, MasterKey, MasterKeyPlace, NewKey};
use gantry_access::{Access, Principal, action};
use gantry_fault::Fault;
use gantry_words::Region;
use std::sync::Arc;

const ALL_OF_KMS: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;

struct Nowhere;

impl MasterKeyPlace for Nowhere {
    fn keep(&self, key: MasterKey) -> Result<MasterKey, Fault> {
        Ok(key)
    }
}

impl Site {
    async fn keyring(&self) -> Keyring {
        let (metadata, env) = (self.place.metadata.clone(), self.place.world.env());
        Keyring::open(metadata, env, Region::default(), None, Arc::new(Nowhere)).await.unwrap()
    }

    /// Makes a key with a policy; returns its id.
    async fn key(&self, keyring: &Keyring, policy: Option<&str>) -> String {
        let tags = KeyTags::parse([("team", "a")]).unwrap();
        let new = NewKey { policy: policy.map(str::to_string), tags, ..NewKey::default() };
        keyring.create(&self.cx(), new).await.unwrap().id
    }

    fn may_decrypt(&self, principal: &Principal, key: &str) -> bool {
        self.accounts.may(principal, &decrypt(key))
    }
}

fn decrypt(key: &str) -> Access {
    Access::of(action::KMS_DECRYPT, "kms", key)
}

fn allowing(who: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{who}"}}, "Action": "kms:Decrypt", "Resource": "*"}}}}"#
    )
}

#[tokio::test]
async fn a_key_that_names_the_account_leaves_the_decision_to_what_is_attached() {
    let site = Site::new().await;
    let (ann, bob) = (site.user("ann", Some(ALL_OF_KMS)).await, site.user("bob", None).await);
    let keyring = site.keyring().await;
    let key = format!("key/{}", site.key(&keyring, None).await);

    let (ann, bob) = (site.log_in(&ann).await.unwrap(), site.log_in(&bob).await.unwrap());

    assert!(site.may_decrypt(&ann, &key) && site.may_decrypt(&site.place.root(&site.accounts), &key));
    assert!(!site.may_decrypt(&bob, &key));
}

#[tokio::test]
async fn a_key_lets_in_only_whom_its_policy_names() {
    let site = Site::new().await;
    let (ann, bob) = (site.user("ann", Some(ALL_OF_KMS)).await, site.user("bob", None).await);
    site.place.world.pass(1);
    let keyring = site.keyring().await;
    let key = format!("key/{}", site.key(&keyring, Some(&allowing("arn:aws:iam::000000000000:user/bob"))).await);

    let (ann, bob) = (site.log_in(&ann).await.unwrap(), site.log_in(&bob).await.unwrap());

    assert!(site.may_decrypt(&bob, &key));
    assert!(!site.may_decrypt(&site.place.root(&site.accounts), &key), "not even root");
    let refusal = site.judge(&ann, &decrypt(&key)).unwrap_err();
    assert!(refusal.ends_with("because no resource-based policy allows the kms:Decrypt action"), "{refusal}");
}

#[tokio::test]
async fn whoever_gets_the_name_later_is_not_meant_by_a_key() {
    let site = Site::new().await;
    let first = site.user("bob", None).await;
    site.place.world.pass(1);
    let keyring = site.keyring().await;
    let key = format!("key/{}", site.key(&keyring, Some(&allowing("arn:aws:iam::000000000000:user/bob"))).await);
    let could = site.may_decrypt(&site.log_in(&first).await.unwrap(), &key);
    let identities = site.accounts.identities();
    identities.delete_access_key(&site.cx(), "bob", &first.key.id).await.unwrap();
    identities.delete(&site.cx(), IdentityKind::User, "bob").await.unwrap();
    site.place.world.pass(1);

    let second = site.user("bob", None).await;

    assert!(could && !site.may_decrypt(&site.log_in(&second).await.unwrap(), &key));
}

#[tokio::test]
async fn policies_ask_for_the_tags_and_names_of_keys() {
    let site = Site::new().await;
    let tagged = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}}"#;
    let named = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"StringEquals": {"kms:RequestAlias": "alias/app"}}}}"#;
    let (ann, bob) = (site.user("ann", Some(tagged)).await, site.user("bob", Some(named)).await);
    let keyring = site.keyring().await;
    let id = site.key(&keyring, None).await;
    keyring.create_alias(&site.cx(), "alias/app", &id).await.unwrap();
    let key = format!("key/{id}");

    let (ann, bob) = (site.log_in(&ann).await.unwrap(), site.log_in(&bob).await.unwrap());

    assert!(site.may_decrypt(&ann, &key) && site.may_decrypt(&ann, "alias/app"));
    assert!(site.may_decrypt(&bob, "alias/app") && !site.may_decrypt(&bob, &key));
}

#[tokio::test]
async fn a_key_that_another_server_made_a_moment_ago_is_looked_up_before_it_is_decided() {
    let site = Site::new().await;
    let ann = site.user("ann", Some(ALL_OF_KMS)).await;
    let other = site.place.replica().await;
    let keyring = site.keyring().await;
    let key = format!("key/{}", site.key(&keyring, Some(&allowing("arn:aws:iam::000000000000:root"))).await);
    let ann = site.log_in(&ann).await.unwrap();
    let needs = [decrypt(&key)];
    let is_missed = other.misses(&ann, &needs);

    other.look_for_changes().await.unwrap();

    assert!(is_missed && !other.misses(&ann, &needs));
    assert!(other.may(&ann, &needs[0]));
    assert!(!other.misses(&ann, &[Access::to(action::KMS_LIST_KEYS)]));
}

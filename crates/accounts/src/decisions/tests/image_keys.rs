//! What is known of an image is looked up where a policy asks for it, and only there.

use super::*;
use crate::{SeveritySource, SignatureSource};
use gantry_access::Refusal;
use gantry_env::BoxFuture;
use gantry_words::RepositoryName;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

const NO_CRITICAL: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
    {"Sid": "NoCritical", "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*",
     "Condition": {"StringEquals": {"gantry:FindingSeverity": "CRITICAL"}}}]}"#;

/// Knows the image `bad` and the image `good`, and counts how often it is asked.
#[derive(Default)]
struct Found {
    asked: AtomicUsize,
    fails: Mutex<bool>,
}

impl SeveritySource for Found {
    fn worst<'a>(
        &'a self,
        _: &'a Cx,
        repository: &'a RepositoryName,
        tag: Option<&'a str>,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<&'static str>, Fault>> {
        assert_eq!(repository.as_str(), "team/app");
        self.asked.fetch_add(1, Relaxed);
        let found = match tag {
            _ if *self.fails.lock().unwrap() => Err(Fault::internal("the disk is gone")),
            Some("bad") => Ok(Some("CRITICAL")),
            Some("good") => Ok(Some("NONE")),
            _ => Ok(None),
        };
        Box::pin(std::future::ready(found))
    }
}

const SIGNED_ONLY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "*",
     "Condition": {"Bool": {"gantry:Signed": "true"}}}]}"#;

/// Knows that the image `signed` is, and counts how often it is asked.
#[derive(Default)]
struct Signatures {
    asked: AtomicUsize,
    fails: Mutex<bool>,
}

impl SignatureSource for Signatures {
    fn is_signed<'a>(
        &'a self,
        _: &'a Cx,
        repository: &'a RepositoryName,
        tag: Option<&'a str>,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Fault>> {
        assert_eq!(repository.as_str(), "team/app");
        self.asked.fetch_add(1, Relaxed);
        let found = match *self.fails.lock().unwrap() {
            true => Err(Fault::internal("the disk is gone")),
            false => Ok(tag == Some("signed")),
        };
        Box::pin(std::future::ready(found))
    }
}

/// Decides as a door does.
async fn decide(site: &Site, principal: &Principal, access: Access) -> Result<(), String> {
    let mut needs = [access];
    if let Err(Refusal::Unsettled(asked)) = site.accounts.authorize(principal, &needs) {
        let looked_up = site.accounts.look_up_images(&site.cx(), &mut needs, asked).await;
        looked_up.map_err(|fault| fault.to_string())?;
    }
    site.judge(principal, &needs[0])
}

fn tagged(tag: &str) -> Access {
    pull().with_image(Some(tag), None)
}

#[tokio::test]
async fn a_policy_keeps_out_what_is_critical_and_lets_in_what_is_clean_or_not_known() {
    let site = Site::new().await;
    site.accounts.set_severity_source(Arc::new(Found::default()));
    let key = site.user("node", Some(NO_CRITICAL)).await;
    let node = site.log_in(&key).await.unwrap();

    let refused = decide(&site, &node, tagged("bad")).await.unwrap_err();

    assert!(refused.ends_with("with an explicit deny in an identity-based policy"), "{refused}");
    for tag in ["good", "unknown"] {
        assert_eq!(decide(&site, &node, tagged(tag)).await, Ok(()), "{tag}");
    }
    assert_eq!(decide(&site, &node, on(action::ECR_GET_DOWNLOAD_URL_FOR_LAYER)).await, Ok(()));
}

#[tokio::test]
async fn nothing_is_looked_up_for_whom_no_policy_asks_for_it() {
    let site = Site::new().await;
    let found = Arc::new(Found::default());
    site.accounts.set_severity_source(found.clone());
    let (node, ci) = (site.user("node", Some(NO_CRITICAL)).await, site.user("ci", Some(PULL)).await);
    let (node, ci) = (site.log_in(&node).await.unwrap(), site.log_in(&ci).await.unwrap());

    assert_eq!(decide(&site, &ci, tagged("bad")).await, Ok(()));
    assert_eq!(decide(&site, &site.place.root(&site.accounts), tagged("bad")).await, Ok(()));
    assert_eq!(decide(&site, &node, on(action::ECR_PUT_IMAGE).with_image(Some("bad"), None)).await, Ok(()));
    assert_eq!(found.asked.load(Relaxed), 0);
    decide(&site, &node, tagged("bad")).await.unwrap_err();
    assert_eq!(found.asked.load(Relaxed), 1);
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_not_let_through() {
    let site = Site::new().await;
    let found = Arc::new(Found::default());
    *found.fails.lock().unwrap() = true;
    site.accounts.set_severity_source(found);
    let key = site.user("node", Some(NO_CRITICAL)).await;
    let node = site.log_in(&key).await.unwrap();

    decide(&site, &node, tagged("good")).await.unwrap_err();
    assert!(!site.accounts.may(&node, &tagged("good")));
}

#[tokio::test]
async fn a_policy_lets_in_what_is_signed_and_nothing_else() {
    let site = Site::new().await;
    site.accounts.set_signature_source(Arc::new(Signatures::default()));
    let key = site.user("node", Some(SIGNED_ONLY)).await;
    let node = site.log_in(&key).await.unwrap();

    assert_eq!(decide(&site, &node, tagged("signed")).await, Ok(()));
    let refused = decide(&site, &node, tagged("other")).await.unwrap_err();

    assert!(refused.ends_with("because no identity-based policy allows the ecr:BatchGetImage action"), "{refused}");
    decide(&site, &node, pull()).await.unwrap_err();
}

#[tokio::test]
async fn where_nobody_knows_signatures_nothing_is_signed() {
    let site = Site::new().await;
    let key = site.user("node", Some(SIGNED_ONLY)).await;
    let node = site.log_in(&key).await.unwrap();

    decide(&site, &node, tagged("signed")).await.unwrap_err();
}

#[tokio::test]
async fn only_what_a_policy_asks_for_is_looked_up() {
    let site = Site::new().await;
    let (found, signatures) = (Arc::new(Found::default()), Arc::new(Signatures::default()));
    site.accounts.set_severity_source(found.clone());
    site.accounts.set_signature_source(signatures.clone());
    let (signed, clean) = (site.user("signed", Some(SIGNED_ONLY)).await, site.user("clean", Some(NO_CRITICAL)).await);
    let (signed, clean) = (site.log_in(&signed).await.unwrap(), site.log_in(&clean).await.unwrap());

    decide(&site, &signed, tagged("signed")).await.unwrap();
    assert_eq!((found.asked.load(Relaxed), signatures.asked.load(Relaxed)), (0, 1));
    decide(&site, &clean, tagged("good")).await.unwrap();
    assert_eq!((found.asked.load(Relaxed), signatures.asked.load(Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_signature_that_cannot_be_looked_up_lets_nobody_in() {
    let site = Site::new().await;
    let signatures = Arc::new(Signatures::default());
    *signatures.fails.lock().unwrap() = true;
    site.accounts.set_signature_source(signatures);
    let key = site.user("node", Some(SIGNED_ONLY)).await;
    let node = site.log_in(&key).await.unwrap();

    decide(&site, &node, tagged("signed")).await.unwrap_err();
    assert!(!site.accounts.may(&node, &tagged("signed")));
}

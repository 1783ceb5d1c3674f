//! What was found in an image is looked up where a policy asks for it, and only there.

use super::*;
use crate::SeveritySource;
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

/// Decides as a door does.
async fn decide(site: &Site, principal: &Principal, access: Access) -> Result<(), String> {
    let mut needs = [access];
    if let Err(Refusal::Unsettled) = site.accounts.authorize(principal, &needs) {
        site.accounts.look_up_severities(&site.cx(), &mut needs).await.map_err(|fault| fault.to_string())?;
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

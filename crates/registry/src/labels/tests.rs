use super::*;
use crate::{images::ImageSearch, trash::tests::Ground};
use gantry_oci::Reference;
use gantry_query::Order;

fn change(labels: &[(&str, Option<&str>)]) -> Result<LabelChange, LabelError> {
    let labels = labels.iter().map(|(name, value)| (name.to_string(), value.map(String::from)));
    LabelChange::read(labels.collect())
}

fn act(labels: &[(&str, Option<&str>)]) -> LabelImage {
    let digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
    LabelImage { repository: 1, name: "team/app".parse().unwrap(), digest, change: change(labels).unwrap() }
}

fn held(labels: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
}

#[test]
fn names_and_values_are_lines_of_text_within_their_limits() {
    let long = "a".repeat(IMAGE_LABEL_NAME_BYTES_MAX + 1);
    for name in ["", " a", "a ", "a=b", "a\nb", "a-", &long] {
        assert!(matches!(change(&[(name, Some("x"))]), Err(LabelError::Name(_))), "{name:?}");
    }
    let long = "a".repeat(IMAGE_LABEL_VALUE_BYTES_MAX + 1);
    for value in ["a\nb", &long] {
        assert_eq!(change(&[("a", Some(value))]), Err(LabelError::Value("a".into())), "{value:?}");
    }
    for (name, value) in [("org.example/team", "blue"), ("needs review", ""), ("ä", "=")] {
        assert!(change(&[(name, Some(value))]).is_ok(), "{name:?}");
    }
    assert_eq!(change(&[]), Err(LabelError::Empty));
}

#[test]
fn only_what_is_different_is_written() {
    let act = act(&[("team", Some("blue")), ("stage", Some("prod")), ("old", None), ("never", None)]);

    let plan =
        act.decide(held(&[("team", "blue"), ("stage", "test"), ("old", "x"), ("kept", "y")]), Timestamp::default());

    let expected = LabelPlan { set: vec![("stage".into(), "prod".into())], removed: vec!["old".into()] };
    assert_eq!(plan.unwrap(), expected);
}

#[test]
fn an_image_has_no_more_labels_than_it_may_have() {
    let full: Option<BTreeMap<String, String>> =
        Some((0..IMAGE_LABELS_MAX).map(|number| (format!("l{number}"), String::new())).collect());

    assert_eq!(
        act(&[("x", Some("y"))]).decide(full.clone(), Timestamp::default()).unwrap_err().kind,
        FaultKind::LimitExceeded
    );
    assert!(act(&[("x", Some("y")), ("l0", None)]).decide(full.clone(), Timestamp::default()).is_ok());
    assert!(act(&[("l0", Some("y"))]).decide(full, Timestamp::default()).is_ok());
    assert_eq!(act(&[("x", None)]).decide(None, Timestamp::default()).unwrap_err().kind, FaultKind::ImageNotFound);
}

async fn labels_of(ground: &Ground, digest: &Digest) -> BTreeMap<String, String> {
    let reference = Reference::Digest(digest.clone());
    ground.registry.images.describe(&ground.repository, &reference).await.unwrap().labels
}

/// Digests of the images of the ground's repository that a query means.
async fn found(ground: &Ground, query: &str) -> Vec<String> {
    let search = ImageSearch {
        query: query.parse().unwrap(),
        order: Order::default(),
        after: None,
        count: 100,
        now: ground.cx().now,
    };
    let page = ground.registry.images.search(vec![ground.repository.clone().into()], search).await.unwrap();
    page.images.into_iter().map(|found| found.image.digest).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_found_stay_in_the_trash_and_come_back() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        ground.image("other", &["v2"]).await;
        let labels = change(&[("team", Some("blue")), ("stage", Some("prod"))]).unwrap();
        ground.registry.images.label(&ground.cx(), &ground.repository, &image, labels).await.unwrap();

        assert_eq!(found(&ground, "label:team=blue").await, [image.to_string()]);
        assert_eq!(found(&ground, "label:team=red").await, [""; 0]);
        ground.remove(image.clone()).await;
        ground.restore(image.as_str()).await.unwrap();

        assert_eq!(Some(labels_of(&ground, &image).await), held(&[("stage", "prod"), ("team", "blue")]));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_go_with_the_image() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        let labels = || change(&[("team", Some("blue"))]).unwrap();
        ground.registry.images.label(&ground.cx(), &ground.repository, &image, labels()).await.unwrap();
        ground.remove(image.clone()).await;
        ground.registry.trash.empty(&ground.in_days(1), None).await.unwrap();

        let again = ground.image("config", &["v1"]).await;

        assert_eq!(again, image);
        assert_eq!(labels_of(&ground, &image).await, BTreeMap::new());
    }
}

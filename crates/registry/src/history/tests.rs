use super::*;
use crate::trash::tests::Ground;

async fn roll_back(ground: &Ground, back: Back) -> Result<Digest, Fault> {
    ground.registry.tags.rollback(&ground.cx(), &ground.repository, &tag(), back).await
}

async fn moves(ground: &Ground) -> Vec<(Option<String>, Option<String>)> {
    let page = ground.registry.tags.history(&ground.repository, &tag(), None, 100).await.unwrap();
    page.items.into_iter().map(|moved| (moved.from, moved.to)).collect()
}

async fn points_to(ground: &Ground) -> Option<Digest> {
    ground.registry.images.resolve(ground.repository.id, &tag()).await.unwrap()
}

fn tag() -> Tag {
    "v1".parse().unwrap()
}

fn some(digest: &Digest) -> Option<String> {
    Some(digest.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_tag_points_where_it_did_before_and_its_history_says_so() {
    for ground in Ground::both().await {
        let (one, two) = (ground.image("one", &["v1"]).await, ground.image("two", &["v1"]).await);

        let rolled_back = roll_back(&ground, Back::Steps(1)).await.unwrap();

        assert_eq!((rolled_back, points_to(&ground).await), (one.clone(), Some(one.clone())));
        assert_eq!(moves(&ground).await, [(some(&two), some(&one)), (some(&one), some(&two)), (None, some(&one))]);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_goes_back_by_several_moves_or_to_an_image_it_pointed_to() {
    for ground in Ground::both().await {
        let one = ground.image("one", &["v1"]).await;
        let two = ground.image("two", &["v1"]).await;
        ground.image("three", &["v1"]).await;
        let elsewhere = ground.image("four", &[]).await;

        assert_eq!(roll_back(&ground, Back::Steps(2)).await.unwrap(), one);
        assert_eq!(roll_back(&ground, Back::To(two.clone())).await.unwrap(), two);
        let never = roll_back(&ground, Back::To(elsewhere)).await.unwrap_err();
        let too_far = roll_back(&ground, Back::Steps(99)).await.unwrap_err();
        let before_it_was = roll_back(&ground, Back::Steps(5)).await.unwrap_err();

        assert!(never.message.contains("never pointed to"), "{}", never.message);
        assert!(too_far.message.contains("has moved 5 times"), "{}", too_far.message);
        assert!(before_it_was.message.contains("did not exist before"), "{}", before_it_was.message);
        assert_eq!(points_to(&ground).await, Some(two));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_removed_with_its_image_comes_back_alone() {
    for ground in Ground::both().await {
        let image = ground.image("one", &["v1", "v2"]).await;
        ground.remove(image.clone()).await;

        roll_back(&ground, Back::Steps(1)).await.unwrap();

        assert_eq!(points_to(&ground).await, Some(image));
        assert_eq!(ground.registry.images.resolve(ground.repository.id, &"v2".parse().unwrap()).await.unwrap(), None);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_does_not_go_back_to_an_image_that_is_gone() {
    for ground in Ground::both().await {
        let one = ground.image("one", &["v1"]).await;
        let two = ground.image("two", &["v1"]).await;
        ground.remove(one.clone()).await;
        ground.registry.trash.empty(&ground.cx(), None).await.unwrap();

        let refused = roll_back(&ground, Back::Steps(1)).await.unwrap_err();

        assert_eq!(refused.kind, FaultKind::ImageNotFound);
        assert!(refused.message.contains("that image is gone"), "{}", refused.message);
        assert_eq!(points_to(&ground).await, Some(two));
        assert!(!ground.holds(&one).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_comes_in_pages_and_says_who_when_and_by_which_request() {
    for ground in Ground::both().await {
        let image = ground.image("one", &["v1"]).await;
        ground.remove(tag()).await;
        let tags = &ground.registry.tags;

        let first = tags.history(&ground.repository, &tag(), None, 1).await.unwrap();
        let second = tags.history(&ground.repository, &tag(), Some(first.items[0].id), 1).await.unwrap();
        let never = tags.history(&ground.repository, &"v9".parse().unwrap(), None, 1).await.unwrap_err();

        assert_eq!((first.items[0].from.clone(), first.items[0].to.clone()), (some(&image), None));
        assert_eq!((second.items[0].actor.as_str(), second.has_more), ("somebody", false));
        assert!(second.items[0].at <= first.items[0].at && second.items[0].request_id != first.items[0].request_id);
        assert!(first.has_more && never.message.contains("never had a tag"), "{}", never.message);
    }
}

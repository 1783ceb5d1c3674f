use super::*;
use crate::{Hold, protection::Held, trash::tests::Ground};
use gantry_oci::Reference;

const NOW: Timestamp = Timestamp::from_millis(7);

fn digest(byte: char) -> Digest {
    format!("sha256:{}", String::from(byte).repeat(64)).parse().unwrap()
}

fn row(digest: &Digest) -> ManifestRow {
    ManifestRow {
        digest: digest.to_string(),
        kind: "image".into(),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        artifact_type: None,
        subject: None,
        size: 1,
        bytes: 1,
        tag_count: 1,
        parent_count: 0,
        pushed_at: NOW,
        pushed_at_precision: gantry_words::Precision::Exact,
        pushed_by: "somebody".into(),
        last_pulled_at: None,
        hold: None,
        storage_class: "STANDARD".into(),
        archived_at: None,
        activated_at: None,
    }
}

fn held(digest: &Digest) -> Option<Held> {
    let hold = Hold { since: NOW, by: "alice".into(), reason: "case 7".into() };
    Some(Held { digest: digest.to_string(), hold })
}

fn seen(tags: &[&str]) -> ImageSeen {
    let protected = ProtectedTags::of(&["release-*"]);
    let tags = tags.iter().map(ToString::to_string).collect();
    ImageSeen { manifest: Some(row(&digest('a'))), tags, protected, ..ImageSeen::default() }
}

fn remove_image() -> RemoveImage {
    RemoveImage {
        repository: 1,
        name: "team/app".parse().unwrap(),
        digest: digest('a'),
        is_kept: true,
        rule: None,
        actor: "somebody".into(),
        request_id: RequestId::new([7; 16]),
    }
}

fn remove_tagged(tag: &str) -> RemoveTagged {
    let RemoveImage { repository, name, is_kept, actor, request_id, .. } = remove_image();
    RemoveTagged { repository, name, tag: tag.parse().unwrap(), is_kept, actor, request_id }
}

fn remove_tag(tag: &str) -> RemoveTag {
    let RemoveTagged { repository, name, tag, actor, request_id, .. } = remove_tagged(tag);
    RemoveTag { repository, name, tag, actor, request_id }
}

#[test]
fn an_image_goes_unless_a_hold_an_index_or_a_protected_tag_keeps_it() {
    let (own, other) = (held(&digest('a')), held(&digest('b')));
    let parents = vec![digest('b').to_string()];
    for (seen, expected) in [
        (seen(&["v1", "latest"]), None),
        (ImageSeen { held: own.clone(), ..seen(&["v1"]) }, Some(FaultKind::ImageHeld)),
        (ImageSeen { held: own, parents: parents.clone(), ..seen(&[]) }, Some(FaultKind::ImageHeld)),
        (ImageSeen { held: other.clone(), parents, ..seen(&[]) }, Some(FaultKind::ImageReferenced)),
        (ImageSeen { held: other, ..seen(&[]) }, Some(FaultKind::ImageHeld)),
        (seen(&["v1", "release-1"]), Some(FaultKind::TagProtected)),
    ] {
        let decided = remove_image().decide(seen.clone(), NOW).map_err(|fault| fault.kind);

        assert_eq!(decided.err(), expected, "{seen:?}");
    }
}

#[test]
fn a_tag_goes_from_a_held_image_only_where_that_stays() {
    let tagged = |last| Some(TaggedSeen { digest: digest('a'), last, protected: ProtectedTags::default() });
    let last = ImageSeen { held: held(&digest('a')), ..seen(&["v1"]) };

    let untagged = remove_tagged("v1").decide(tagged(None), NOW).unwrap();
    let refused = remove_tagged("v1").decide(tagged(Some(last)), NOW).unwrap_err();

    assert_eq!(untagged, TaggedPlan::Untag(digest('a'), NOW));
    assert_eq!(refused.kind, FaultKind::ImageHeld);
}

#[test]
fn a_protected_tag_goes_in_no_way() {
    let protected = || ProtectedTags::of(&["release-*"]);
    let tagged = |last| Some(TaggedSeen { digest: digest('a'), last, protected: protected() });
    let tag = || Some(TagSeen { digest: digest('a').to_string(), protected: protected() });

    let refused = [
        remove_tagged("release-1").decide(tagged(None), NOW).unwrap_err(),
        remove_tagged("release-1").decide(tagged(Some(seen(&["release-1"]))), NOW).unwrap_err(),
        remove_tag("release-1").decide(tag(), NOW).unwrap_err(),
    ];

    for fault in refused {
        assert_eq!(fault.kind, FaultKind::TagProtected);
        assert!(fault.message.contains("'release-*'"), "{fault}");
    }
    assert!(remove_tag("v1").decide(tag(), NOW).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_an_image_and_what_belongs_to_it_until_it_is_lifted() {
    for ground in Ground::both().await {
        let child = ground.image("child", &[]).await;
        let index = ground.index("child", &["v1", "v2"]).await;
        let signature = ground.signature("signature", &child).await;
        let (images, repository, cx) = (&ground.registry.images, &ground.repository, ground.cx());
        images.hold(&cx, repository, &index, "case 7".parse().unwrap()).await.unwrap();

        let kinds = [
            images.remove(&cx, repository, &index.clone().into()).await.unwrap_err().kind,
            images.remove(&cx, repository, &child.clone().into()).await.unwrap_err().kind,
            images.remove(&cx, repository, &signature.clone().into()).await.unwrap_err().kind,
            ground.registry.repositories.delete(&cx, &repository.name, true).await.unwrap_err().kind,
        ];
        let hold = images.describe(repository, &index.clone().into()).await.unwrap().hold.unwrap();
        images.remove_tagged(&cx, repository, &"v1".parse().unwrap()).await.unwrap();
        let of_the_last = images.remove_tagged(&cx, repository, &"v2".parse().unwrap()).await.unwrap_err().kind;

        use FaultKind::{ImageHeld, ImageReferenced};
        assert_eq!(kinds, [ImageHeld, ImageReferenced, ImageHeld, ImageHeld]);
        assert_eq!((hold.by.as_str(), hold.reason.as_str(), hold.since), ("somebody", "case 7", cx.now));
        assert_eq!(of_the_last, ImageHeld);

        images.release(&cx, repository, &index).await.unwrap();
        images.release(&cx, repository, &index).await.unwrap();

        assert_eq!(images.describe(repository, &index.clone().into()).await.unwrap().hold, None);
        ground.remove(signature).await;
        ground.remove(index).await;
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_held() {
    let [ground, _] = Ground::both().await;
    let image = ground.image("config", &["v1"]).await;
    ground.remove(image.clone()).await;

    let held = ground.registry.images.hold(&ground.cx(), &ground.repository, &image, "case 7".parse().unwrap()).await;

    assert_eq!(held.unwrap_err().kind, FaultKind::ImageNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_tag_may_move_and_its_old_image_may_go_then() {
    for ground in Ground::both().await {
        let old = ground.image("old", &["release-1"]).await;
        let (images, repositories, name, cx) =
            (&ground.registry.images, &ground.registry.repositories, &ground.repository.name, ground.cx());
        let pattern = || ProtectedTags::parse("release-*").unwrap();
        repositories.protect_tags(&cx, name, pattern()).await.unwrap();

        let kinds = [
            images.remove(&cx, &ground.repository, &old.clone().into()).await.unwrap_err().kind,
            images
                .remove(&cx, &ground.repository, &Reference::Tag("release-1".parse().unwrap()))
                .await
                .unwrap_err()
                .kind,
            repositories.delete(&cx, name, true).await.unwrap_err().kind,
        ];
        assert_eq!(kinds, [FaultKind::TagProtected; 3]);
        ground.image("new", &["release-1"]).await;
        ground.remove(old).await;

        let rules = repositories.unprotect_tags(&cx, name, pattern()).await.unwrap().rules;
        assert!(rules.protected_tags.is_empty());
        assert_eq!(
            repositories.unprotect_tags(&cx, name, pattern()).await.unwrap_err().kind,
            FaultKind::InvalidParameter
        );
        repositories.delete(&cx, name, true).await.unwrap();
    }
}

use super::*;
use crate::{
    BlobFound, DocumentKind,
    link::{LinkBlob, Linked, Source},
    trash::tests::Ground,
    two_writers::{digest_of, image_of},
};
use futures_util::TryStreamExt;
use gantry_fault::FaultKind;
use gantry_lifecycle::Policy;
use gantry_metadata::suite::two_writers;
use serde_json::json;

impl Ground {
    async fn archive(&self, digest: &Digest) -> Result<ImageStatus, Fault> {
        self.registry.archive.put(&self.cx(), &self.repository, digest).await
    }

    async fn take(&self, digest: &Digest) -> Result<ImageStatus, Fault> {
        self.registry.archive.take(&self.cx(), &self.repository, digest).await
    }

    /// Lets bytes move.
    async fn round(&self) -> MovedBlobs {
        self.round_in(0).await
    }

    /// The same, in so many days.
    async fn round_in(&self, days: u32) -> MovedBlobs {
        self.registry.archive.round(&self.in_days(days), "this one").await.expect("it moves what has to move")
    }

    async fn status(&self, digest: &Digest) -> ImageStatus {
        let found = self.registry.images.describe(&self.repository, &digest.clone().into()).await;
        found.expect("it is there").status
    }

    async fn blob_is_here(&self, digest: &Digest) -> bool {
        let found = self.registry.blobs.check(&self.cx(), &self.repository, digest).await;
        found.is_ok_and(|BlobFound { size }| size > 0)
    }

    /// The blobs in the store: those at hand, and those in the archive.
    async fn stored(&self) -> (usize, usize) {
        let all: Vec<_> = self.registry.ports.store.list().try_collect().await.expect("it is listed");
        let archived = all.iter().filter(|found| found.key.is_archived()).count();
        (all.len() - archived, archived)
    }

    /// Pushes another image of the blob of `text`.
    async fn sibling(&self, text: &str, tag: &str) -> Digest {
        self.blob(text).await;
        self.sibling_of(text, tag).await
    }

    /// The same, of a blob that is there.
    async fn sibling_of(&self, text: &str, tag: &str) -> Digest {
        let config = digest_of(text.as_bytes());
        let mut document = image_of(&config, text.len());
        document["annotations"] = json!({"tag": tag});
        self.put(&document, &[tag]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_image_answers_nobody_and_comes_back_as_it_was() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;

        let archived = ground.archive(&image).await.unwrap();
        let refused = ground.load("v1").await.unwrap_err();
        let moved = ground.round().await;
        let away = (ground.blob_is_here(&digest_of(b"config")).await, ground.stored().await);
        ground.assert_sound().await;
        let asked = ground.take(&image).await.unwrap();
        let early = ground.load("v1").await.unwrap_err();
        let returned = ground.round().await;

        assert_eq!((archived, refused.kind), (ImageStatus::Archived, FaultKind::ImageArchived));
        assert!(refused.message.contains("update-image-storage-class"), "{}", refused.message);
        assert_eq!((moved.archived, moved.bytes), (1, 6));
        assert_eq!(away, (false, (0, 1)));
        assert_eq!((asked, early.kind), (ImageStatus::Activating, FaultKind::ImageArchived));
        assert_eq!((returned.returned, returned.images), (1, 1));
        assert_eq!(ground.load("v1").await.unwrap().digest, image);
        assert_eq!((ground.blob_is_here(&digest_of(b"config")).await, ground.stored().await), (true, (1, 0)));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_lies_in_the_archive_once_nothing_else_needs_it() {
    for ground in Ground::both().await {
        let first = ground.sibling("config", "first").await;
        let second = ground.sibling("config", "second").await;

        ground.archive(&first).await.unwrap();
        let (shared, here) = (ground.round().await, ground.stored().await);
        ground.archive(&second).await.unwrap();
        let (alone, there) = (ground.round().await, ground.stored().await);
        ground.take(&first).await.unwrap();
        let (back, again) = (ground.round().await, ground.stored().await);

        assert_eq!((shared.archived, here), (0, (1, 0)));
        assert_eq!((alone.archived, there), (1, (0, 1)));
        assert_eq!((back.returned, again), (1, (1, 0)));
        assert_eq!(
            (ground.status(&first).await, ground.status(&second).await),
            (ImageStatus::Active, ImageStatus::Archived)
        );
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_image_needed_follows_when_that_is_destroyed() {
    for ground in Ground::both().await {
        let archived = ground.sibling("config", "archived").await;
        let needing = ground.sibling("config", "needing").await;
        ground.archive(&archived).await.unwrap();
        ground.remove(needing.clone()).await;
        let in_trash = ground.round().await;

        ground.registry.trash.round(&ground.in_days(8)).await.unwrap();
        let destroyed = ground.round_in(9).await;

        assert_eq!(in_trash.archived, 0, "it can still be had back");
        assert_eq!((destroyed.archived, ground.stored().await), (1, (0, 1)));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_goes_with_what_only_it_reaches_and_comes_back_with_that() {
    for ground in Ground::both().await {
        let child = ground.image("child", &[]).await;
        let index = ground.index("child", &["v1"]).await;
        let signature = ground.signature("signature", &index).await;
        let all = [&child, &index, &signature];

        let refused = ground.archive(&child).await.unwrap_err();
        ground.archive(&index).await.unwrap();
        let moved = ground.round().await;
        let mut away = Vec::new();
        for digest in all {
            away.push(ground.status(digest).await);
        }
        ground.assert_sound().await;
        ground.take(&index).await.unwrap();
        let returned = ground.round().await;

        assert_eq!(refused.kind, FaultKind::StorageClassUpdateUnsupported);
        assert_eq!((moved.archived, away), (2, vec![ImageStatus::Archived; 3]));
        assert_eq!((returned.returned, returned.images), (2, 3));
        for digest in all {
            assert!(ground.holds(digest).await, "{digest}");
        }
        assert_eq!(ground.archive(&child).await.unwrap_err().kind, FaultKind::StorageClassUpdateUnsupported);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_two_images_goes_when_a_policy_archives_both() {
    for ground in Ground::both().await {
        let child = ground.image("child", &[]).await;
        let indexes = [ground.index("child", &["v1"]).await, ground.other_index("child", &["v2"]).await];
        ground.image("newest", &["v3"]).await;
        let rule = json!({
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
            "action": {"type": "transition", "targetStorageClass": "archive"}
        });
        let (of, policy) = (Some(&ground.repository), json!({"rules": [rule]}).to_string());
        let documents = &ground.registry.documents;
        documents.put(&ground.cx(), of, DocumentKind::LifecyclePolicy, "", policy).await.unwrap();

        let (run, _) = ground.registry.lifecycle.run(&ground.in_days(1), &ground.repository).await.unwrap();
        let away = ground.status(&child).await;
        ground.take(&indexes[0]).await.unwrap();
        ground.archive(&indexes[0]).await.unwrap();
        let again = ground.status(&child).await;
        ground.take(&indexes[1]).await.unwrap();
        ground.round().await;

        assert_eq!((run.archived, away, again), (2, ImageStatus::Archived, ImageStatus::Archived));
        assert!(ground.holds(&child).await && ground.holds(&indexes[1]).await);
        assert_eq!(ground.status(&indexes[0]).await, ImageStatus::Archived);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_image_expires_by_a_rule_of_its_own() {
    for ground in Ground::both().await {
        let archived = ground.image("archived", &["v1"]).await;
        ground.image("standard", &["v2"]).await;
        ground.archive(&archived).await.unwrap();
        let rule = json!({
            "rulePriority": 1,
            "selection": {
                "tagStatus": "any", "storageClass": "archive",
                "countType": "sinceImageTransitioned", "countUnit": "days", "countNumber": 90
            },
            "action": {"type": "expire"}
        });
        let policy = || Policy::parse(&json!({"rules": [rule]}).to_string(), &Default::default()).unwrap();
        let images = &ground.registry.images;

        let early = images.preview(&ground.repository, policy(), ground.in_days(89).now).await.unwrap();
        let due = images.preview(&ground.repository, policy(), ground.in_days(91).now).await.unwrap();

        assert_eq!(early.images, []);
        let due: Vec<_> = due.images.into_iter().map(|image| (image.tags, image.is_archived)).collect();
        assert_eq!(due, [(vec!["v1".to_string()], true)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_with_a_tag_stays_and_is_free() {
    for ground in Ground::both().await {
        let child = ground.image("child", &["amd64"]).await;
        let index = ground.index("child", &["v1"]).await;

        ground.archive(&index).await.unwrap();
        let stays = ground.holds(&child).await;
        ground.assert_sound().await;
        ground.remove(child.clone()).await;
        let refused = ground.take(&index).await.unwrap_err();
        ground.restore(child.as_str()).await.unwrap();
        ground.take(&index).await.unwrap();
        ground.round().await;

        assert!(stays);
        assert_eq!(refused.kind, FaultKind::StorageClassUpdateUnsupported);
        assert!(refused.message.contains("gantry trash restore"), "{}", refused.message);
        assert!(ground.holds(&index).await);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_pushes_an_archived_image_again_brings_it_back() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        ground.archive(&image).await.unwrap();
        ground.round().await;

        let without_blob = ground.put_again("config").await.unwrap_err();
        let again = ground.image("config", &["v1"]).await;

        assert_eq!(without_blob.kind, FaultKind::LayersNotFound);
        assert!(without_blob.message.contains("archive"), "{}", without_blob.message);
        assert_eq!((again, ground.status(&image).await), (image, ImageStatus::Active));
        assert_eq!(ground.round().await, MovedBlobs::default());
        ground.collect(1).await;
        assert_eq!(ground.stored().await, (1, 0));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_image_in_the_trash_is_archived_still_and_destroyed_with_its_bytes() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        ground.archive(&image).await.unwrap();
        ground.round().await;

        ground.remove(image.clone()).await;
        ground.assert_sound().await;
        ground.restore("v1").await.unwrap();
        let restored = ground.status(&image).await;
        ground.remove(image.clone()).await;
        ground.registry.trash.round(&ground.in_days(8)).await.unwrap();
        ground.collect(10).await;

        assert_eq!(restored, ImageStatus::Archived);
        assert_eq!(ground.stored().await, (0, 0));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_is_told_of_stays_at_hand_until_it_has_pushed_its_image() {
    for ground in Ground::both().await {
        let first = ground.image("config", &["v1"]).await;
        ground.archive(&first).await.unwrap();

        let told = ground.blob_is_here(&digest_of(b"config")).await;
        let meanwhile = ground.round().await;
        let second = ground.sibling_of("config", "v2").await;

        assert!(told);
        assert_eq!(meanwhile.archived, 0);
        assert!(ground.holds(&second).await);
        ground.assert_sound().await;
    }
}

impl Ground {
    /// The act that lets the blob of `text` lie in the archive, where its bytes are already.
    async fn moving(&self, text: &str) -> MoveBlob {
        let digest = digest_of(text.as_bytes());
        let wanted = digest.to_string();
        let copy = self
            .metadata
            .read(move |rows| blobs::present_copy(rows, &wanted, ""))
            .await
            .unwrap()
            .expect("it is at hand");
        let (from, id) = (parse_key(&copy.location).unwrap(), self.registry.ports.env.fresh_id());
        let to = location(&digest, id).unwrap().archived().unwrap();
        self.registry.ports.store.copy(&from, &to, gantry_store::Algorithm::Sha256).await.unwrap();
        MoveBlob { digest: digest.to_string(), to: Some((copy.id, Direction::ToArchive, id, to.to_string())) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_do_not_move_away_from_under_a_mount() {
    let [_, ground] = Ground::both().await;
    let other = ground.registry.repositories.create(&ground.cx(), &"team/other".parse().unwrap()).await.unwrap();
    let image = ground.image("config", &["v1"]).await;
    ground.archive(&image).await.unwrap();
    let mount = LinkBlob {
        account: gantry_words::AccountId::DEFAULT,
        repository: other.id,
        name: other.name.clone(),
        digest: digest_of(b"config"),
        size: 6,
        domain: String::new(),
        from: Source::Repository(ground.repository.id),
        upload: None,
        hold: None,
        grace: Duration::ZERO,
    };

    let moving = ground.moving("config").await;
    let (mounted, moved) = two_writers(&ground.metadata, &ground.cx(), mount, moving).await;

    let is_mounted = matches!(mounted.expect("the mount runs"), Linked::Done { .. });
    assert_ne!(is_mounted, moved.expect("the move runs"));
    let found = ground.registry.blobs.check(&ground.cx(), &other, &digest_of(b"config")).await;
    assert_eq!(found.is_ok(), is_mounted);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_asked_back_while_its_bytes_move_comes_back() {
    let [_, ground] = Ground::both().await;
    let image = ground.image("config", &["v1"]).await;
    ground.archive(&image).await.unwrap();
    let activation =
        ActivateImage { repository: ground.repository.id, name: ground.repository.name.clone(), digest: image.clone() };

    let moving = ground.moving("config").await;
    let (asked, _) = two_writers(&ground.metadata, &ground.cx(), activation, moving).await;
    ground.round().await;

    assert_eq!(asked.expect("it is asked back"), ImageStatus::Activating);
    assert!(ground.holds(&image).await && ground.blob_is_here(&digest_of(b"config")).await);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_knows_what_it_has_in_the_archive() {
    for ground in Ground::both().await {
        let shared = ground.sibling("shared", "one").await;
        ground.sibling("shared", "two").await;
        let alone = ground.image("alone", &["three"]).await;

        ground.archive(&shared).await.unwrap();
        ground.archive(&alone).await.unwrap();

        let found = ground.registry.archive.of(&ground.repository).await.unwrap();
        assert_eq!(found, ArchiveCounts { images: 2, bytes: 5 });
    }
}

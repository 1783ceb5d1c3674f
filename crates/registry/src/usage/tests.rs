use super::*;
use crate::{
    FsckOptions, Repository,
    link::{LinkBlob, Linked, Source},
    trash::tests::Ground,
    two_writers::{digest_of, image_of},
};
use bytes::Bytes;
use gantry_metadata::{Locks, suite::two_writers};
use gantry_oci::{Digest, Reference};
use gantry_words::AccountId;

async fn create(ground: &Ground, name: &str) -> Repository {
    ground.registry.repositories.create(&ground.cx(), &name.parse().unwrap()).await.unwrap()
}

async fn usages(ground: &Ground) -> Vec<RepositoryUsage> {
    ground.registry.usages.repositories(&ground.cx(), "").await.unwrap()
}

/// Logical and unique bytes of each repository, in the order of names.
async fn bytes(ground: &Ground) -> Vec<(u64, u64)> {
    usages(ground).await.iter().map(|found| (found.usage.logical_bytes, found.usage.unique_bytes)).collect()
}

async fn mount(ground: &Ground, target: &Repository, digest: &Digest) {
    assert!(ground.registry.blobs.mount(&ground.cx(), target, &ground.repository, digest).await.unwrap());
}

fn mounting(to: &Repository, from: &Repository, digest: &Digest) -> LinkBlob {
    LinkBlob {
        account: AccountId::DEFAULT,
        repository: to.id,
        name: to.name.clone(),
        digest: digest.clone(),
        size: 0,
        domain: String::new(),
        from: Source::Repository(from.id),
        upload: None,
        hold: None,
        grace: Duration::ZERO,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_unique_while_one_repository_alone_links_them() {
    for ground in Ground::both().await {
        let (second, third) = (create(&ground, "team/second").await, create(&ground, "team/third").await);
        ground.image("twelve bytes", &["v1"]).await;
        let layer = ground.blob("seven b").await;

        let alone = bytes(&ground).await;
        mount(&ground, &second, &layer).await;
        let of_two = bytes(&ground).await;
        mount(&ground, &third, &layer).await;
        let of_three = bytes(&ground).await;
        ground.registry.blobs.remove(&ground.cx(), &ground.repository, &layer).await.unwrap();
        let of_two_others = bytes(&ground).await;
        ground.registry.blobs.remove(&ground.cx(), &third, &layer).await.unwrap();
        let of_one = bytes(&ground).await;
        assert_eq!(ground.collect(1).await, 1);

        assert_eq!(alone, [(19, 19), (0, 0), (0, 0)]);
        assert_eq!(of_two, [(19, 12), (7, 0), (0, 0)]);
        assert_eq!(of_three, [(19, 12), (7, 0), (7, 0)]);
        assert_eq!(of_two_others, [(12, 12), (7, 0), (7, 0)]);
        assert_eq!(of_one, [(12, 12), (7, 7), (0, 0)]);
        assert_eq!(bytes(&ground).await, [(12, 12), (0, 0), (0, 0)]);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shared_with_a_deleted_repository_is_unique_once_that_is_collected() {
    for ground in Ground::both().await {
        let second = create(&ground, "team/second").await;
        ground.image("config", &["v1"]).await;
        let config = digest_of(b"config");
        mount(&ground, &second, &config).await;
        let body = Bytes::from(image_of(&config, 6).to_string());
        let to = Reference::Digest(digest_of(&body));
        ground.registry.images.put_image(&ground.cx(), &second, &to, vec![], None, body).await.unwrap();
        ground.delete_repository().await;

        let in_trash = bytes(&ground).await;
        ground.registry.trash.round(&ground.in_days(8)).await.unwrap();
        let freed = ground.collect(9).await;

        assert_eq!((in_trash, freed), (vec![(6, 0)], 0));
        assert_eq!(bytes(&ground).await, [(6, 6)]);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_repositories_that_take_each_others_blob_at_once_both_get_it() {
    let [_, ground] = Ground::both().await;
    let second = create(&ground, "team/second").await;
    let (one, other) = (ground.blob("one").await, ground.blob("other").await);
    mount(&ground, &second, &other).await;
    ground.registry.blobs.remove(&ground.cx(), &ground.repository, &other).await.unwrap();

    let (to_second, to_first) =
        (mounting(&second, &ground.repository, &one), mounting(&ground.repository, &second, &other));
    let (first, then) = two_writers(&ground.metadata, &ground.cx(), to_second, to_first).await;

    let is_done = |linked: Result<Linked, _>| matches!(linked, Ok(Linked::Done { .. }));
    assert!(is_done(first) && is_done(then));
    assert_eq!(bytes(&ground).await, [(8, 0), (8, 0)]);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_is_told_from_a_sample_of_each_day() {
    for ground in Ground::both().await {
        let usages_room = &ground.registry.usages;
        create(&ground, "team/second").await;
        ground.blob("ten bytes.").await;
        let first = usages_room.round(&ground.cx()).await.unwrap();
        let again = usages_room.round(&ground.cx()).await.unwrap();
        let unknown = usages(&ground).await[0].usage.growth_bytes_per_day;
        ground.blob("thirty bytes, to be exact: so.").await;

        let next_day = usages_room.round(&ground.in_days(1)).await.unwrap();

        assert_eq!((first, again, next_day), (2, 0, 2));
        let growths: Vec<_> = usages(&ground).await.iter().map(|found| found.usage.growth_bytes_per_day).collect();
        assert_eq!((unknown, growths), (None, vec![Some(30), Some(0)]));
        let store = usages_room.store(ground.in_days(1).now).await.unwrap();
        assert_eq!((store.used_bytes, store.growth_bytes_per_day), (Some(40), Some(30)));
        assert_eq!(store.days_until_full, Some(store.free_bytes / 30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_kept_for_thirty_days_and_not_of_what_is_gone() {
    for ground in Ground::both().await {
        let usages_room = &ground.registry.usages;
        let second = create(&ground, "team/second").await;
        ground.blob("ten bytes.").await;
        usages_room.round(&ground.cx()).await.unwrap();
        ground.registry.repositories.delete(&ground.cx(), &second.name, false).await.unwrap();
        usages_room.round(&ground.in_days(30)).await.unwrap();
        let (first, wanted) = (ground.repository.id, [ground.repository.id, second.id]);
        let known = ground.metadata.read(move |rows| usage::days(rows, &wanted, 0)).await.unwrap();

        usages_room.round(&ground.in_days(31)).await.unwrap();

        let left = ground.metadata.read(move |rows| usage::days(rows, &wanted, 0)).await.unwrap();
        assert_eq!(known.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [first, first]);
        assert_eq!(left.len(), 2, "the first is forgotten: {left:?}");
        assert_eq!(left[0].1.day, known[1].1.day);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_has_those_below_it_alone() {
    for ground in Ground::both().await {
        for name in ["team", "team-b/app", "team/app/x", "teams"] {
            create(&ground, name).await;
        }
        let below = ground.registry.usages.repositories(&ground.cx(), "team/").await.unwrap();
        let with = ground.registry.usages.repositories(&ground.cx(), "team").await.unwrap();
        let none = ground.registry.usages.repositories(&ground.cx(), "x").await.unwrap();

        let names = |found: &[RepositoryUsage]| found.iter().map(|found| found.name.to_string()).collect::<Vec<_>>();
        assert_eq!((names(&below), none.len()), (vec!["team/app".to_string(), "team/app/x".into()], 0));
        assert_eq!(names(&with), ["team", "team/app", "team/app/x"]);
        assert_eq!(usages(&ground).await.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_is_that_of_its_repositories() {
    for ground in Ground::both().await {
        let second = create(&ground, "team/second").await;
        create(&ground, "other").await;
        ground.image("config", &["v1"]).await;
        mount(&ground, &second, &digest_of(b"config")).await;
        ground.registry.usages.round(&ground.cx()).await.unwrap();
        let image = ground.image("more", &["v2"]).await;
        ground.registry.traffic.pulled(&ground.cx(), &ground.repository, &image);
        ground.registry.traffic.write_down(&ground.cx()).await.unwrap();
        ground.registry.usages.round(&ground.in_days(1)).await.unwrap();

        for (prefix, count) in [("", 3), ("team/", 2), ("team", 2), ("team/second", 1), ("team/s", 0), ("x", 0)] {
            let sum = ground.registry.usages.sum(&ground.cx(), prefix).await.unwrap();
            let each = ground.registry.usages.repositories(&ground.cx(), prefix).await.unwrap();

            assert_eq!(sum, Usage::sum(each.iter().map(|found| &found.usage)), "{prefix}");
            assert_eq!(sum.repositories, count, "{prefix}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_and_pulls_of_a_repository_are_known() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        let pulled = ground.in_days(2);
        ground.registry.traffic.pulled(&pulled, &ground.repository, &image);
        ground.registry.traffic.write_down(&ground.cx()).await.unwrap();

        let pushed = ground.registry.usages.last_pushed_at(vec![ground.repository.id, 7]).await.unwrap();
        let usage = usages(&ground).await[0].usage;

        assert_eq!(pushed.keys().copied().collect::<Vec<_>>(), [ground.repository.id]);
        assert_eq!((usage.images, usage.tags, usage.last_pulled_at), (1, 1, Some(pulled.now)));
    }
}

/// Counts bytes that nobody has.
struct Miscount(i64);

impl Act for Miscount {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.miscount";
    const LOCKS: Locks = Locks::Unlocked("nothing is asked");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        usage::add_unique(tx, self.0, 5)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_count_of_unique_bytes_is_found_and_mended() {
    for ground in Ground::both().await {
        ground.image("config", &["v1"]).await;
        ground.metadata.perform(&ground.cx(), Miscount(ground.repository.id)).await.unwrap();
        let check = |repair| {
            let options = FsckOptions { quick: true, repair, is_alone: true };
            let (fsck, cx) = (ground.registry.fsck.clone(), ground.cx());
            async move { fsck.run(&cx, options, |_| {}).await.unwrap() }
        };

        let found = check(false).await;
        let mended = check(true).await;

        assert_eq!(found.damage, 1, "{:#?}", found.findings);
        assert!(found.findings[0].message.contains("RepositoryUnique of team/app: 11 is stored, 6 is right"));
        assert_eq!(mended.repaired, 1);
        assert_eq!(bytes(&ground).await, [(6, 6)]);
        ground.assert_sound().await;
    }
}

mod races;
mod random;

use super::*;
use crate::{
    Appended, FsckOptions, Repository,
    trash::tests::Ground,
    two_writers::{digest_of, image_of},
};
use bytes::Bytes;
use futures_util::stream;
use gantry_oci::{Algorithm, Digest, Reference};
use std::{convert::Infallible, time::Duration};

fn bytes_up_to(bytes: u64) -> QuotaLimits {
    QuotaLimits { bytes_hard: Some(bytes), ..QuotaLimits::default() }
}

fn physical(bytes: u64) -> QuotaLimits {
    QuotaLimits { measure: QuotaMeasure::Physical, ..bytes_up_to(bytes) }
}

async fn set(ground: &Ground, scope: &str, limits: QuotaLimits) -> Quota {
    ground.registry.quotas.set(&ground.cx(), &scope.parse().unwrap(), limits).await.unwrap()
}

/// Bytes used, reserved, and images used of each quota, by its scope.
async fn used(ground: &Ground) -> Vec<(String, u64, u64, u64)> {
    let found = ground.registry.quotas.list(&ground.cx()).await.unwrap();
    found.into_iter().map(|quota| (quota.scope, quota.used_bytes, quota.reserved_bytes, quota.used_images)).collect()
}

async fn create(ground: &Ground, name: &str) -> Repository {
    ground.registry.repositories.create(&ground.cx(), &name.parse().unwrap()).await.unwrap()
}

async fn store(ground: &Ground, to: &Repository, text: &str) -> Result<Digest, Fault> {
    let bytes = Bytes::from(text.to_string());
    let (digest, body) = (digest_of(&bytes), stream::iter([Ok::<_, Infallible>(bytes)]));
    ground.registry.uploads.store(&ground.cx(), to, &digest, body).await.map(|()| digest)
}

async fn put(ground: &Ground, to: &Repository, config: &str) -> Result<Digest, Fault> {
    let body = Bytes::from(image_of(&digest_of(config.as_bytes()), config.len()).to_string());
    let digest = digest_of(&body);
    let reference = Reference::Digest(digest.clone());
    ground.registry.images.put_image(&ground.cx(), to, &reference, vec![], None, body).await.map(|_| digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_beyond_the_quota_is_refused_and_leaves_nothing() {
    for ground in Ground::both().await {
        set(&ground, "team/*", bytes_up_to(10)).await;
        store(&ground, &ground.repository, "six by").await.unwrap();

        let refused = store(&ground, &ground.repository, "seven b").await.unwrap_err();
        let within = store(&ground, &ground.repository, "four").await;

        assert_eq!(refused.kind, FaultKind::QuotaExceeded);
        assert!(refused.message.contains("'team/*' allows 10 B; 6 B are used"), "{}", refused.message);
        assert!(within.is_ok());
        assert_eq!(used(&ground).await, [("team/*".into(), 10, 0, 0)]);
        let options = FsckOptions { quick: false, repair: false, is_alone: true };
        let report = ground.registry.fsck.run(&ground.cx(), options, |_| {}).await.unwrap();
        assert_eq!((report.damage, report.leftovers), (0, 0), "{:#?}", report.findings);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_counts_from_the_beginning_and_stays() {
    for ground in Ground::both().await {
        ground.image("twelve bytes", &["v1"]).await;

        let quota = set(&ground, "*", bytes_up_to(5)).await;
        let again = store(&ground, &ground.repository, "twelve bytes").await;
        let more = store(&ground, &ground.repository, "x").await;
        let raised = set(&ground, "*", bytes_up_to(13)).await;

        assert_eq!((quota.used_bytes, quota.used_images), (12, 1));
        assert!(again.is_ok(), "it is linked already, and needs no room");
        assert_eq!(more.unwrap_err().kind, FaultKind::QuotaExceeded);
        assert_eq!((raised.used_bytes, raised.limits.bytes_hard, raised.id), (12, Some(13), quota.id));
        assert!(store(&ground, &ground.repository, "x").await.is_ok());
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_counts_and_every_quota_that_means_the_repository_is_asked() {
    for ground in Ground::both().await {
        let second = create(&ground, "team/second").await;
        let layer = store(&ground, &ground.repository, "ten bytes.").await.unwrap();
        set(&ground, "team/second", bytes_up_to(9)).await;
        set(&ground, "*", bytes_up_to(100)).await;
        let cx = ground.cx();
        let mount = || ground.registry.blobs.mount(&cx, &second, &ground.repository, &layer);

        let refused = mount().await.unwrap_err();
        set(&ground, "team/second", bytes_up_to(10)).await;
        let mounted = mount().await.unwrap();

        assert!(refused.message.contains("'team/second'"), "{}", refused.message);
        assert!(mounted);
        assert_eq!(used(&ground).await, [("*".into(), 20, 0, 0), ("team/second".into(), 10, 0, 0)]);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_have_limits_of_their_own() {
    for ground in Ground::both().await {
        let limits = QuotaLimits { images_hard: Some(1), ..QuotaLimits::default() };
        set(&ground, "team/app", limits).await;
        let image = ground.image("one", &["v1"]).await;
        store(&ground, &ground.repository, "two").await.unwrap();

        let refused = put(&ground, &ground.repository, "two").await.unwrap_err();
        let again = ground.put_again("one").await;
        ground.remove(image).await;
        let instead = put(&ground, &ground.repository, "two").await;

        assert!(refused.message.contains("allows 1 images; there are 1"), "{}", refused.message);
        assert!(again.is_ok() && instead.is_ok());
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_come_under_quotas_and_leave_them() {
    for ground in Ground::both().await {
        set(&ground, "team/*", bytes_up_to(100)).await;
        set(&ground, "new", bytes_up_to(100)).await;
        let (new, below) = (create(&ground, "new").await, create(&ground, "team/web").await);
        store(&ground, &new, "abc").await.unwrap();
        store(&ground, &below, "abcd").await.unwrap();
        let before = used(&ground).await;
        ground.registry.repositories.delete(&ground.cx(), &below.name, true).await.unwrap();
        ground.registry.quotas.remove(&ground.cx(), &"new".parse().unwrap()).await.unwrap();

        let after = used(&ground).await;
        let gone = ground.registry.quotas.remove(&ground.cx(), &"new".parse().unwrap()).await;

        assert_eq!(before, [("new".into(), 3, 0, 0), ("team/*".into(), 4, 0, 0)]);
        assert_eq!(after, [("team/*".into(), 0, 0, 0)]);
        assert_eq!(gone.unwrap_err().kind, FaultKind::NoSuchEntity);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_reserves_what_it_announces_until_it_ends() {
    for ground in Ground::both().await {
        set(&ground, "*", bytes_up_to(10)).await;
        let uploads = &ground.registry.uploads;
        let repository = &ground.registry.repositories.load(&ground.cx(), &ground.repository.name).await.unwrap();
        let cx = ground.cx();
        let open = || uploads.open(&cx, repository, Algorithm::Sha256);
        let (first, second) = (open().await.unwrap(), open().await.unwrap());
        let six = || stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"six by"))]);
        let append = |id| uploads.append(&cx, repository, id, None, Some(6), six());

        let taken = append(&first).await;
        let reserved = used(&ground).await;
        let refused = append(&second).await;
        uploads.cancel(&ground.cx(), repository, &first).await.unwrap();
        let afterwards = append(&second).await;

        assert_eq!(taken.unwrap(), Appended::At(6));
        assert_eq!(reserved, [("*".into(), 0, 6, 0)]);
        assert_eq!(refused.unwrap_err().kind, FaultKind::QuotaExceeded);
        assert_eq!(afterwards.unwrap(), Appended::At(6));
        uploads.cancel(&ground.cx(), repository, &second).await.unwrap();
        assert_eq!(used(&ground).await, [("*".into(), 0, 0, 0)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_room_for_a_byte_no_upload_is_opened() {
    for ground in Ground::both().await {
        store(&ground, &ground.repository, "full").await.unwrap();
        set(&ground, "*", bytes_up_to(4)).await;

        let refused = ground.registry.uploads.open(&ground.cx(), &ground.repository, Algorithm::Sha256).await;

        assert_eq!(refused.unwrap_err().kind, FaultKind::QuotaExceeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_must_limit_something_and_its_soft_limit_comes_first() {
    let [ground, _] = Ground::both().await;
    let refused = async |limits| {
        let set = ground.registry.quotas.set(&ground.cx(), &"*".parse().unwrap(), limits).await;
        set.unwrap_err().kind
    };

    let nothing = refused(QuotaLimits::default()).await;
    let crossed = refused(QuotaLimits { bytes_soft: Some(2), ..bytes_up_to(1) }).await;
    let too_much = refused(bytes_up_to(u64::MAX)).await;

    assert_eq!([nothing, crossed, too_much], [FaultKind::InvalidParameter; 3]);
}

/// The events of a kind that are in the outbox, oldest first.
async fn events(ground: &Ground, kind: &'static str) -> Vec<serde_json::Value> {
    static EVENTS: gantry_metadata::Query =
        gantry_metadata::query("SELECT body FROM event WHERE kind = $1 ORDER BY id");
    let ask = move |rows: &mut Reader| rows.all(&EVENTS, gantry_metadata::values![kind]);
    let rows = ground.metadata.read(ask).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(row.text(0).unwrap()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_physical_quota_counts_what_several_of_its_repositories_hold_once() {
    for ground in Ground::both().await {
        let (web, zoo) = (create(&ground, "team/web").await, create(&ground, "zoo").await);
        let shared = store(&ground, &ground.repository, "ten bytes.").await.unwrap();
        set(&ground, "team/*", physical(10)).await;
        set(&ground, "zoo", physical(9)).await;
        let cx = ground.cx();
        let mount = |to| ground.registry.blobs.mount(&cx, to, &ground.repository, &shared);

        let within = mount(&web).await;
        let beyond = mount(&zoo).await;
        let new = store(&ground, &web, "x").await;
        let both = used(&ground).await;
        ground.registry.blobs.remove(&ground.cx(), &ground.repository, &shared).await.unwrap();
        let one = used(&ground).await;
        ground.registry.blobs.remove(&ground.cx(), &web, &shared).await.unwrap();

        assert!(within.unwrap(), "it is stored already, and needs no room");
        assert_eq!(beyond.unwrap_err().kind, FaultKind::QuotaExceeded);
        assert_eq!(new.unwrap_err().kind, FaultKind::QuotaExceeded);
        assert_eq!((&both, &both[0]), (&one, &("team/*".into(), 10, 0, 0)));
        assert_eq!(used(&ground).await[0], ("team/*".into(), 0, 0, 0));
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_whose_measure_changes_is_counted_again() {
    for ground in Ground::both().await {
        let web = create(&ground, "team/web").await;
        for repository in [&ground.repository, &web] {
            store(&ground, repository, "ten bytes.").await.unwrap();
        }

        let logical = set(&ground, "*", bytes_up_to(100)).await;
        let once = set(&ground, "*", physical(100)).await;
        ground.assert_sound().await;
        let again = set(&ground, "*", bytes_up_to(100)).await;

        assert_eq!([logical.used_bytes, once.used_bytes, again.used_bytes], [20, 10, 20]);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_kept_while_bytes_come_of_which_nobody_said_how_many_there_are() {
    for ground in Ground::both().await {
        set(&ground, "*", bytes_up_to(10)).await;
        let repository = ground.registry.repositories.load(&ground.cx(), &ground.repository.name).await.unwrap();
        let uploads = &ground.registry.uploads;
        let id = uploads.open(&ground.cx(), &repository, Algorithm::Sha256).await.unwrap();
        let pieces = |count: usize| stream::iter(vec![Ok::<_, Infallible>(Bytes::from_static(b"four")); count]);

        let taken = uploads.append(&ground.cx(), &repository, &id, None, None, pieces(2)).await;
        let kept = used(&ground).await;
        let refused = uploads.append(&ground.cx(), &repository, &id, None, None, pieces(1)).await;
        let offset = uploads.offset(&ground.cx(), &repository, &id).await;

        assert_eq!(taken.unwrap(), Appended::At(8));
        assert_eq!(kept, [("*".into(), 0, 8, 0)], "no more than has come");
        assert_eq!(refused.unwrap_err().kind, FaultKind::QuotaExceeded);
        assert_eq!(offset.unwrap(), 8);
        assert_eq!(used(&ground).await, kept);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_expires_or_ends_gives_back_what_was_kept_for_it() {
    for ground in Ground::both().await {
        set(&ground, "*", bytes_up_to(20)).await;
        let (uploads, repository) = (&ground.registry.uploads, &ground.repository);
        let repository = ground.registry.repositories.load(&ground.cx(), &repository.name).await.unwrap();
        let body = || stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"six by"))]);
        let mut opened = vec![];
        for _ in 0..2 {
            let id = uploads.open(&ground.cx(), &repository, Algorithm::Sha256).await.unwrap();
            uploads.append(&ground.cx(), &repository, &id, None, Some(6), body()).await.unwrap();
            opened.push(id);
        }
        let before = used(&ground).await;

        let (none, digest) = (stream::iter([Ok::<_, Infallible>(Bytes::new())]), digest_of(b"six by"));
        uploads.finish(&ground.cx(), &repository, &opened[0], &digest, None, None, none).await.unwrap();
        let ended = used(&ground).await;
        ground
            .registry
            .collection
            .run(&ground.in_days(3), Duration::from_secs(1 << 30), Duration::from_secs(1), |_| {})
            .await
            .unwrap();
        let expired = used(&ground).await;

        assert_eq!(before, [("*".into(), 0, 12, 0)]);
        assert_eq!(ended, [("*".into(), 6, 6, 0)]);
        assert_eq!(expired, [("*".into(), 6, 0, 0)]);
        ground.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_tells_once_that_a_share_is_reached() {
    for ground in Ground::both().await {
        set(&ground, "team/*", bytes_up_to(10)).await;
        let blobs = ["eight by", "o", "p"];
        for text in blobs {
            store(&ground, &ground.repository, text).await.unwrap();
            // Once more: it is linked already.
            store(&ground, &ground.repository, text).await.unwrap();
        }
        store(&ground, &ground.repository, "q").await.unwrap_err();
        ground.registry.blobs.remove(&ground.cx(), &ground.repository, &digest_of(b"p")).await.unwrap();
        store(&ground, &ground.repository, "p").await.unwrap();

        let told = events(&ground, "quota.reached").await;

        let percents: Vec<_> = told.iter().map(|event| event["percent"].as_u64()).collect();
        assert_eq!(percents, [Some(80), Some(90), Some(100), Some(100)]);
        assert_eq!(told[0], json!({"scope": "team/*", "of": "bytes", "percent": 80, "used": 8, "limit": 10}));
        assert_eq!(events(&ground, "quota.changed").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_come_back_from_the_trash_are_told_of_too() {
    for ground in Ground::both().await {
        let image = ground.image("config", &["v1"]).await;
        ground.image("other", &[]).await;
        ground.remove(image.clone()).await;
        set(&ground, "team/*", QuotaLimits { images_hard: Some(2), ..QuotaLimits::default() }).await;

        ground.restore(image.as_str()).await.unwrap();

        let told = events(&ground, "quota.reached").await;
        assert_eq!(told, [json!({"scope": "team/*", "of": "images", "percent": 100, "used": 2, "limit": 2})]);
    }
}

/// Damages that each have a count be wrong, with its name.
static DAMAGES: [(gantry_metadata::Change, &str); 5] = [
    (gantry_metadata::change("UPDATE quota SET used_bytes = 1 WHERE measure = 'logical'"), "QuotaBytes"),
    (gantry_metadata::change("UPDATE quota SET used_bytes = 1 WHERE measure = 'physical'"), "QuotaPhysical"),
    (gantry_metadata::change("UPDATE quota_blob SET link_count = 7"), "QuotaPhysical"),
    (gantry_metadata::change("UPDATE quota SET used_images = 2"), "QuotaImages"),
    (gantry_metadata::change("UPDATE quota SET reserved_bytes = 3"), "QuotaReserved"),
];

struct Damage(usize);

impl gantry_metadata::Write for Damage {
    type Answer = ();
    const NAME: &'static str = "test.damage";
    const UNLOCKED: &'static str = "a test is alone";
    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        tx.write(&DAMAGES[self.0].0, vec![])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_wrong_is_found_and_mended() {
    for ground in Ground::both().await {
        ground.image("twelve bytes", &["v1"]).await;
        set(&ground, "team/*", bytes_up_to(100)).await;
        set(&ground, "*", physical(100)).await;
        let right = used(&ground).await;

        for (number, (_, name)) in DAMAGES.iter().enumerate() {
            ground.metadata.perform(&ground.cx(), Damage(number)).await.unwrap();
            let options = FsckOptions { quick: true, repair: true, is_alone: true };
            let report = ground.registry.fsck.run(&ground.cx(), options, |_| {}).await.unwrap();

            assert!(format!("{report:?}").contains(name), "{name}: {report:#?}");
            assert_eq!(used(&ground).await, right, "{name}");
            ground.assert_sound().await;
        }
    }
}

use super::*;
use crate::{
    Back, Past, PastMove, PastTag, Registry, Settings,
    two_writers::{digest_of, image_of},
};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::Env;
use gantry_metadata::{
    Metadata,
    quarantine::{Among, REFUSED, WAITING},
    suite::{postgres::Database, two_writers},
};
use gantry_oci::Reference;
use gantry_store::Store;
use gantry_words::{AccountId, Moment, Region};
use std::{
    convert::Infallible,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Has every tag wait, while it is on.
struct Strict(AtomicBool);

impl TagJudge for Strict {
    fn holds<'a>(
        &'a self,
        _: &'a Cx,
        _: &'a Repository,
        _: &'a Digest,
        _: &'a Manifest,
    ) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(self.0.load(Relaxed)) })
    }
}

/// A registry with a repository in which tags wait, on SQLite or on PostgreSQL.
struct Ground {
    registry: Registry,
    metadata: Metadata,
    env: Env,
    repository: Repository,
    strict: Arc<Strict>,
    _database: Option<Database>,
}

impl Ground {
    /// One on SQLite, and one on PostgreSQL.
    async fn both() -> [Ground; 2] {
        let (env, database) = (Env::real(), Database::new());
        let on_postgres =
            Metadata::open(&database.settings(), Path::new("."), env.clone()).expect("the database opens");
        let on_sqlite = Metadata::alone(env.clone()).expect("SQLite works in memory");
        [Ground::on(on_sqlite, env.clone(), None).await, Ground::on(on_postgres, env, Some(database)).await]
    }

    async fn on(metadata: Metadata, env: Env, database: Option<Database>) -> Ground {
        let (store, _) = Store::memory(env.clone());
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        let strict = Arc::new(Strict(AtomicBool::new(true)));
        registry.hand_judge(strict.clone());
        let cx = cx(&env, "ann", 0);
        let repository = registry.repositories.create(&cx, &"team/app".parse().unwrap()).await.expect("it is new");
        Ground { registry, metadata, env, repository, strict, _database: database }
    }

    /// Pushes an image of its own under `v1`, so many seconds later.
    async fn push(&self, text: &str, seconds: u64) -> Digest {
        let (cx, bytes) = (cx(&self.env, "ann", seconds), Bytes::from(text.to_string()));
        let (blob, body) = (digest_of(&bytes), stream::iter([Ok::<_, Infallible>(bytes)]));
        self.registry.uploads.store(&cx, &self.repository, &blob, body).await.expect("a blob is stored");
        let manifest = Bytes::from(image_of(&blob, text.len()).to_string());
        let (to, digest) = (Reference::Tag(v1()), digest_of(&manifest));
        let put = self.registry.images.put_image(&cx, &self.repository, &to, vec![], None, manifest).await.unwrap();
        let expected = if self.strict.0.load(Relaxed) { vec![v1()] } else { vec![] };
        assert_eq!(put.quarantined, expected);
        digest
    }

    /// The same, without quarantine.
    async fn push_freely(&self, text: &str, seconds: u64) -> Digest {
        self.strict.0.store(false, Relaxed);
        let digest = self.push(text, seconds).await;
        self.strict.0.store(true, Relaxed);
        digest
    }

    async fn points_to(&self) -> Option<Digest> {
        self.registry.images.resolve(self.repository.id, &v1()).await.unwrap()
    }

    async fn waiting(&self) -> Option<QuarantinedRow> {
        let id = self.repository.id;
        self.metadata.read(move |rows| quarantine::find(rows, id, "v1")).await.unwrap()
    }

    fn release_of(&self, row: &QuarantinedRow) -> TagRelease {
        let (repository, name) = (self.repository.id, self.repository.name.clone());
        TagRelease { repository, name, tag: v1(), push: row.id, reason: "passes".into() }
    }

    async fn release(&self, row: &QuarantinedRow) -> TagReleased {
        let cx = cx(&self.env, "gantry:gates", 100);
        self.registry.images.release_tag(&cx, self.release_of(row)).await.unwrap()
    }

    async fn assert_counts(&self, images: i64, tags: i64) {
        let cx = cx(&self.env, "ann", 0);
        let described = self.registry.repositories.describe(&cx, &self.repository.name).await.unwrap();
        assert_eq!((described.image_count, described.tag_count), (images, tags));
        let options = crate::FsckOptions { quick: false, repair: false, is_alone: true };
        let report = self.registry.fsck.run(&cx, options, |_| {}).await.expect("it can be checked");
        assert_eq!(report.damage, 0, "{:#?}", report.findings);
    }
}

fn cx(env: &Env, actor: &str, seconds: u64) -> Cx {
    Cx {
        actor: actor.into(),
        account: AccountId::DEFAULT,
        operation: "test",
        request_id: env.request_id(),
        now: NOW.plus(Duration::from_secs(seconds)),
        source: None,
    }
}

fn v1() -> Tag {
    "v1".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_stays_where_it_was_until_it_is_let_out_and_moves_in_the_name_of_who_pushed() {
    for ground in Ground::both().await {
        let old = ground.push_freely("old", 0).await;
        let new = ground.push("new", 1).await;
        let row = ground.waiting().await.unwrap();
        assert_eq!((ground.points_to().await, &*row.state), (Some(old.clone()), WAITING));
        ground.assert_counts(2, 1).await;

        assert_eq!(ground.release(&row).await, TagReleased::Moved);

        assert_eq!((ground.points_to().await, ground.waiting().await), (Some(new.clone()), None));
        let tags = &ground.registry.tags;
        let moved = tags.history(&ground.repository, &v1(), None, 10).await.unwrap().items.remove(0);
        assert_eq!((moved.to, moved.from), (Some(new.to_string()), Some(old.to_string())));
        assert_eq!((moved.actor, moved.request_id), ("ann".to_string(), row.request_id.clone()));
        ground.assert_counts(2, 1).await;
        assert_eq!(ground.release(&row).await, TagReleased::NotThere, "once is enough");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_new_is_not_there_until_it_is_let_out() {
    for ground in Ground::both().await {
        let new = ground.push("new", 0).await;
        let listed = ground.registry.images.tags(&ground.repository, "", 10).await.unwrap().items;
        assert_eq!((ground.points_to().await, listed), (None, vec![]));
        ground.assert_counts(1, 0).await;

        assert_eq!(ground.release(&ground.waiting().await.unwrap()).await, TagReleased::Moved);

        assert_eq!(ground.points_to().await, Some(new));
        ground.assert_counts(1, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_push_takes_the_place_of_an_earlier_one() {
    for ground in Ground::both().await {
        ground.push("first", 0).await;
        let first = ground.waiting().await.unwrap();
        let second = ground.push("second", 1).await;

        assert_eq!(ground.release(&first).await, TagReleased::NotThere);
        assert_eq!(ground.points_to().await, None);
        assert_eq!(ground.release(&ground.waiting().await.unwrap()).await, TagReleased::Moved);
        assert_eq!(ground.points_to().await, Some(second));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_set_or_removed_since_stays_so() {
    for ground in Ground::both().await {
        ground.push_freely("old", 0).await;
        ground.push("new", 1).await;
        let overtaken = ground.waiting().await.unwrap();
        ground.push_freely("old", 2).await;
        assert_eq!((ground.waiting().await, ground.release(&overtaken).await), (None, TagReleased::NotThere));

        ground.push("new", 3).await;
        let row = ground.waiting().await.unwrap();
        let (cx, images) = (cx(&ground.env, "ann", 4), &ground.registry.images);
        images.remove(&cx, &ground.repository, &Reference::Tag(v1())).await.unwrap();

        assert_eq!(ground.release(&row).await, TagReleased::Overtaken);
        assert_eq!((ground.points_to().await, ground.waiting().await), (None, None));
        ground.assert_counts(2, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_does_not_wait() {
    for ground in Ground::both().await {
        let first = ground.push_freely("first", 0).await;
        ground.push_freely("second", 1).await;
        ground.push("third", 2).await;
        let cx = cx(&ground.env, "ann", 3);

        let back = ground.registry.tags.rollback(&cx, &ground.repository, &v1(), Back::Steps(1)).await.unwrap();

        assert_eq!((back, ground.points_to().await), (first.clone(), Some(first)));
        assert_eq!(ground.waiting().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_to_where_only_an_import_says_that_the_tag_was_waits() {
    for ground in Ground::both().await {
        let never = ground.push("never", 0).await;
        let here = ground.push_freely("here", 1).await;
        let at = Moment::estimated(Timestamp::from_millis(1_500_000_000_000));
        let earlier = vec![PastMove { digest: never.clone(), at, by: None }];
        let told = PastTag { tag: v1(), digest: here.clone(), set: None, set_by: None, earlier };
        let past = Past { source: "harbor".parse().unwrap(), images: vec![], tags: vec![told] };
        let cx = cx(&ground.env, "ann", 2);
        assert_eq!(ground.registry.images.put_past(&cx, &ground.repository, past).await.unwrap().moves, 1);

        for back in [Back::Steps(1), Back::To(never.clone())] {
            let back = ground.registry.tags.rollback(&cx, &ground.repository, &v1(), back).await.unwrap();

            assert_eq!((&back, ground.points_to().await), (&never, Some(here.clone())));
            assert_eq!(ground.waiting().await.map(|row| row.digest), Some(never.to_string()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_image_that_was_deleted_or_a_repository_that_is_gone_is_forgotten() {
    for ground in Ground::both().await {
        let cx = cx(&ground.env, "ann", 5);
        let new = ground.push("new", 0).await;
        ground.registry.images.remove_image(&cx, &ground.repository, &new).await.unwrap();
        assert_eq!(ground.release(&ground.waiting().await.unwrap()).await, TagReleased::ImageGone);
        assert_eq!(ground.waiting().await, None);

        ground.push("other", 6).await;
        ground.registry.repositories.delete(&cx, &ground.repository.name, true).await.unwrap();
        assert_eq!(ground.waiting().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_push_stands_is_kept_for_that_push_and_listed_by_scope() {
    for ground in Ground::both().await {
        ground.push("new", 0).await;
        let (id, row) = (ground.repository.id, ground.waiting().await.unwrap());
        let keep = |push, state, reasons| Keep { repository: id, push, state, reasons };
        let cx = cx(&ground.env, "ann", 1);

        let news = ground.metadata.perform(&cx, keep(row.id, REFUSED, "[1]")).await.unwrap();
        let same = ground.metadata.perform(&cx, keep(row.id, REFUSED, "[1]")).await.unwrap();
        let other = ground.metadata.perform(&cx, keep(row.id - 1, WAITING, "[2]")).await.unwrap();

        assert_eq!([news, same, other], [true, false, false]);
        let region = Region::default();
        let listed = async |prefix: &'static str, name: &'static str, after: (&'static str, &'static str)| {
            let region = region.clone();
            let look = move |rows: &mut Reader| {
                let among = Among { account: AccountId::DEFAULT, region: &region, prefix, name };
                quarantine::list(rows, &among, after, 10)
            };
            let found = ground.metadata.read(look).await.unwrap();
            found.into_iter().map(|placed| (placed.name, placed.row.state, placed.row.reasons)).collect::<Vec<_>>()
        };
        let expected = [("team/app".to_string(), REFUSED.to_string(), "[1]".to_string())];
        for (prefix, name) in [("", ""), ("team/", ""), ("", "team/app")] {
            assert_eq!(listed(prefix, name, ("", "")).await, expected, "{prefix} {name}");
        }
        for (prefix, name, after) in [("tea/", "", ("", "")), ("", "team", ("", "")), ("", "", ("team/app", "v1"))] {
            assert_eq!(listed(prefix, name, after).await, [], "{prefix} {name}");
        }
        for (only_waiting, count) in [(true, 0), (false, 1)] {
            let look = move |rows: &mut Reader| quarantine::after(rows, (i64::MIN, ""), only_waiting, 10);
            assert_eq!(ground.metadata.read(look).await.unwrap().len(), count);
        }
    }
}

/// Writes down how a push of `v1` stands.
struct Keep {
    repository: i64,
    push: i64,
    state: &'static str,
    reasons: &'static str,
}

impl gantry_metadata::Write for Keep {
    type Answer = bool;
    const NAME: &'static str = "test.keep";
    const UNLOCKED: &'static str = "a test";

    fn write(&self, tx: &mut Tx) -> Result<bool, Fault> {
        quarantine::keep(tx, self.repository, "v1", self.push, self.state, self.reasons)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_let_a_tag_out_at_once_one_moves_it() {
    for ground in Ground::both().await {
        let new = ground.push("new", 0).await;
        let row = ground.waiting().await.unwrap();
        let (one, two) = (ReleaseTag(ground.release_of(&row)), ReleaseTag(ground.release_of(&row)));

        let (one, two) = two_writers(&ground.metadata, &cx(&ground.env, "gantry:gates", 1), one, two).await;

        let mut told = [one.unwrap(), two.unwrap()];
        told.sort_by_key(|told| *told != TagReleased::Moved);
        assert_eq!(told, [TagReleased::Moved, TagReleased::NotThere]);
        assert_eq!(ground.points_to().await, Some(new));
        ground.assert_counts(1, 1).await;
    }
}

fn release() -> ReleaseTag {
    let name = "team/app".parse().unwrap();
    ReleaseTag(TagRelease { repository: 7, name, tag: v1(), push: 5, reason: "passes".into() })
}

/// A push that waits while the tag points elsewhere.
fn seen() -> ReleaseSeen {
    let row = QuarantinedRow {
        id: 5,
        tag: "v1".into(),
        digest: "sha256:new".into(),
        previous: Some("sha256:old".into()),
        previous_at: Some(NOW),
        pushed_by: "ann".into(),
        pushed_at: NOW,
        request_id: "r".into(),
        state: WAITING.into(),
        reasons: "[]".into(),
    };
    let current = Some(("sha256:old".to_string(), NOW));
    ReleaseSeen { row: Some(row), current, status: Some(ImageStatus::Active), rules: RepositoryRules::default() }
}

#[test]
fn a_tag_is_let_out_only_as_long_as_all_is_as_it_was_at_the_push() {
    let later = NOW.plus(Duration::from_secs(1));
    let changed = |change: fn(&mut ReleaseSeen, Timestamp)| {
        let mut seen = seen();
        change(&mut seen, later);
        seen
    };
    use ReleasePlan::{Forget, Leave};
    for (what, seen, expected) in [
        ("nothing waits", changed(|seen, _| seen.row = None), Leave(TagReleased::NotThere)),
        ("a later push waits", changed(|seen, _| seen.row.as_mut().unwrap().id = 6), Leave(TagReleased::NotThere)),
        ("the tag is gone", changed(|seen, _| seen.current = None), Forget(TagReleased::Overtaken)),
        (
            "the tag was set again",
            changed(|seen, later| seen.current.as_mut().unwrap().1 = later),
            Forget(TagReleased::Overtaken),
        ),
        ("the image is gone", changed(|seen, _| seen.status = None), Forget(TagReleased::ImageGone)),
        (
            "the image is in the archive",
            changed(|seen, _| seen.status = Some(ImageStatus::Archived)),
            Leave(TagReleased::NotActive(ImageStatus::Archived)),
        ),
        (
            "tags may not be moved any more",
            changed(|seen, _| seen.rules.tags.mutability = crate::Mutability::Immutable),
            Leave(TagReleased::Immutable),
        ),
    ] {
        assert_eq!(release().decide(seen, later).unwrap(), expected, "{what}");
    }

    let plan = release().decide(seen(), later).unwrap();
    assert!(matches!(plan, ReleasePlan::Move { at, .. } if at == later), "{plan:?}");
}

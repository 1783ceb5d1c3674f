use super::*;
use crate::{trash::tests::Ground, two_writers::digest_of};
use gantry_oci::{Digest, Reference};

/// Everybody may do everything.
fn anything(_: BulkAsked<'_>) -> bool {
    true
}

/// Chooses images of the ground's repository.
async fn choose(ground: &Ground, cx: &Cx, query: &str, action: BulkAction) -> Selection {
    let repository = ground.registry.repositories.load(cx, &ground.repository.name).await.unwrap();
    let query = query.parse().unwrap();
    ground.registry.images.choose(cx, vec![repository], query, action, anything).await.unwrap()
}

async fn run(ground: &Ground, cx: &Cx, token: &str) -> Result<SelectionStatus, Fault> {
    ground.registry.images.run_selection(cx, &ground.registry.archive, token, anything).await
}

fn going(selection: &Selection) -> Vec<&str> {
    let going = selection.images.iter().filter(|chosen| chosen.refused.is_none());
    let mut digests: Vec<&str> = going.map(|chosen| chosen.image.digest.as_str()).collect();
    digests.sort_unstable();
    digests
}

fn counts(status: &SelectionStatus) -> (u64, u64, u64) {
    let SelectionCounts { done, changed, failed } = status.counts;
    (done, changed, failed)
}

async fn point(ground: &Ground, tag: &str, to: &Digest) {
    let image = ground.load(to.as_str()).await.unwrap();
    let (images, cx) = (&ground.registry.images, ground.cx());
    let (reference, tags) = (Reference::Digest(to.clone()), vec![tag.parse().unwrap()]);
    images.put_image(&cx, &ground.repository, &reference, tags, Some(&image.media_type), image.body).await.unwrap();
}

#[tokio::test]
async fn what_was_shown_is_deleted_and_can_be_had_back() {
    for ground in Ground::both().await {
        let [one, two, other] =
            [ground.image("a", &["pr-1"]).await, ground.image("b", &["pr-2"]).await, ground.image("c", &["v1"]).await];

        let chosen = choose(&ground, &ground.cx(), "tag:pr-*", BulkAction::Delete).await;
        let later = ground.image("d", &["pr-3"]).await;
        let status = run(&ground, &ground.cx(), chosen.token.as_deref().unwrap()).await.unwrap();

        assert_eq!(chosen.images.len(), 2);
        assert_eq!((status.state, status.image_count, counts(&status)), (SelectionState::Finished, 2, (2, 0, 0)));
        assert!(!ground.holds(&one).await && !ground.holds(&two).await);
        assert!(ground.holds(&other).await && ground.holds(&later).await, "what was not shown is not touched");
        ground.restore(one.as_str()).await.unwrap();
        assert!(ground.holds(&one).await);
        assert_eq!(ground.load("pr-1").await.unwrap().digest, one);
    }
}

#[tokio::test]
async fn an_image_that_has_changed_since_it_was_shown_is_left_alone() {
    for ground in Ground::both().await {
        let moved = ground.image("a", &["pr-1"]).await;
        let tagged = ground.image("b", &["pr-2"]).await;
        let gone = ground.image("c", &["pr-3"]).await;
        let same = ground.image("d", &["pr-4"]).await;
        let chosen = choose(&ground, &ground.cx(), "tag:pr-*", BulkAction::Delete).await;

        let target = ground.image("e", &["v1"]).await;
        point(&ground, "pr-1", &target).await;
        point(&ground, "keep", &tagged).await;
        ground.registry.images.remove_image(&ground.cx(), &ground.repository, &gone).await.unwrap();
        let status = run(&ground, &ground.cx(), chosen.token.as_deref().unwrap()).await.unwrap();

        assert_eq!(counts(&status), (1, 3, 0), "{status:?}");
        assert!(ground.holds(&moved).await && ground.holds(&tagged).await && ground.holds(&target).await);
        assert!(!ground.holds(&same).await);
        let mut left: Vec<_> =
            status.leftovers.iter().map(|left| (left.outcome.as_str(), left.code.as_str())).collect();
        left.dedup();
        assert_eq!(left, [("changed", "ImageChanged")]);
    }
}

#[tokio::test]
async fn a_pull_in_between_counts_where_the_query_asks_about_pulls() {
    for ground in Ground::both().await {
        let pulled = ground.image("a", &["pr-1"]).await;
        let by_pulls = choose(&ground, &ground.cx(), "pulled:never", BulkAction::Delete).await;
        let by_tag = choose(&ground, &ground.cx(), "tag:pr-*", BulkAction::Archive).await;

        let (id, digest) = (ground.repository.id, pulled.clone());
        ground.metadata.perform(&ground.cx(), Pull { repository: id, digest }).await.unwrap();
        let left = run(&ground, &ground.cx(), by_pulls.token.as_deref().unwrap()).await.unwrap();
        let done = run(&ground, &ground.cx(), by_tag.token.as_deref().unwrap()).await.unwrap();

        assert_eq!((counts(&left), counts(&done)), ((0, 1, 0), (1, 0, 0)));
        assert!(left.leftovers[0].message.contains("was pulled"), "{left:?}");
    }
}

#[tokio::test]
async fn a_label_that_changed_in_between_counts_where_the_query_asks_about_labels() {
    for ground in Ground::both().await {
        let (kept, gone) = (ground.image("a", &["pr-1"]).await, ground.image("b", &["pr-2"]).await);
        let label = async |digest: &Digest, value: &str| {
            let change = LabelChange::read([("stage".to_string(), Some(value.to_string()))].into()).unwrap();
            ground.registry.images.label(&ground.cx(), &ground.repository, digest, change).await.unwrap();
        };
        label(&kept, "test").await;
        label(&gone, "test").await;
        let by_label = choose(&ground, &ground.cx(), "label:stage=test", BulkAction::Delete).await;
        let by_tag = choose(&ground, &ground.cx(), "tag:pr-1", BulkAction::Archive).await;

        label(&kept, "prod").await;
        let left = run(&ground, &ground.cx(), by_label.token.as_deref().unwrap()).await.unwrap();
        let done = run(&ground, &ground.cx(), by_tag.token.as_deref().unwrap()).await.unwrap();

        assert_eq!((counts(&left), counts(&done)), ((1, 1, 0), (1, 0, 0)));
        assert!(left.leftovers[0].message.contains("has other labels"), "{left:?}");
        assert!(!ground.holds(&gone).await);
    }
}

/// Notes a pull of an image.
struct Pull {
    repository: i64,
    digest: Digest,
}

impl gantry_metadata::Write for Pull {
    type Answer = ();
    const NAME: &'static str = "PullForSelection";
    const UNLOCKED: &'static str = "nobody else is there";

    fn write(&self, tx: &mut gantry_metadata::Tx) -> Result<(), Fault> {
        manifests::pulled(tx, self.repository, self.digest.as_str(), Timestamp::from_millis(7))
    }
}

#[tokio::test]
async fn a_token_is_its_owners_and_works_once() {
    for ground in Ground::both().await {
        ground.image("a", &["pr-1"]).await;
        let (ann, bob) = (Cx { actor: "ann".into(), ..ground.cx() }, Cx { actor: "bob".into(), ..ground.cx() });
        let chosen = choose(&ground, &ann, "tag:pr-*", BulkAction::Delete).await;
        let token = chosen.token.as_deref().unwrap();

        let [of_another, asked] =
            [run(&ground, &bob, token).await.err(), ground.registry.images.selection(&bob, token).await.err()];
        let ready = ground.registry.images.selection(&ann, token).await.unwrap();
        let (one, other) = tokio::join!(run(&ground, &ann, token), run(&ground, &ann, token));
        let finished = ground.registry.images.selection(&ann, token).await.unwrap();

        for refused in [of_another, asked] {
            assert_eq!(refused.map(|fault| fault.kind), Some(FaultKind::SelectionNotFound));
        }
        assert_eq!(ready.state, SelectionState::Ready);
        let mut kinds = [one, other].map(|done| done.err().map(|fault| fault.kind));
        kinds.sort_by_key(Option::is_some);
        assert_eq!(kinds, [None, Some(FaultKind::SelectionUsed)]);
        assert_eq!((finished.state, counts(&finished)), (SelectionState::Finished, (1, 0, 0)));
    }
}

#[tokio::test]
async fn each_image_is_allowed_or_refused_on_its_own() {
    for ground in Ground::both().await {
        let one = ground.image("a", &["pr-1"]).await;
        let two = ground.image("b", &["pr-2"]).await;
        let chosen = choose(&ground, &ground.cx(), "tag:pr-*", BulkAction::Delete).await;

        let may = |asked: BulkAsked<'_>| asked.tags != ["pr-1"];
        let (images, archive) = (&ground.registry.images, &ground.registry.archive);
        let status = images.run_selection(&ground.cx(), archive, chosen.token.as_deref().unwrap(), may).await.unwrap();

        assert_eq!(counts(&status), (1, 0, 1));
        assert_eq!(status.leftovers[0].code, "AccessDenied");
        assert!(ground.holds(&one).await && !ground.holds(&two).await);
        let repository = ground.registry.repositories.load(&ground.cx(), &ground.repository.name).await.unwrap();
        let query = "tag:pr-*".parse().unwrap();
        let shown = images.choose(&ground.cx(), vec![repository], query, BulkAction::Delete, may).await.unwrap();
        assert_eq!((shown.token, shown.images.len()), (None, 1), "what is refused beforehand is shown, and not kept");
    }
}

#[tokio::test]
async fn an_index_goes_before_its_children_and_they_go_after_it() {
    for ground in Ground::both().await {
        let child = ground.image("a", &[]).await;
        let index = ground.index("a", &["pr-1"]).await;

        let alone = choose(&ground, &ground.cx(), "untagged", BulkAction::Delete).await;
        let both = choose(&ground, &ground.cx(), "tag:pr-* or untagged", BulkAction::Delete).await;
        let status = run(&ground, &ground.cx(), both.token.as_deref().unwrap()).await.unwrap();

        assert_eq!((alone.token.as_deref(), going(&alone).len(), alone.images.len()), (None, 0, 1));
        let mut expected = [child.as_str(), index.as_str()];
        expected.sort_unstable();
        assert_eq!((going(&both), counts(&status)), (expected.to_vec(), (2, 0, 0)));
        assert!(!ground.holds(&child).await && !ground.holds(&index).await);
    }
}

#[tokio::test]
async fn images_are_tagged_held_released_archived_and_brought_back() {
    for ground in Ground::both().await {
        let [one, two] = [ground.image("a", &["pr-1"]).await, ground.image("b", &["pr-2"]).await];
        let all = [
            BulkAction::Tag { tag: "keep-{digest}".parse().unwrap() },
            BulkAction::Hold { reason: "case 7".parse().unwrap() },
            BulkAction::Release,
            BulkAction::Archive,
            BulkAction::Restore,
        ];

        for action in all {
            let chosen = choose(&ground, &ground.cx(), "tag:pr-*", action.clone()).await;
            let status = run(&ground, &ground.cx(), chosen.token.as_deref().unwrap()).await.unwrap();
            assert_eq!((counts(&status), &status.action), ((2, 0, 0), &action), "{status:?}");
            let found =
                ground.registry.images.describe(&ground.repository, &Reference::Digest(one.clone())).await.unwrap();
            match action {
                BulkAction::Hold { .. } => assert_eq!(found.hold.unwrap().reason, "case 7"),
                BulkAction::Archive => assert_eq!(found.status, crate::ImageStatus::Archived),
                _ => assert!(found.hold.is_none() && found.status != crate::ImageStatus::Archived),
            }
        }
        let kept = format!("keep-{}", &two.as_str()["sha256:".len()..][..SHORT_DIGEST]);
        let reference = Reference::Tag(kept.parse().unwrap());
        let tagged = ground.registry.images.describe(&ground.repository, &reference).await.unwrap();
        assert_eq!(tagged.digest, two.as_str());
    }
}

#[tokio::test]
async fn the_bytes_of_what_belongs_to_a_chosen_index_are_in_those_of_the_index() {
    for ground in Ground::both().await {
        ground.image("a", &[]).await;
        let index = ground.index("a", &["pr-1"]).await;
        let of_index =
            ground.registry.images.describe(&ground.repository, &Reference::Digest(index)).await.unwrap().bytes;

        let both = choose(&ground, &ground.cx(), "tag:pr-* or untagged", BulkAction::Delete).await;

        assert_eq!(both.bytes, of_index);
    }
}

#[test]
fn a_template_is_a_tag_for_each_image() {
    let digest = digest_of(b"a");
    let template = |text: &str| text.parse::<TagTemplate>();

    assert_eq!(template("v1").unwrap().tag(digest.as_str()).unwrap().as_str(), "v1");
    let own = template("keep-{digest}").unwrap();
    let tag = own.tag(digest.as_str()).unwrap();
    assert_eq!(tag.as_str(), format!("keep-{}", &digest.as_str()["sha256:".len()..][..SHORT_DIGEST]));
    assert!(own.is_unique() && !template("v1").unwrap().is_unique());
    for text in ["", "-a", "{tag}", "a b", &"a".repeat(129)] {
        assert!(template(text).is_err(), "{text}");
    }
}

#[test]
fn a_run_without_a_step_was_interrupted() {
    let now = Timestamp::from_millis(1_000_000_000);
    let row = |state: &str, touched_at| SelectionRow {
        id: "t".into(),
        owner: "ann".into(),
        query: "untagged".into(),
        action: "{}".into(),
        image_count: 1,
        made_at: now,
        ends_at: now,
        state: state.into(),
        touched_at,
        counts: SelectionCounts::default(),
    };

    assert_eq!(SelectionState::of(&row(RUNNING, now), now), SelectionState::Running);
    assert_eq!(SelectionState::of(&row(RUNNING, now), now.plus(STEP_MAX * 2)), SelectionState::Interrupted);
    assert_eq!(SelectionState::of(&row(READY, now), now.plus(STEP_MAX * 2)), SelectionState::Ready);
    assert_eq!(SelectionState::of(&row("finished", now), now), SelectionState::Finished);
}

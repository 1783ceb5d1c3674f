use super::{
    decide::{Known, Plan, decide, ids_at},
    *,
};
use crate::{TagMove, trash::tests::Ground};
use gantry_metadata::past::{ImageRow, MoveRow, TagRow};
use gantry_oci::Reference;
use gantry_words::Precision;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(2_000_000_000_000);
const ASKER: &str = "arn:aws:iam::000000000000:user/ann";

fn digest(number: u8) -> Digest {
    format!("sha256:{number:064x}").parse().unwrap()
}

/// So many seconds after the beginning.
fn seconds(count: i64) -> Timestamp {
    Timestamp::from_millis(1_500_000_000_000 + count * 1000)
}

fn estimated(count: i64) -> Moment {
    Moment::estimated(seconds(count))
}

fn actor(name: &str) -> Option<PastActor> {
    Some(name.parse().unwrap())
}

fn image(number: u8, pushed: Option<Moment>) -> PastImage {
    PastImage { digest: digest(number), pushed, pushed_by: None, pulled: None, labels: None }
}

fn tag(name: &str, number: u8, set: Option<Moment>, earlier: &[(u8, i64)]) -> PastTag {
    let earlier = earlier.iter().map(|(number, at)| PastMove { digest: digest(*number), at: estimated(*at), by: None });
    PastTag { tag: name.parse().unwrap(), digest: digest(number), set, set_by: None, earlier: earlier.collect() }
}

fn past(images: Vec<PastImage>, tags: Vec<PastTag>) -> Past {
    Past { source: "harbor".parse().unwrap(), images, tags }
}

/// Image 1, which somebody has pushed a while ago.
fn pushed_by(by: &str) -> Known {
    let pushed = seconds(400_000_000).into();
    let row = ImageRow { digest: digest(1).to_string(), pushed, pushed_by: by.into(), pulled: None };
    Known { images: [(row.digest.clone(), row)].into(), ..Known::default() }
}

/// Image 1 under `v1`, which ann has brought.
fn brought() -> Known {
    let (mut known, set) = (pushed_by(ASKER), Moment::from(seconds(400_000_001)));
    let row = TagRow { name: "v1".into(), digest: digest(1).to_string(), set, set_by: ASKER.into() };
    let line = MoveRow {
        name: "v1".into(),
        id: 4_000_000_000_000_000_000,
        digest: Some(row.digest.clone()),
        previous: None,
        at: set,
        actor: ASKER.into(),
    };
    known.tags = [("v1".into(), row)].into();
    known.moves = [("v1".into(), vec![line])].into();
    known
}

/// What is known once a plan is carried out.
fn after(mut known: Known, plan: Plan) -> Known {
    for image in plan.pushed {
        let held = known.images.get_mut(&image.digest).unwrap();
        (held.pushed, held.pushed_by) = (image.pushed, image.pushed_by);
    }
    for (digest, pulled) in plan.pulled {
        known.images.get_mut(&digest).unwrap().pulled = Some(pulled);
    }
    for (before, now) in plan.tags {
        let mut latest = Timestamp::default();
        for line in known.moves.get_mut(&now.name).into_iter().flatten() {
            let is_it = line.digest.as_ref() == Some(&before.digest)
                && (line.at.at, &line.actor) == (before.set.at, &before.set_by);
            if is_it && latest <= now.set.at {
                (line.at, line.actor) = (now.set, now.set_by.clone());
            }
            latest = line.at.at.max(latest);
        }
        known.tags.insert(now.name.clone(), now);
    }
    for line in plan.moves {
        let (first, _) = ids_at(line.at.at);
        let last = known.last_ids.entry(first).or_insert(line.id);
        *last = line.id.max(*last);
        known.moves.entry(line.name.clone()).or_default().push(line);
    }
    for (id, previous) in plan.links {
        known.moves.values_mut().flatten().find(|line| line.id == id).unwrap().previous = previous;
    }
    known.moves.values_mut().for_each(|lines| lines.sort_by_key(|line| line.id));
    known
}

fn told(known: Known, past: &Past) -> Known {
    let plan = decide(past, known.clone(), ASKER, NOW);
    after(known, plan)
}

#[test]
fn an_image_that_who_asks_has_brought_is_dated_and_named_after_who_pushed_it_there() {
    let told_of = PastImage { pushed_by: actor("alice"), ..image(1, Some(estimated(5))) };

    let plan = decide(&past(vec![told_of, image(9, None)], vec![]), pushed_by(ASKER), ASKER, NOW);

    assert_eq!((plan.pushed[0].pushed, plan.pushed[0].pushed_by.as_str()), (estimated(5), "imported:harbor:alice"));
    assert_eq!(plan.taken(), PastTaken { images: 1, missing: 1, ..PastTaken::default() });
}

#[test]
fn what_another_pushed_here_stays_as_it_was_seen() {
    let past = past(vec![image(1, Some(seconds(5).into()))], vec![]);

    let plan = decide(&past, pushed_by("arn:aws:iam::000000000000:user/bob"), ASKER, NOW);

    assert_eq!(plan, Plan::default());
}

#[test]
fn a_time_in_the_future_or_after_the_image_was_brought_is_not_taken() {
    for at in [seconds(400_000_001), NOW.plus(std::time::Duration::from_millis(1))] {
        let past = past(vec![image(1, Some(at.into()))], vec![]);

        assert_eq!(decide(&past, pushed_by(ASKER), ASKER, NOW), Plan::default(), "{at}");
    }
}

#[test]
fn an_exact_time_goes_before_an_estimate_and_an_earlier_one_before_a_later() {
    for (first, second, expected) in [
        (estimated(5), seconds(7).into(), seconds(7).into()),
        (seconds(7).into(), estimated(5), seconds(7).into()),
        (estimated(5), estimated(4), estimated(4)),
        (estimated(4), estimated(5), estimated(4)),
    ] {
        let known = told(pushed_by(ASKER), &past(vec![image(1, Some(first))], vec![]));

        let known = told(known, &past(vec![image(1, Some(second))], vec![]));

        assert_eq!(known.images[digest(1).as_str()].pushed, expected, "{first:?} and {second:?}");
    }
}

#[test]
fn a_pull_only_becomes_later() {
    let pulled = |count| past(vec![PastImage { pulled: Some(estimated(count)), ..image(1, None) }], vec![]);
    let known = told(pushed_by("arn:aws:iam::000000000000:user/bob"), &pulled(50));

    let earlier = decide(&pulled(40), known.clone(), ASKER, NOW);
    let later = decide(&pulled(60), known, ASKER, NOW);

    assert_eq!(earlier.pulled, []);
    assert_eq!(later.pulled, [(digest(1).to_string(), estimated(60))]);
}

#[test]
fn the_moves_that_were_before_stand_before_and_each_says_where_the_tag_was() {
    let past = past(vec![], vec![tag("v1", 1, Some(estimated(30)), &[(3, 20), (2, 10), (4, 31)])]);

    let known = told(brought(), &past);

    let lines: Vec<_> =
        known.moves["v1"].iter().map(|line| (line.digest.clone(), line.previous.clone(), line.at)).collect();
    let [one, two, three] = [1, 2, 3].map(|number| Some(digest(number).to_string()));
    let expected =
        [(two.clone(), None, estimated(10)), (three.clone(), two, estimated(20)), (one, three, estimated(30))];
    assert_eq!(lines, expected);
}

#[test]
fn a_tag_that_points_elsewhere_here_keeps_its_time_and_gets_what_was_before() {
    let past = past(vec![], vec![tag("v1", 7, Some(estimated(30)), &[(2, 10)])]);

    let plan = decide(&past, brought(), ASKER, NOW);

    assert_eq!(plan.tags, []);
    assert_eq!(plan.moves.len(), 1);
    assert_eq!(plan.links, [(4_000_000_000_000_000_000, Some(digest(2).to_string()))]);
}

#[test]
fn a_history_takes_only_so_many_moves_from_elsewhere() {
    let earlier: Vec<(u8, i64)> = (0..1_100).map(|count| ((count % 200) as u8, count)).collect();

    let plan = decide(&past(vec![], vec![tag("v1", 1, None, &earlier)]), brought(), ASKER, NOW);

    assert_eq!(plan.moves.len(), MOVES_OF_TAG_MAX);
}

#[test]
fn who_is_of_elsewhere_is_a_line_of_text_and_no_principal_of_here() {
    for text in ["", " ", "a\nb", &"a".repeat(201)] {
        assert_eq!(text.parse::<PastActor>(), Err(PastError::Actor), "{text:?}");
    }
    for text in ["", "Harbor", "a:b", &"a".repeat(33)] {
        assert_eq!(text.parse::<PastSource>(), Err(PastError::Source), "{text:?}");
    }
}

fn some_moment() -> impl Strategy<Value = Option<Moment>> {
    let precision = prop_oneof![Just(Precision::Exact), Just(Precision::Estimated)];
    prop::option::of((0..60_i64, precision).prop_map(|(count, precision)| Moment { at: seconds(count), precision }))
}

fn some_actor() -> impl Strategy<Value = Option<PastActor>> {
    prop::option::of(prop_oneof![Just("alice"), Just("bob")]).prop_map(|name| name.map(|name| name.parse().unwrap()))
}

prop_compose! {
    fn some_past()(
        pushed in some_moment(), pushed_by in some_actor(), pulled in some_moment(),
        set in some_moment(), set_by in some_actor(), earlier in prop::collection::vec((2..6_u8, 0..60_i64), 0..6),
    ) -> Past {
        past(
            vec![PastImage { pushed_by, pulled, ..image(1, pushed) }],
            vec![PastTag { set_by, ..tag("v1", 1, set, &earlier) }],
        )
    }
}

proptest! {
    #[test]
    fn a_past_that_is_told_twice_is_told_once(told_of in some_past()) {
        let once = told(brought(), &told_of);

        prop_assert_eq!(decide(&told_of, once.clone(), ASKER, NOW), Plan::default(), "{:#?}", once);
    }

    #[test]
    fn it_does_not_matter_which_of_two_tells_first_who_pushed_and_when(one in some_past(), other in some_past()) {
        let times = |known: Known| (known.images, known.tags);

        prop_assert_eq!(times(told(told(brought(), &one), &other)), times(told(told(brought(), &other), &one)));
    }

    #[test]
    fn a_history_stays_in_the_order_of_its_times_and_each_move_says_where_the_tag_was(
        pasts in prop::collection::vec(some_past(), 1..4),
    ) {
        let known = pasts.iter().fold(brought(), told);

        let lines = &known.moves["v1"];
        prop_assert!(lines.is_sorted_by_key(|line| line.at.at), "{lines:#?}");
        prop_assert!(lines.windows(2).all(|pair| pair[1].previous == pair[0].digest), "{lines:#?}");
        prop_assert_eq!(lines.iter().filter(|line| line.digest.as_deref() == Some(digest(1).as_str())).count(), 1);
    }
}

async fn history(ground: &Ground) -> Vec<TagMove> {
    ground.registry.tags.history(&ground.repository, &"v1".parse().unwrap(), None, 100).await.unwrap().items
}

async fn put(ground: &Ground, past: Past) -> PastTaken {
    ground.registry.images.put_past(&ground.cx(), &ground.repository, past).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_is_written_onto_image_tag_history_and_usage_and_a_second_time_changes_nothing() {
    for ground in Ground::both().await {
        let first = ground.image("one", &["v1"]).await;
        let pulled = Some(estimated(70));
        let images = vec![PastImage {
            digest: first.clone(),
            pushed_by: actor("alice"),
            pulled,
            labels: Some(LabelChange::read([("harbor/approved".to_string(), Some(String::new()))].into()).unwrap()),
            ..image(1, Some(estimated(5)))
        }];
        let tags = vec![PastTag {
            digest: first.clone(),
            set_by: actor("bob"),
            ..tag("v1", 1, Some(estimated(30)), &[(3, 20), (2, 10)])
        }];
        let told_of = past(images, tags);

        let taken = put(&ground, told_of.clone()).await;
        let again = put(&ground, told_of).await;

        assert_eq!(taken, PastTaken { images: 1, tags: 1, moves: 2, missing: 0 });
        assert_eq!(again, PastTaken::default());
        let reference = Reference::Digest(first.clone());
        let found = ground.registry.images.describe(&ground.repository, &reference).await.unwrap();
        assert_eq!((found.pushed_at, found.pushed_at_precision), (seconds(5), Precision::Estimated));
        assert_eq!((found.pushed_by.as_str(), found.last_pulled_at), ("imported:harbor:alice", Some(seconds(70))));
        assert_eq!(found.labels.keys().collect::<Vec<_>>(), ["harbor/approved"]);
        let moves = history(&ground).await;
        let said: Vec<_> = moves.iter().map(|moved| (moved.at, moved.actor.as_str())).collect();
        let expected =
            [(seconds(30), "imported:harbor:bob"), (seconds(20), "imported:harbor"), (seconds(10), "imported:harbor")];
        assert_eq!(said, expected);
        assert_eq!(moves[0].from, Some(digest(3).to_string()));
        let usage = ground.registry.usages.repositories(&ground.cx(), "").await.unwrap();
        assert_eq!(usage[0].usage.last_pulled_at, Some(seconds(70)));
        ground.assert_sound().await;
    }
}

/// The images and labels of which the outbox says that they were set, oldest first.
async fn labelled(ground: &Ground) -> Vec<(String, String)> {
    static EVENTS: gantry_metadata::Query =
        gantry_metadata::query("SELECT body FROM event WHERE kind = 'image.labelled' ORDER BY id");
    let rows = ground.metadata.read(|rows: &mut Reader| rows.all(&EVENTS, vec![])).await.unwrap();
    let body = |row: &gantry_metadata::Row| serde_json::from_str::<serde_json::Value>(row.text(0).unwrap()).unwrap();
    rows.iter().map(body).map(|body| (body["digest"].as_str().unwrap().into(), body["set"].to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_a_past_brings_are_told_once() {
    for ground in Ground::both().await {
        let image_here = ground.image("one", &["v1"]).await;
        let labels = LabelChange::read([("harbor/approved".to_string(), Some(String::new()))].into()).unwrap();
        let told_of =
            past(vec![PastImage { digest: image_here.clone(), labels: Some(labels), ..image(1, None) }], vec![]);

        put(&ground, told_of.clone()).await;
        put(&ground, told_of).await;

        assert_eq!(labelled(&ground).await, [(image_here.to_string(), r#"{"harbor/approved":""}"#.to_string())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_of_one_moment_have_histories_of_their_own() {
    for ground in Ground::both().await {
        let image = ground.image("one", &["v1", "v2"]).await;
        let told = |name| PastTag { digest: image.clone(), ..tag(name, 1, Some(estimated(30)), &[(3, 20), (2, 20)]) };

        let taken = put(&ground, past(vec![], vec![told("v1"), told("v2")])).await;

        assert_eq!(taken.moves, 4);
        let moves = history(&ground).await;
        assert_eq!(moves.iter().map(|moved| moved.at).collect::<Vec<_>>(), [30, 20, 20].map(seconds));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifecycle_policy_sees_the_age_that_was_told() {
    for ground in Ground::both().await {
        let first = ground.image("one", &["v1"]).await;
        ground.image("two", &["v2"]).await;
        put(&ground, past(vec![PastImage { digest: first.clone(), ..image(1, Some(estimated(5))) }], vec![])).await;
        let text = r#"{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "sinceImagePushed",
            "countUnit": "days", "countNumber": 30}, "action": {"type": "expire"}}]}"#;
        let policy = gantry_lifecycle::Policy::parse(text, &ground.registry.documents.lifecycle_settings()).unwrap();

        let preview = ground.registry.images.preview(&ground.repository, policy, ground.cx().now).await.unwrap();

        assert_eq!(preview.images.iter().map(|image| image.digest.as_str()).collect::<Vec<_>>(), [first.as_str()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_system_says_makes_tags_immutable_and_never_mutable() {
    for ground in Ground::both().await {
        let (repositories, documents) = (&ground.registry.repositories, &ground.registry.documents);
        let mutability = async |is_immutable: bool| {
            let rules = PastRules { is_immutable: Some(is_immutable), ..PastRules::default() };
            rules.put(&ground.cx(), repositories, documents, &ground.repository).await.unwrap();
            repositories.load(&ground.cx(), &ground.repository.name).await.unwrap().rules.tags.mutability
        };

        let [before, told, after] = [mutability(false).await, mutability(true).await, mutability(false).await];

        assert_eq!([before, told, after], [Mutability::Mutable, Mutability::Immutable, Mutability::Immutable]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_be_told_at_once_is_refused() {
    let [ground, _] = Ground::both().await;
    let images = (0..=PAST_IMAGES_MAX).map(|_| image(1, None)).collect();

    let told = ground.registry.images.put_past(&ground.cx(), &ground.repository, past(images, vec![])).await;

    assert_eq!(told.unwrap_err().kind, FaultKind::LimitExceeded);
}

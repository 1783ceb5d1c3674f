use super::*;
use crate::trash::tests::Ground;
use gantry_words::{AccountId, Region};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn row(name: &str, valid_until: i64) -> SourceRow {
    SourceRow {
        name: name.into(),
        reported_at: Timestamp::default(),
        reported_by: "somebody".into(),
        valid_until: Timestamp::from_millis(valid_until),
        image_count: 0,
    }
}

fn report(source: &str) -> ReportInventory {
    ReportInventory {
        of: InventoryOf { account: AccountId::DEFAULT, region: Region::default() },
        source: source.parse().unwrap(),
        report: InventoryReport::new(vec![], Period::hours(1)).unwrap(),
        actor: "somebody".into(),
    }
}

fn digest(byte: char) -> Digest {
    format!("sha256:{}", String::from(byte).repeat(64)).parse().unwrap()
}

fn image(repository: Option<&str>, digest: &Digest) -> ReportedImage {
    ReportedImage { repository: repository.map(|name| name.parse().unwrap()), digest: digest.clone() }
}

#[test]
fn a_name_is_what_can_stand_in_an_address() {
    for text in ["cluster-a", "eu.prod_1", "7"] {
        assert_eq!(text.parse::<InventorySource>().unwrap().as_str(), text);
    }
    for text in ["", "-a", ".", "a/b", "a b", "ä", &"a".repeat(65)] {
        assert_eq!(text.parse::<InventorySource>(), Err(InventorySourceError), "{text}");
    }
}

#[test]
fn a_report_has_its_bounds_and_names_an_image_once() {
    let one = || image(None, &digest('a'));
    let with = |count: usize, valid_for| InventoryReport::new(vec![one(); count], valid_for);

    assert_eq!(with(3, InventoryReport::VALID_FOR).unwrap().images.len(), 1);
    assert!(with(INVENTORY_IMAGES_MAX, VALID_FOR_MAX).is_ok());
    for refused in [
        with(INVENTORY_IMAGES_MAX + 1, InventoryReport::VALID_FOR),
        with(1, Period::default()),
        with(1, Period::seconds(30 * 86_400 + 1)),
    ] {
        assert_eq!(refused.unwrap_err().kind, FaultKind::InvalidParameter);
    }
}

#[test]
fn a_report_counts_from_now_for_its_time() {
    let plan = report("one").decide(vec![row("two", 5)], NOW).unwrap();

    let until = NOW.plus(Duration::from_secs(3_600));
    assert_eq!((plan.source.reported_at, plan.source.valid_until), (NOW, until));
    assert!(plan.forgotten.is_empty(), "there is room for all");
}

#[test]
fn where_there_is_no_room_those_make_some_whose_reports_count_no_longer() {
    let of_others = |valid: usize| {
        let until = |number| if number < valid { NOW.millis() + 1 } else { NOW.millis() };
        (0..INVENTORY_SOURCES_MAX).map(|number| row(&format!("s{number}"), until(number))).collect::<Vec<_>>()
    };

    assert_eq!(report("new").decide(of_others(98), NOW).unwrap().forgotten, ["s98", "s99"]);
    assert_eq!(report("new").decide(of_others(100), NOW).unwrap_err().kind, FaultKind::LimitExceeded);
    assert!(report("s7").decide(of_others(100), NOW).unwrap().forgotten.is_empty(), "he is one of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_takes_the_place_of_the_last_and_is_forgotten_when_asked() {
    for ground in Ground::both().await {
        let (cx, inventory) = (ground.cx(), &ground.registry.inventory);
        let (source, other): (InventorySource, InventorySource) = ("one".parse().unwrap(), "two".parse().unwrap());
        let send = async |source: &InventorySource, images: Vec<ReportedImage>| {
            let report = InventoryReport::new(images, Period::hours(1)).unwrap();
            inventory.report(&cx, source, report).await.unwrap()
        };
        let (a, b) = (image(Some("team/app"), &digest('a')), image(None, &digest('b')));

        send(&source, vec![a.clone(), b.clone()]).await;
        send(&other, vec![a.clone()]).await;
        let summary = send(&source, vec![b.clone()]).await;

        assert_eq!((summary.image_count, summary.is_expired), (1, false));
        assert_eq!(inventory.load(&cx, &source).await.unwrap(), (summary, vec![b]));
        let names: Vec<_> = inventory.sources(&cx).await.unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["one", "two"]);

        inventory.remove(&cx, &source).await.unwrap();

        assert_eq!(inventory.load(&cx, &source).await.unwrap_err().kind, FaultKind::InventorySourceNotFound);
        assert_eq!(inventory.remove(&cx, &source).await.unwrap_err().kind, FaultKind::InventorySourceNotFound);
        assert_eq!(inventory.load(&cx, &other).await.unwrap().1, [a]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_in_use_where_it_is_meant_and_as_long_as_the_report_counts() {
    for ground in Ground::both().await {
        let (cx, inventory) = (ground.cx(), &ground.registry.inventory);
        let (named, unnamed) = (ground.image("named", &["v1"]).await, ground.image("unnamed", &[]).await);
        let elsewhere = ground.image("elsewhere", &[]).await;
        let images = vec![
            image(Some("team/app"), &named),
            image(None, &named),
            image(None, &unnamed),
            image(Some("team/other"), &elsewhere),
            image(None, &digest('f')),
        ];
        let report = InventoryReport::new(images, Period::hours(1)).unwrap();
        inventory.report(&cx, &"one".parse().unwrap(), report).await.unwrap();

        let uses = async |digest: &Digest| {
            let found = ground.registry.images.describe(&ground.repository, &digest.clone().into()).await.unwrap();
            found.uses.into_iter().map(|found| found.source).collect::<Vec<_>>()
        };
        assert_eq!(uses(&named).await, ["one"]);
        assert_eq!(uses(&unnamed).await, ["one"]);
        assert!(uses(&elsewhere).await.is_empty());
        for (at, mut expected) in
            [(cx.now, vec![named.to_string(), unnamed.to_string()]), (cx.now.plus(Duration::from_secs(3_600)), vec![])]
        {
            let mut used = ground.used(at).await;
            used.sort_unstable();
            expected.sort_unstable();
            assert_eq!(used, expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_in_a_report_stands_for_its_images_where_its_repository_is_named() {
    for ground in Ground::both().await {
        let (cx, inventory, id) = (ground.cx(), &ground.registry.inventory, ground.repository.id);
        let (named, unnamed) = (ground.image("named", &[]).await, ground.image("unnamed", &[]).await);
        let (of_named, of_unnamed) = (ground.index("named", &[]).await, ground.index("unnamed", &[]).await);
        let send = async |source: &str, images: Vec<ReportedImage>| {
            let report = InventoryReport::new(images, Period::hours(1)).unwrap();
            inventory.report(&cx, &source.parse().unwrap(), report).await.unwrap();
        };
        send("one", vec![image(Some("team/app"), &of_named), image(Some("team/app"), &named)]).await;
        send("two", vec![image(None, &of_unnamed), image(Some("team/app"), &of_named)]).await;

        let (digests, at) = ([named.to_string(), unnamed.to_string()], cx.now);
        let uses = move |rows: &mut Reader| inventory::uses_with_indexes(rows, id, at, &digests);
        let uses = ground.metadata.read(uses).await.unwrap();
        let of = InventoryOf { account: AccountId::DEFAULT, region: Region::default() };
        let running = ground.metadata.read(move |rows| inventory::running(rows, &of, at)).await.unwrap();

        let told: Vec<_> = uses.into_iter().map(|used| (used.digest, used.source)).collect();
        assert_eq!(told, [(named.to_string(), "one".to_owned()), (named.to_string(), "two".to_owned())]);
        let running: BTreeSet<_> = running.into_iter().map(|entry| (entry.repository, entry.digest)).collect();
        let entry = |repository: &str, digest: &Digest| (repository.to_owned(), digest.to_string());
        let expected = [entry("team/app", &named), entry("team/app", &of_named), entry("", &of_unnamed)];
        assert_eq!(running, BTreeSet::from(expected));
    }
}

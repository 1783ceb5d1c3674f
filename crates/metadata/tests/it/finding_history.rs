//! It is known since when a flaw is in a repository, and how many there were on a day, by both engines alike.

use crate::{cx, on_postgres, on_sqlite};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Locks, Metadata, Reader, Settings, Tx,
    finding_history::{self, DaySum, FlawPlaceRow, GoneAfter, HistoryRow},
    repositories::{self, NewRepository},
    suite::postgres::Database,
};
use gantry_words::{AccountId, Region, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Does what a test says.
struct Do<F>(F);

impl<F: Fn(&mut Tx) -> Result<(), Fault> + Send + 'static> Act for Do<F> {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.do";
    const LOCKS: Locks = Locks::Unlocked("nothing is asked");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        (self.0)(tx)
    }
}

async fn done(metadata: &Metadata, what: impl Fn(&mut Tx) -> Result<(), Fault> + Send + 'static) {
    metadata.perform(&cx(1), Do(what)).await.unwrap();
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn flaw(repository: i64, id: &str) -> FlawPlaceRow {
    FlawPlaceRow { repository, flaw: id.into(), kind: "deb".into(), package: "Openssl".into() }
}

/// Before everything.
fn start() -> FlawPlaceRow {
    FlawPlaceRow { repository: i64::MIN, flaw: String::new(), kind: String::new(), package: String::new() }
}

fn told(rows: &[HistoryRow]) -> Vec<(i64, &str, &str, i64, Option<i64>)> {
    rows.iter()
        .map(|row| {
            let place = &row.place;
            let gone_at = row.gone_at.map(Timestamp::seconds);
            (place.repository, place.flaw.as_str(), row.severity.as_str(), row.first_seen_at.seconds(), gone_at)
        })
        .collect()
}

async fn a_flaw_comes_goes_and_comes_back(metadata: Metadata) {
    done(&metadata, |tx| {
        let new = [(flaw(1, "a"), "HIGH"), (flaw(1, "B"), "LOW"), (flaw(i64::MAX, "a"), "HIGH")];
        finding_history::see(tx, &new, at(10)).map(drop)
    })
    .await;
    done(&metadata, |tx| finding_history::end(tx, &[flaw(1, "a"), flaw(1, "never seen")], at(20)).map(drop)).await;
    done(&metadata, |tx| {
        finding_history::end(tx, &[flaw(1, "B"), flaw(1, "a"), flaw(i64::MAX, "a")], at(30)).map(drop)
    })
    .await;
    let all = |count| move |rows: &mut Reader| finding_history::open_after(rows, &start(), count);
    assert_eq!(metadata.read(all(9)).await.unwrap(), []);

    let last = GoneAfter { gone_at: Timestamp::from_millis(i64::MAX), place: start() };
    let from = last.clone();
    let first = metadata.read(move |rows| finding_history::gone(rows, &[1, i64::MAX], None, &from, 2)).await.unwrap();
    let after = GoneAfter { gone_at: first[1].gone_at.unwrap(), place: first[1].place.clone() };
    let next = move |rows: &mut Reader| finding_history::gone(rows, &[1, i64::MAX], None, &after, 2);
    let second = metadata.read(next).await.unwrap();
    let narrow = move |rows: &mut Reader| finding_history::gone(rows, &[1], Some("a"), &last, 9);
    let narrow = metadata.read(narrow).await.unwrap();

    assert_eq!(told(&first), [(1, "B", "LOW", 10, Some(30)), (i64::MAX, "a", "HIGH", 10, Some(30))]);
    assert_eq!(told(&second), [(1, "a", "HIGH", 10, Some(20))], "who was gone stays as it was");
    assert_eq!(told(&narrow), [(1, "a", "HIGH", 10, Some(20))]);

    done(&metadata, |tx| {
        finding_history::see(tx, &[(flaw(1, "a"), "CRITICAL"), (flaw(1, "B"), "LOW")], at(40)).map(drop)
    })
    .await;
    let open = metadata.read(all(1)).await.unwrap();
    let after = open[0].place.clone();
    let rest = metadata.read(move |rows| finding_history::open_after(rows, &after, 9)).await.unwrap();

    assert_eq!(told(&open), [(1, "B", "LOW", 10, None)], "in the order of bytes");
    assert_eq!(told(&rest), [(1, "a", "CRITICAL", 10, None)]);
    assert_eq!(metadata.read(|rows| finding_history::open_of(rows, 1)).await.unwrap(), [open, rest].concat());
}

async fn only_what_was_written_down_otherwise_before_is_news(metadata: Metadata) {
    done(&metadata, |tx| {
        let both = [(flaw(1, "a"), "HIGH"), (flaw(1, "b"), "LOW")];
        assert_eq!(finding_history::see(tx, &both, at(10))?, BTreeSet::from([flaw(1, "a"), flaw(1, "b")]));
        assert_eq!(finding_history::see(tx, &both, at(11))?, BTreeSet::new());
        assert_eq!(finding_history::see(tx, &[(flaw(1, "a"), "LOW")], at(12))?, BTreeSet::from([flaw(1, "a")]));
        assert_eq!(finding_history::end(tx, &[flaw(1, "b"), flaw(1, "c")], at(13))?, BTreeSet::from([flaw(1, "b")]));
        assert_eq!(finding_history::end(tx, &[flaw(1, "b")], at(14))?, BTreeSet::new());
        assert_eq!(finding_history::see(tx, &[(flaw(1, "b"), "LOW")], at(15))?, BTreeSet::from([flaw(1, "b")]));
        Ok(())
    })
    .await;
}

async fn how_a_flaw_was_told_is_kept_until_it_is_gone(metadata: Metadata) {
    done(&metadata, |tx| {
        let [one, other] = [flaw(7, "a"), flaw(7, "b")];
        finding_history::see(tx, &[(one.clone(), "HIGH"), (other.clone(), "LOW")], at(10))?;
        finding_history::put_told(tx, &[(&one, r#"{"digest":"sha256:ab"}"#)])?;
        let kept = finding_history::told(tx, &[one.clone(), other])?;
        finding_history::end(tx, std::slice::from_ref(&one), at(11))?;
        finding_history::see(tx, &[(one.clone(), "HIGH")], at(12))?;

        assert_eq!(kept, BTreeMap::from([(one.clone(), r#"{"digest":"sha256:ab"}"#.to_string())]));
        assert_eq!(finding_history::told(tx, &[one])?, BTreeMap::new());
        Ok(())
    })
    .await;
}

async fn days_are_summed_over_repositories_and_written_again(metadata: Metadata) {
    done(&metadata, |tx| {
        finding_history::put_day(tx, 7, &[(1, [9; 6]), (2, [0, 2, 0, 0, 0, 0])])?;
        finding_history::put_day(tx, 7, &[(1, [1, 0, 0, 0, 0, 0]), (3, [5; 6])])?;
        finding_history::put_day(tx, 8, &[(1, [0, 0, 0, 0, 0, 3])])?;
        finding_history::put_day(tx, 6, &[(1, [7; 6])])
    })
    .await;

    let trend = metadata.read(|rows| finding_history::trend(rows, &[1, 2], 7)).await.unwrap();

    let day = |day, repositories, counts| DaySum { day, repositories, counts };
    assert_eq!(trend, [day(7, 2, [1, 2, 0, 0, 0, 0]), day(8, 1, [0, 0, 0, 0, 0, 3])]);
}

async fn what_is_old_is_forgotten_and_what_is_of_no_repository(metadata: Metadata) {
    done(&metadata, |tx| {
        let new = NewRepository {
            id: 1,
            account: AccountId::DEFAULT,
            region: &Region::default(),
            name: &"team/app".parse().unwrap(),
            created_at: at(0),
            created_by: "ann",
            settings: "{}",
        };
        repositories::insert(tx, &new)?;
        finding_history::see(tx, &[(flaw(1, "a"), "LOW"), (flaw(1, "b"), "LOW"), (flaw(2, "a"), "LOW")], at(10))?;
        finding_history::end(tx, &[flaw(1, "a")], at(20))?;
        finding_history::put_day(tx, 7, &[(1, [1; 6]), (2, [1; 6])])?;
        finding_history::put_day(tx, 8, &[(1, [1; 6]), (2, [1; 6])])?;
        finding_history::forget(tx, at(21), 8)
    })
    .await;

    let open = metadata.read(|rows| finding_history::open_after(rows, &start(), 9)).await.unwrap();
    let last = GoneAfter { gone_at: Timestamp::from_millis(i64::MAX), place: start() };
    let gone = metadata.read(move |rows| finding_history::gone(rows, &[1, 2], None, &last, 9)).await.unwrap();
    let trend = metadata.read(|rows| finding_history::trend(rows, &[1, 2], 0)).await.unwrap();

    assert_eq!((told(&open), gone), (vec![(1, "b", "LOW", 10, None)], vec![]));
    assert_eq!(trend, [DaySum { day: 8, repositories: 1, counts: [1; 6] }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_history_of_findings() {
    let fresh = || on_sqlite(&Settings::default());
    let folders = [fresh(), fresh(), fresh(), fresh()];
    let [(first, _a), (second, _b), (third, _c), (fourth, _d)] = folders;
    a_flaw_comes_goes_and_comes_back(first).await;
    days_are_summed_over_repositories_and_written_again(second).await;
    what_is_old_is_forgotten_and_what_is_of_no_repository(third).await;
    only_what_was_written_down_otherwise_before_is_news(fourth.clone()).await;
    how_a_flaw_was_told_is_kept_until_it_is_gone(fourth).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_the_history_of_findings() {
    let databases = [Database::new(), Database::new(), Database::new(), Database::new()];
    let [first, second, third, fourth] = databases.each_ref().map(|database| on_postgres(&database.settings()));
    a_flaw_comes_goes_and_comes_back(first).await;
    days_are_summed_over_repositories_and_written_again(second).await;
    what_is_old_is_forgotten_and_what_is_of_no_repository(third).await;
    only_what_was_written_down_otherwise_before_is_news(fourth.clone()).await;
    how_a_flaw_was_told_is_kept_until_it_is_gone(fourth).await;
}

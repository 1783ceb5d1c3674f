use super::*;
use crate::trash::tests::Ground;
use futures_util::future::join;
use gantry_metadata::{Act, Event, Locks, Tx, suite::two_writers};
use serde_json::json;
use std::sync::{Mutex, mpsc};

fn question(start: EventStart) -> EventQuestion {
    EventQuestion { start, kinds: Vec::new(), prefix: String::new(), count: 100, wait: Duration::ZERO }
}

/// What is shown of an event here: its kind, and the repository.
fn shown(event: FeedEvent) -> Vec<(String, Option<String>)> {
    vec![(event.kind, event.repository)]
}

async fn read(ground: &Ground, question: &EventQuestion) -> EventPage<(String, Option<String>)> {
    ground.registry.events.page(&ground.cx(), question, shown).await.unwrap()
}

async fn read_after(ground: &Ground, cursor: EventCursor) -> EventPage<(String, Option<String>)> {
    read(ground, &question(EventStart::After(cursor))).await
}

fn kinds(page: &EventPage<(String, Option<String>)>) -> Vec<&str> {
    page.items.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// What is shown where one repository was created.
fn created(name: &str) -> Vec<(String, Option<String>)> {
    vec![("repository.created".into(), Some(name.into()))]
}

async fn create(ground: &Ground, name: &str) {
    ground.registry.repositories.create(&ground.cx(), &name.parse().unwrap()).await.unwrap();
}

/// Tells of something, and is committed when it may.
struct TellLate {
    told: mpsc::Sender<()>,
    may_end: Mutex<mpsc::Receiver<()>>,
}

impl Act for TellLate {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.tell_late";
    const LOCKS: Locks = Locks::Unlocked("nothing is asked");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        tx.event(Event { kind: "quota.removed", repository: None, body: json!({"scope": "*"}) })?;
        let _ = self.told.send(());
        // The other end is gone where the act is played again.
        let _ = self.may_end.lock().unwrap().recv();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_cursor_sees_every_event_once_and_in_order() {
    for ground in Ground::both().await {
        let (mut cursor, mut seen) = (EventCursor::START, Vec::new());
        for round in 0..3 {
            create(&ground, &format!("other/r{round}a")).await;
            create(&ground, &format!("other/r{round}b")).await;
            loop {
                let page = read(&ground, &EventQuestion { count: 1, ..question(EventStart::After(cursor)) }).await;
                cursor = page.cursor;
                assert!(!page.has_missed && page.items.len() <= 1);
                seen.extend(page.items);
                if !page.has_more {
                    break;
                }
            }
        }

        let names: Vec<_> = seen.iter().map(|(_, name)| name.as_deref().unwrap()).collect();
        let expected = ["team/app", "other/r0a", "other/r0b", "other/r1a", "other/r1b", "other/r2a", "other/r2b"];
        assert_eq!(names, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_committed_after_a_younger_one_is_told_after_it_and_not_missed() {
    // On SQLite acts come one after the other: nothing can be late.
    let [_, ground] = Ground::both().await;
    let before = read(&ground, &question(EventStart::Oldest)).await.cursor;
    let ((told, is_told), (end, may_end)) = (mpsc::channel(), mpsc::channel());
    let (metadata, cx) = (ground.metadata.clone(), ground.cx());
    let late =
        tokio::spawn(async move { metadata.perform(&cx, TellLate { told, may_end: Mutex::new(may_end) }).await });
    tokio::task::spawn_blocking(move || is_told.recv()).await.unwrap().unwrap();
    create(&ground, "team/younger").await;

    let first = read_after(&ground, before).await;
    end.send(()).unwrap();
    late.await.unwrap().unwrap();
    let second = read_after(&ground, first.cursor).await;
    let all = read_after(&ground, before).await;

    assert_eq!(kinds(&first), ["repository.created"]);
    assert_eq!(kinds(&second), ["quota.removed"]);
    assert_eq!(kinds(&all), ["repository.created", "quota.removed"], "in the same order for everybody");
    assert!(!first.has_missed && !second.has_missed && !all.has_missed);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_number_at_once_number_each_event_once() {
    for ground in Ground::both().await {
        create(&ground, "team/one").await;
        let number = || NumberEvents { account: ground.cx().account, count: 100 };

        let (first, second) = two_writers(&ground.metadata, &ground.cx(), number(), number()).await;

        assert_eq!(first.unwrap() + second.unwrap(), 2);
        let page = read_after(&ground, EventCursor::START).await;
        assert_eq!((page.items.len(), page.cursor.number, page.has_missed), (2, 2, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_after_retention_is_told_that_he_has_missed_something() {
    for ground in Ground::both().await {
        let start = EventCursor::START;
        let cursor = read(&ground, &question(EventStart::Oldest)).await.cursor;
        create(&ground, "team/unread").await;
        ground.registry.retention.round(&ground.in_days(31)).await.unwrap();
        create(&ground, "team/young").await;

        let [late, never] = [read_after(&ground, cursor).await, read_after(&ground, start).await];
        let after = read_after(&ground, late.cursor).await;
        let newcomer = read(&ground, &question(EventStart::Oldest)).await;

        for page in [&late, &never] {
            assert!(page.has_missed);
            assert_eq!(page.items, created("team/young"));
        }
        assert!(!after.has_missed && after.items.is_empty(), "it is told once");
        assert!(!newcomer.has_missed && newcomer.items.len() == 1, "who has read nothing has missed nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_read_all_that_retention_removes_has_missed_nothing() {
    for ground in Ground::both().await {
        create(&ground, "team/read").await;
        let cursor = read(&ground, &question(EventStart::Oldest)).await.cursor;
        ground.registry.retention.round(&ground.in_days(31)).await.unwrap();
        create(&ground, "team/young").await;

        let page = read_after(&ground, cursor).await;

        assert!(!page.has_missed);
        assert_eq!(page.items, created("team/young"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_a_feed_that_was_restored_from_a_backup_is_not_taken_for_one_of_this() {
    for ground in Ground::both().await {
        create(&ground, "team/two").await;
        let last = read(&ground, &question(EventStart::Oldest)).await.cursor;

        let ahead = read_after(&ground, EventCursor { number: last.number + 1, ..last }).await;
        let beside = read_after(&ground, EventCursor { id: last.id + 1, ..last }).await;

        for page in [ahead, beside] {
            assert!(page.has_missed);
            assert_eq!(page.items.len(), 2, "it goes on with the oldest");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_nobody_has_asked_for_ends_where_it_begins() {
    for ground in Ground::both().await {
        create(&ground, "team/waits").await;
        let account = ground.cx().account;

        let end = ground.metadata.read(move |rows| latest(rows, account)).await.unwrap();
        let page = read_after(&ground, end).await;

        assert_eq!(end, EventCursor::START, "what waits for a number is not in it");
        assert_eq!((page.items.len(), page.has_missed), (2, false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_filled_with_what_is_asked_for_and_seen() {
    for ground in Ground::both().await {
        for name in ["team/a", "zoo/b", "team/secret", "team/c"] {
            create(&ground, name).await;
        }
        let asked = EventQuestion {
            kinds: vec!["repository.*".parse().unwrap()],
            prefix: "team/".into(),
            count: 3,
            ..question(EventStart::Oldest)
        };
        let show = |event: FeedEvent| match event.repository.as_deref() {
            Some("team/secret") => Vec::new(),
            _ => event.repository.into_iter().collect(),
        };

        let page = ground.registry.events.page(&ground.cx(), &asked, show).await.unwrap();
        let none = EventQuestion { kinds: vec!["tag.*".parse().unwrap()], ..asked };

        assert_eq!(page.items, ["team/app", "team/a", "team/c"]);
        let none = read(&ground, &none).await;
        assert_eq!((none.items.len(), none.cursor), (0, page.cursor), "what nobody sees is passed too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_begins_at_the_end_or_at_a_moment() {
    for ground in Ground::both().await {
        let now = ground.cx().now;
        let later = now.plus(Duration::from_secs(3600));

        let latest = read(&ground, &question(EventStart::Latest)).await;
        let since_before = read(&ground, &question(EventStart::Since(now.minus(Duration::from_secs(3600))))).await;
        let since_later = read(&ground, &question(EventStart::Since(later))).await;
        create(&ground, "team/new").await;

        assert_eq!(kinds(&since_before), ["repository.created"]);
        for end in [latest, since_later] {
            assert!(end.items.is_empty() && !end.has_missed);
            let page = read_after(&ground, end.cursor).await;
            assert_eq!(page.items, created("team/new"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_answered_by_the_next_event_or_by_the_end_of_the_server() {
    for ground in Ground::both().await {
        let waits = EventQuestion { wait: EVENTS_WAIT_MAX, ..question(EventStart::Latest) };

        let cursor = read(&ground, &question(EventStart::Latest)).await.cursor;
        let waits_on = EventQuestion { start: EventStart::After(cursor), ..waits.clone() };
        let (page, ()) = join(read(&ground, &waits_on), create(&ground, "team/new")).await;
        let end = async { ground.registry.events.end_waiting() };
        let (ended, ()) = join(read(&ground, &waits), end).await;

        assert_eq!(kinds(&page), ["repository.created"]);
        assert!(ended.items.is_empty());
    }
}

#[tokio::test]
async fn who_waits_too_often_already_is_answered_at_once() {
    let [ground, _] = Ground::both().await;
    let (events, cx) = (&ground.registry.events, ground.cx());
    let mut waiters = Vec::new();
    while let Some(waiter) = events.waiters.begin(&cx).unwrap() {
        waiters.push(waiter);
    }

    let page = read(&ground, &EventQuestion { wait: EVENTS_WAIT_MAX, ..question(EventStart::Latest) }).await;

    assert!(page.items.is_empty() && !page.has_more);
}

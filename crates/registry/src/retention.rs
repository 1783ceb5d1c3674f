use crate::ports::Ports;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Tx, event_feed,
    trail::{self, Oldest, Table},
};
use gantry_words::{Cx, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Rows removed in one act: few enough to let pushes pass in between.
const ROWS_MAX: usize = 500;
/// How often it is looked at what has become old.
const EVERY: Duration = Duration::from_secs(3600);

/// The room that forgets: facts of the outbox and rows of the change trail, after their time.
///
/// Nothing goes silently: each act that removes some leaves a row in the change trail itself, and the sums are in the
/// metrics. Several replicas may do so at once; each row goes once.
#[derive(Clone)]
pub struct Retention {
    ports: Arc<Ports>,
    forgotten: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    events: AtomicU64,
    audit: AtomicU64,
}

/// How many rows were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Of the outbox.
    pub events: u64,
    /// Of the change trail.
    pub audit: u64,
}

impl Retention {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Retention { ports, forgotten: Arc::default() }
    }

    /// How long it rests between two rounds.
    pub fn every(&self) -> Duration {
        EVERY
    }

    /// Removes what has become older than the settings keep it.
    pub async fn round(&self, cx: &Cx) -> Result<Forgotten, Fault> {
        let keep = &self.ports.settings.retention;
        let events = self.forget(cx, Table::Event, keep.events.duration(), &self.forgotten.events).await?;
        let audit = self.forget(cx, Table::Audit, keep.audit.duration(), &self.forgotten.audit).await?;
        Ok(Forgotten { events, audit })
    }

    /// What this process has removed so far.
    pub fn total(&self) -> Forgotten {
        Forgotten { events: self.forgotten.events.load(Relaxed), audit: self.forgotten.audit.load(Relaxed) }
    }

    async fn forget(&self, cx: &Cx, table: Table, keep: Duration, total: &AtomicU64) -> Result<u64, Fault> {
        let (env, before, mut sum) = (&self.ports.env, cx.now.minus(keep), 0);
        loop {
            let began = env.elapsed();
            let count = self.ports.metadata.perform(cx, Forget { table, before }).await?;
            sum += count;
            total.fetch_add(count, Relaxed);
            if count < ROWS_MAX as u64 {
                return Ok(sum);
            }
            // As long again for everybody else.
            env.sleep(env.elapsed().saturating_sub(began)).await;
        }
    }
}

/// The act that removes the oldest rows of a trail.
struct Forget {
    table: Table,
    before: Timestamp,
}

/// What is removed.
struct Doomed {
    oldest: Oldest,
    /// How many of these events were never numbered in the feeds of their accounts: those who follow them are to see that.
    untold: Vec<(String, i64)>,
}

impl Act for Forget {
    type Seen = Option<Doomed>;
    type Plan = Option<Doomed>;
    type Answer = u64;
    const NAME: &'static str = "registry.forget";

    fn gather(&self, rows: &mut Reader) -> Result<Option<Doomed>, Fault> {
        rows.lock("retention")?;
        if self.table == Table::Event {
            rows.lock(event_feed::LOCK)?;
        }
        let Some(oldest) = trail::oldest(rows, self.table, self.before, ROWS_MAX)? else { return Ok(None) };
        let untold = match self.table {
            Table::Event => event_feed::waiting_until(rows, oldest.last, ROWS_MAX)?,
            Table::Audit => Vec::new(),
        };
        Ok(Some(Doomed { oldest, untold }))
    }
    fn decide(&self, seen: Option<Doomed>, _: Timestamp) -> Result<Option<Doomed>, Fault> {
        Ok(seen)
    }
    fn apply(&self, tx: &mut Tx, doomed: Option<Doomed>) -> Result<u64, Fault> {
        let Some(Doomed { oldest, untold }) = doomed else { return Ok(0) };
        for (account, count) in &untold {
            event_feed::skip(tx, account, *count)?;
        }
        trail::forget(tx, self.table, oldest.last)?;
        Ok(oldest.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Registry, RetentionSettings, Settings};
    use futures_util::FutureExt;
    use gantry_env::{BoxFuture, Clock, Env, Random};
    use gantry_metadata::Metadata;
    use gantry_store::Store;
    use gantry_words::{AccountId, Period, Region};

    /// Time that passes when it is told to.
    #[derive(Clone, Default)]
    struct Days(Arc<AtomicU64>);

    impl Clock for Days {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_800_000_000_000).plus(self.elapsed())
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Relaxed) * 24 * 3600)
        }
        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    impl Random for Days {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    struct World {
        days: Days,
        env: Env,
        metadata: Metadata,
        registry: Registry,
    }

    impl World {
        fn keeping(events: u64, audit: u64) -> World {
            let days = Days::default();
            let env = Env::new(Arc::new(days.clone()), Arc::new(days.clone()));
            let metadata = Metadata::alone(env.clone()).unwrap();
            let period = |days: u64| Period::hours(days * 24);
            let retention = RetentionSettings { events: period(events), audit: period(audit) };
            let settings = Settings { retention, ..Settings::default() };
            let (store, _) = Store::memory(env.clone());
            let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), settings);
            World { days, env, metadata, registry }
        }

        fn cx(&self) -> Cx {
            Cx {
                actor: "gantry:test".into(),
                account: AccountId::DEFAULT,
                operation: "test",
                request_id: self.env.request_id(),
                now: self.env.now(),
                source: None,
            }
        }

        /// Does something that leaves an event and a row of the change trail.
        fn create(&self, name: &str) {
            let created = self.registry.repositories.create(&self.cx(), &name.parse().unwrap()).now_or_never();
            created.expect("nothing waits here").unwrap();
        }

        fn round(&self) -> Forgotten {
            self.registry.retention.round(&self.cx()).now_or_never().expect("nothing waits here").unwrap()
        }

        fn count(&self, table: Table) -> u64 {
            let end_of_time = Timestamp::from_millis(i64::MAX);
            let look = self.metadata.read(move |rows| trail::oldest(rows, table, end_of_time, 1_000_000));
            look.now_or_never().expect("nothing waits here").unwrap().map_or(0, |oldest| oldest.count)
        }
    }

    #[test]
    fn what_is_older_than_its_time_goes_and_the_rest_stays() {
        let world = World::keeping(30, 365);
        world.create("old");
        world.days.0.store(20, Relaxed);
        world.create("young");
        world.days.0.store(31, Relaxed);

        let forgotten = world.round();

        assert_eq!(forgotten, Forgotten { events: 1, audit: 0 });
        assert_eq!(world.count(Table::Event), 1);
    }

    #[test]
    fn the_change_trail_says_that_it_was_cut() {
        let world = World::keeping(3650, 365);
        world.create("old");
        world.days.0.store(366, Relaxed);

        let forgotten = world.round();

        assert_eq!(forgotten, Forgotten { events: 0, audit: 1 });
        assert_eq!(world.count(Table::Audit), 1, "the row that says so");
        assert_eq!(world.registry.retention.total(), forgotten);
    }

    #[test]
    fn nothing_old_leaves_no_trace() {
        let world = World::keeping(30, 365);
        world.create("young");

        assert_eq!(world.round(), Forgotten::default());
        assert_eq!(world.count(Table::Audit), 1);
    }

    #[test]
    fn more_than_one_act_takes_goes_in_several() {
        let world = World::keeping(30, 365);
        let names = 2 * ROWS_MAX + 1;
        (0..names).for_each(|number| world.create(&format!("old-{number}")));
        world.days.0.store(31, Relaxed);

        assert_eq!(world.round().events, names as u64);
        assert_eq!(world.count(Table::Event), 0);
        assert_eq!(world.count(Table::Audit), names as u64 + 3, "a row for each act that removed some");
    }
}

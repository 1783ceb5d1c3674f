//! What repositories use. The figures are kept with every change (`metadata::repositories`); nothing here walks blobs.

mod growth;
mod prefix;
mod table;

pub use growth::{bytes_in_days, days_until_full, growth_per_day};
pub use table::{
    RepositoryUsage, Usage, UsageBy, UsageColumn, UsageEntry, UsageOrder, UsageOrderError, UsagePlace, usage_by,
    usage_page,
};

use crate::{admit::store_fault, ports::Ports};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Trail, Tx, blobs, site_settings,
    usage::{self, STORE, UsageDay, UsageRow, UsageTotal},
};
use gantry_words::{Cx, Timestamp};
pub(crate) use growth::day_of;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How often it is looked whether a new day has begun.
const EVERY: Duration = Duration::from_secs(3600);
/// Repositories whose samples are taken in one act: few enough to let pushes pass in between.
const SAMPLED_BATCH: usize = 200;
/// Repositories that are read at a time.
const BATCH: usize = 5_000;
/// For how many days samples are kept, and growth is told from them.
const DAYS_KEPT: i64 = 30;
/// Under which name it is remembered of which day the last samples are.
const SAMPLED: &str = "usage-sampled";

/// The room for what repositories use.
#[derive(Clone)]
pub struct Usages {
    ports: Arc<Ports>,
}

/// What the store holds, and when its disk is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreUsage {
    /// Bytes of all copies, each once, when it was counted last: on the last day of which there is a sample; `None` before.
    pub used_bytes: Option<u64>,
    /// Bytes that may still be written, now.
    pub free_bytes: u64,
    /// By how many bytes it grows in a day; `None` until two days are known.
    pub growth_bytes_per_day: Option<i64>,
    /// In how many whole days the disk is full; `None` where it is not known to grow.
    pub days_until_full: Option<u64>,
}

impl Usages {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Usages { ports }
    }

    /// How long it rests between two rounds.
    pub fn every(&self) -> Duration {
        EVERY
    }

    /// Returns what each repository of the account uses that a prefix means, in the order of names: `team/app` means the repository of
    /// that name and those below it, `team/` those below it alone, an empty one all.
    pub async fn repositories(&self, cx: &Cx, prefix: &str) -> Result<Vec<RepositoryUsage>, Fault> {
        let mut found = Vec::new();
        for (mut from, end) in prefix::ranges(prefix) {
            loop {
                let (account, region) = (cx.account, self.ports.region.clone());
                let (first, before) = (from.clone(), end.clone());
                let look = move |rows: &mut Reader| usage::list(rows, account, &region, (&first, &before), BATCH);
                let rows = self.ports.metadata.read_long(look).await?;
                let is_last = rows.len() < BATCH;
                for row in rows {
                    // No name has a character that comes before this one: only what comes after the name comes after it.
                    from.clear();
                    from.extend([row.name.as_str(), "!"]);
                    found.push(of_row(row)?);
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Returns what all repositories of the account use together that a prefix means: the sum of what
    /// [`Usages::repositories`] says, in less time.
    pub async fn sum(&self, cx: &Cx, prefix: &str) -> Result<Usage, Fault> {
        let (account, region, ranges) = (cx.account, self.ports.region.clone(), prefix::ranges(prefix));
        let look = move |rows: &mut Reader| {
            let mut sums = Vec::new();
            for (first, end) in &ranges {
                sums.push(of_sum(usage::sum(rows, account, &region, (first, end))?));
            }
            Ok(sums)
        };
        let sums = self.ports.metadata.read_long(look).await?;
        Ok(Usage::sum(&sums))
    }

    /// Returns when the newest image of each of these repositories was pushed, one in the trash too.
    pub async fn last_pushed_at(&self, repositories: Vec<i64>) -> Result<BTreeMap<i64, Timestamp>, Fault> {
        let look = move |rows: &mut Reader| {
            let mut found = BTreeMap::new();
            for id in repositories {
                if let Some(at) = usage::last_pushed_at(rows, id)? {
                    found.insert(id, at);
                }
            }
            Ok(found)
        };
        self.ports.metadata.read_long(look).await
    }

    /// Returns what the repositories of all accounts use together.
    pub async fn total(&self) -> Result<UsageTotal, Fault> {
        let region = self.ports.region.clone();
        self.ports.metadata.read_long(move |rows| usage::total(rows, &region)).await
    }

    /// Returns what the store holds, and when its disk is full.
    ///
    /// # Errors
    /// The disk does not say how much room there is.
    pub async fn store(&self, now: Timestamp) -> Result<StoreUsage, Fault> {
        let from = day_of(now) - DAYS_KEPT;
        let samples = self.ports.metadata.read(move |rows| usage::days(rows, &[STORE], from)).await?;
        let samples: Vec<_> = samples.into_iter().map(|(_, day)| day).collect();
        let free_bytes = self.ports.store.free_bytes().await.map_err(store_fault)?;
        let growth_bytes_per_day = growth_per_day(&samples);
        Ok(StoreUsage {
            used_bytes: samples.last().and_then(|sample| u64::try_from(sample.bytes).ok()),
            free_bytes,
            growth_bytes_per_day,
            days_until_full: days_until_full(free_bytes, growth_bytes_per_day),
        })
    }

    /// Takes the samples of the day, where nobody did yet, and tells the growth of each repository from those there are; returns of
    /// how many. Several servers may do so at once.
    ///
    /// # Errors
    /// The metadata cannot be read or written; the next round takes them.
    pub async fn round(&self, cx: &Cx) -> Result<usize, Fault> {
        let (day, env) = (day_of(cx.now), &self.ports.env);
        let last = self.ports.metadata.read(|rows| site_settings::find(rows, SAMPLED)).await?;
        if last.is_some_and(|last| last == day.to_string()) {
            return Ok(0);
        }
        let (mut after, mut sum) = (0, 0);
        loop {
            let began = env.elapsed();
            let sampled = self.ports.metadata.perform(cx, SampleUsage { after, day }).await?;
            let Some(last) = sampled.last else { break };
            after = last;
            sum += sampled.count;
            // As long again for everybody else.
            env.sleep(env.elapsed().saturating_sub(began)).await;
        }
        let stored = self.ports.metadata.read_long(blobs::stored).await?;
        let bytes = i64::try_from(stored.bytes).unwrap_or(i64::MAX);
        self.ports.metadata.perform(cx, EndSampling { day, bytes }).await?;
        Ok(sum)
    }
}

fn of_sum((total, growth_bytes_per_day, last_pulled_at): (UsageTotal, Option<i64>, Option<Timestamp>)) -> Usage {
    let UsageTotal { repositories, images, tags, blob_bytes: logical_bytes, unique_bytes } = total;
    Usage { repositories, images, tags, logical_bytes, unique_bytes, growth_bytes_per_day, last_pulled_at }
}

fn of_row(row: UsageRow) -> Result<RepositoryUsage, Fault> {
    let name = row.name.parse().map_err(|error| Fault::internal(format!("repository {}: {error}", row.id)))?;
    let usage = Usage {
        repositories: 1,
        images: row.images,
        tags: row.tags,
        logical_bytes: row.blob_bytes,
        unique_bytes: row.unique_bytes,
        growth_bytes_per_day: row.growth_bytes_per_day,
        last_pulled_at: row.last_pulled_at,
    };
    Ok(RepositoryUsage { id: row.id, name, usage })
}

/// The act that takes the samples of some repositories.
struct SampleUsage {
    /// The number of the last repository of the act before.
    after: i64,
    day: i64,
}

/// A repository, and what is known of the days before.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sampled {
    now: usage::SampledRow,
    days: Vec<UsageDay>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SamplePlan {
    /// How many bytes each repository links.
    bytes: Vec<(i64, i64)>,
    /// Those whose growth is another than it was.
    growths: Vec<(i64, Option<i64>)>,
}

/// How far it came.
struct SampleEnd {
    last: Option<i64>,
    count: usize,
}

impl Act for SampleUsage {
    type Seen = Vec<Sampled>;
    type Plan = SamplePlan;
    type Answer = SampleEnd;
    const NAME: &'static str = "registry.sample_usage";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Vec<Sampled>, Fault> {
        rows.lock("usage samples")?;
        let found = usage::each(rows, self.after, SAMPLED_BATCH)?;
        let ids: Vec<i64> = found.iter().map(|row| row.repository).collect();
        let mut known: BTreeMap<i64, Vec<UsageDay>> = BTreeMap::new();
        for (repository, day) in usage::days(rows, &ids, self.day - DAYS_KEPT)? {
            known.entry(repository).or_default().push(day);
        }
        let with_days =
            |now: usage::SampledRow| Sampled { days: known.remove(&now.repository).unwrap_or_default(), now };
        Ok(found.into_iter().map(with_days).collect())
    }

    fn decide(&self, seen: Vec<Sampled>, _: Timestamp) -> Result<SamplePlan, Fault> {
        let mut plan = SamplePlan::default();
        for Sampled { now, mut days } in seen {
            days.retain(|known| known.day < self.day);
            days.push(UsageDay { day: self.day, bytes: now.bytes });
            let growth = growth_per_day(&days);
            if growth != now.growth_bytes_per_day {
                plan.growths.push((now.repository, growth));
            }
            plan.bytes.push((now.repository, now.bytes));
        }
        Ok(plan)
    }

    fn apply(&self, tx: &mut Tx, plan: SamplePlan) -> Result<SampleEnd, Fault> {
        let end = SampleEnd { last: plan.bytes.last().map(|(id, _)| *id), count: plan.bytes.len() };
        if plan.bytes.is_empty() {
            return Ok(end);
        }
        usage::put_day(tx, self.day, &plan.bytes)?;
        for (repository, growth) in plan.growths {
            usage::set_growth(tx, repository, growth)?;
        }
        Ok(end)
    }
}

/// The act that takes the sample of the store, forgets the oldest, and remembers that the day is done.
struct EndSampling {
    day: i64,
    bytes: i64,
}

impl Act for EndSampling {
    type Seen = ();
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "registry.end_sampling";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock("usage samples")
    }

    fn decide(&self, (): (), now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(now)
    }

    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        usage::put_day(tx, self.day, &[(STORE, self.bytes)])?;
        usage::forget_days(tx, self.day - DAYS_KEPT)?;
        site_settings::put(tx, SAMPLED, &self.day.to_string(), now)
    }
}

#[cfg(test)]
mod tests;

use crate::house::ServingHouse;
use gantry_findings::{Older, SourceOutcome, UpdateError, Updater, ages};
use gantry_words::Timestamp;
use std::{collections::BTreeSet, time::Duration};
use tokio::task::JoinHandle;

/// After how long it is tried again where a source was refused, unless the settings have it sooner.
const AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);
/// How often it is said that advisories are stale.
const SAID_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often the age is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Asks the sources of advisories every so often, and says when advisories become stale.
pub(crate) fn spawn_updates(house: &ServingHouse) -> JoinHandle<()> {
    let house = house.clone();
    tokio::spawn(async move {
        let (updater, env) = (&house.updater, &house.house.env);
        let has_sources = !updater.settings().sources.is_empty();
        let mut due = env.elapsed();
        let mut said: Option<(Timestamp, BTreeSet<String>)> = None;
        loop {
            if has_sources && env.elapsed() >= due {
                let interval = updater.settings().interval.duration();
                let is_whole = update(updater).await;
                due = env.elapsed() + if is_whole { interval } else { interval.min(AGAIN_AFTER) };
            }
            env.sleep(LOOK_EVERY).await;
            let now = env.now();
            let stale = stale(&house, now).await;
            let is_news = said.as_ref().is_none_or(|(at, known)| *known != stale || now.since(*at) >= SAID_EVERY);
            if is_news && !stale.is_empty() {
                let names = stale.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                tracing::warn!(
                    ecosystems = %names,
                    "advisories are stale, so new flaws are not found: {names}; bring them up to date with: gantry advisories update"
                );
            }
            if is_news {
                said = Some((now, stale));
            }
        }
    })
}

/// Brings advisories up to date; says whether no source was refused.
async fn update(updater: &Updater) -> bool {
    match updater.update(Older::Refused).await {
        Ok(report) => {
            let mut is_whole = true;
            for source in report.sources {
                match source.outcome {
                    SourceOutcome::Unchanged => {}
                    SourceOutcome::Taken(records) => {
                        tracing::info!(source = %source.source, records, "took {records} records from {}", source.source);
                    }
                    SourceOutcome::Refused(reason) => {
                        is_whole = false;
                        tracing::warn!(source = %source.source, "advisories were refused, those from before go on to hold: {reason}");
                    }
                }
            }
            is_whole
        }
        // Who else does it says how it went.
        Err(UpdateError::UnderWay) => true,
        Err(error) => {
            tracing::error!("advisories could not be brought up to date: {error}");
            false
        }
    }
}

/// The ecosystems whose advisories are all stale.
async fn stale(house: &ServingHouse, now: Timestamp) -> BTreeSet<String> {
    let (advisories, stale_after) = (house.scans.advisories().clone(), house.updater.settings().stale_after.duration());
    let look = move || {
        let (Some(knowledge), _) = advisories.now() else { return BTreeSet::new() };
        let ages = ages(&knowledge, &advisories.update_state(), now);
        // A release that is looked after no more has no news, though its ecosystem has.
        let (stale, fresh): (Vec<_>, Vec<_>) = ages.into_iter().partition(|age| age.is_stale(stale_after));
        let fresh: BTreeSet<String> = fresh.into_iter().map(|age| age.ecosystem).collect();
        stale.into_iter().map(|age| age.ecosystem).filter(|ecosystem| !fresh.contains(ecosystem)).collect()
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

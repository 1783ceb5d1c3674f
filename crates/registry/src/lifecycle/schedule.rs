//! When a policy runs: a function of when it was written, when it ran last, and the repository's number, which spreads the
//! runs of many repositories over the time between two of them.

use gantry_words::Timestamp;
use std::time::Duration;

/// A new policy rests for so large a part of the time between two runs at least: somebody may look at a preview, and take
/// it back. A run comes earlier than that time by such a part at most, and one that failed is tried again after it.
const PART: u32 = 24;
/// The longest that the schedule waits before it looks again.
const LOOK_MAX: Duration = Duration::from_secs(60);
/// The shortest.
const LOOK_MIN: Duration = Duration::from_secs(1);

/// A run, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) began_at: Timestamp,
    pub(crate) did_fail: bool,
}

/// Returns when the policy of a repository, written first at `policy_since`, is to run: at the latest `every` after the last
/// run began, or after the policy was written.
pub(crate) fn next_run(repository: i64, policy_since: Timestamp, last: Option<Past>, every: Duration) -> Timestamp {
    let part = every / PART;
    match last.filter(|last| last.began_at >= policy_since) {
        None => policy_since.plus(part + share(repository, every - part)),
        Some(last) if last.did_fail => last.began_at.plus(part),
        Some(last) => last.began_at.plus(every - share(repository, part)),
    }
}

/// Returns how long the schedule waits between two looks.
pub(crate) fn look_every(every: Duration) -> Duration {
    (every / PART).clamp(LOOK_MIN, LOOK_MAX)
}

/// Returns a part of a time below the whole, another for most repositories.
fn share(repository: i64, time: Duration) -> Duration {
    // Numbers of repositories begin with the time of their creation: a multiplication by the golden ratio spreads them.
    let spread = (repository as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    time.mul_f64(spread as f64 / 65_536.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const SINCE: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn ran(after: Duration) -> Option<Past> {
        Some(Past { began_at: SINCE.plus(after), did_fail: false })
    }

    #[test]
    fn a_new_policy_rests_for_an_hour_and_runs_within_a_day() {
        for repository in (0..1_000).map(|number| 117_000_000_000_000 + number * 7) {
            let wait = next_run(repository, SINCE, None, DAY).since(SINCE);

            assert!((DAY / 24..=DAY).contains(&wait), "{repository}: {wait:?}");
        }
    }

    #[test]
    fn the_next_run_comes_within_a_day_and_no_more_than_an_hour_before_it() {
        for repository in 0..1_000 {
            let wait = next_run(repository, SINCE, ran(DAY), DAY).since(SINCE.plus(DAY));

            assert!((DAY - DAY / 24..=DAY).contains(&wait), "{repository}: {wait:?}");
        }
    }

    #[test]
    fn runs_of_many_repositories_are_spread() {
        let hours: std::collections::BTreeSet<u64> =
            (0..500).map(|number| next_run(number, SINCE, None, DAY).since(SINCE).as_secs() / 3_600).collect();

        assert_eq!(hours.len(), 23);
    }

    #[test]
    fn a_run_of_a_policy_that_was_there_before_does_not_count() {
        let earlier = Some(Past { began_at: SINCE.minus(DAY), did_fail: false });

        assert_eq!(next_run(1, SINCE, earlier, DAY), next_run(1, SINCE, None, DAY));
    }

    #[test]
    fn a_run_that_failed_is_tried_again_after_an_hour() {
        let failed = Some(Past { began_at: SINCE, did_fail: true });

        assert_eq!(next_run(1, SINCE, failed, DAY), SINCE.plus(DAY / 24));
    }

    #[test]
    fn it_is_looked_every_minute_and_more_often_where_runs_are_closer() {
        let seconds = Duration::from_secs;
        for (every, look) in [(DAY, 60), (seconds(240), 10), (seconds(2), 1)] {
            assert_eq!(look_every(every), seconds(look), "{every:?}");
        }
    }
}

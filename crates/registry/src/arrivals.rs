//! Blobs that came whole a moment ago, for who looks into them before an image names them.

use crate::{ports::Ports, repositories::Repository};
use gantry_oci::Digest;
use gantry_words::{AccountId, Cx};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Blobs that are remembered at once: while so many wait, others are not.
const ARRIVALS_MAX: usize = 1_000;
/// For how long one is remembered. By then its image has mostly come, too.
const REMEMBERED: Duration = Duration::from_secs(60);

/// A blob that came to a repository through this process: as an upload that ended, or as a link to what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivedBlob {
    /// Whose the repository is.
    pub account: AccountId,
    /// The repository.
    pub repository: Repository,
    /// The blob.
    pub digest: Digest,
}

/// Blobs that came and were not looked at. It forgets: nothing may depend on it.
#[derive(Default)]
pub(crate) struct Arrivals {
    /// With the time at which each came, the first first.
    waiting: Mutex<VecDeque<(Duration, ArrivedBlob)>>,
    news: Notify,
}

impl Arrivals {
    /// Notes that a blob came.
    pub(crate) fn note(&self, now: Duration, arrived: ArrivedBlob) {
        let mut waiting = self.waiting();
        forget_old(&mut waiting, now);
        if waiting.len() < ARRIVALS_MAX {
            waiting.push_back((now, arrived));
        }
        drop(waiting);
        self.news.notify_one();
    }

    /// Takes up to `count` blobs, those first that came first.
    pub(crate) fn take(&self, now: Duration, count: usize) -> Vec<ArrivedBlob> {
        let mut waiting = self.waiting();
        forget_old(&mut waiting, now);
        let count = count.min(waiting.len());
        waiting.drain(..count).map(|(_, arrived)| arrived).collect()
    }

    /// Waits until one comes; returns at once where one has since this was waited for last.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(Duration, ArrivedBlob)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_old(waiting: &mut VecDeque<(Duration, ArrivedBlob)>, now: Duration) {
    while waiting.front().is_some_and(|(came, _)| now.saturating_sub(*came) > REMEMBERED) {
        waiting.pop_front();
    }
}

impl Ports {
    /// Notes that a blob came whole to a repository.
    pub(crate) fn note_arrival(&self, cx: &Cx, repository: &Repository, digest: &Digest) {
        let arrived = ArrivedBlob { account: cx.account, repository: repository.clone(), digest: digest.clone() };
        self.arrivals.note(self.env.elapsed(), arrived);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_oci::Algorithm;
    use gantry_words::Timestamp;
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    fn blob(number: usize) -> ArrivedBlob {
        let repository = Repository {
            id: 1,
            name: "team/app".parse().unwrap(),
            created_at: Timestamp::default(),
            created_by: "ann".into(),
            image_count: 0,
            tag_count: 0,
            blob_bytes: 0,
            is_limited: false,
            rules: Arc::default(),
        };
        let digest = format!("{}:{number:064x}", Algorithm::Sha256.as_str()).parse().unwrap();
        ArrivedBlob { account: AccountId::DEFAULT, repository, digest }
    }

    #[test]
    fn what_came_first_is_taken_first_and_once() {
        let arrivals = Arrivals::default();
        (0..3).for_each(|number| arrivals.note(SECOND, blob(number)));

        let taken = [arrivals.take(SECOND, 2), arrivals.take(SECOND, 2), arrivals.take(SECOND, 2)];

        assert_eq!(taken, [vec![blob(0), blob(1)], vec![blob(2)], vec![]]);
    }

    #[test]
    fn what_nobody_takes_within_a_minute_is_forgotten() {
        let arrivals = Arrivals::default();
        arrivals.note(SECOND, blob(0));
        arrivals.note(SECOND * 2, blob(1));

        assert_eq!(arrivals.take(SECOND * 62, 9), [blob(1)]);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let arrivals = Arrivals::default();
        (0..ARRIVALS_MAX + 5).for_each(|number| arrivals.note(SECOND, blob(number)));

        assert_eq!(arrivals.take(SECOND, usize::MAX).len(), ARRIVALS_MAX);
    }
}

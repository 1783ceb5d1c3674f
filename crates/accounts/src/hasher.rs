use crate::AuthenticationProblem;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::{runtime::Handle, sync::Semaphore};

/// How many may wait for a password to be hashed; whoever comes beyond is told to come back.
const WAITING_MAX: usize = 64;
/// When it is worth it: by then those who waited have been served.
const RETRY_SECONDS: u64 = 2;

/// The one place where passwords are hashed: that takes memory and time on purpose, so only so many are at once, and so many wait.
#[derive(Clone)]
pub(crate) struct Hasher(Arc<Inner>);

struct Inner {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    runs: AtomicUsize,
}

impl Hasher {
    /// Half of the machine's cores hash at most; the others serve those who are let in already.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Hasher::with(cores.div_euclid(2).max(1))
    }

    fn with(at_once: usize) -> Self {
        let permits = Arc::new(Semaphore::new(at_once));
        Hasher(Arc::new(Inner { permits, waiting: AtomicUsize::new(0), runs: AtomicUsize::new(0) }))
    }

    /// Does such work, away from what must not wait.
    ///
    /// # Errors
    /// [`AuthenticationProblem::Busy`]: too many wait already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthenticationProblem> {
        let busy = AuthenticationProblem::Busy { retry_after_seconds: RETRY_SECONDS };
        let inner = &*self.0;
        let place = Place::take(inner).ok_or(busy)?;
        let permit = inner.permits.clone().acquire_owned().await.map_err(|_| busy)?;
        drop(place);
        inner.runs.fetch_add(1, Relaxed);
        let Ok(runtime) = Handle::try_current() else { return Ok(work()) };
        // The permit goes along: whoever asked may go away, the work does not end before its time.
        let done = runtime.spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_| busy)
    }

    /// How often something was hashed.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.0.runs.load(Relaxed)
    }
}

/// A place among those who wait, given back however the waiting ends.
struct Place<'a>(&'a Inner);

impl<'a> Place<'a> {
    fn take(inner: &'a Inner) -> Option<Self> {
        let place = Place(inner);
        (inner.waiting.fetch_add(1, Relaxed) < WAITING_MAX).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_those_who_may_wait_everybody_is_told_to_come_back() {
        let hasher = Hasher::with(1);
        let held = hasher.0.permits.clone().acquire_owned().await.unwrap();
        let waiting: Vec<_> = (0..WAITING_MAX)
            .map(|number| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.run(move || number).await })
            })
            .collect();
        while hasher.0.waiting.load(Relaxed) < WAITING_MAX {
            tokio::task::yield_now().await;
        }

        let beyond = hasher.run(|| 0).await;
        drop(held);

        assert_eq!(beyond, Err(AuthenticationProblem::Busy { retry_after_seconds: RETRY_SECONDS }));
        for (number, task) in waiting.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), Ok(number));
        }
        assert_eq!((hasher.0.waiting.load(Relaxed), hasher.runs()), (0, WAITING_MAX));
    }
}

//! Clock, randomness and ids: asked for, never taken.
//!
//! [`Env`] is handed to whatever waits, draws or numbers. The real one is [`Env::real`]; the simulated world of the
//! tests brings its own [`Clock`] and [`Random`], and so decides what time it is and who comes next. Not a place for
//! other globals.

mod ids;
mod real;

use gantry_words::{RequestId, Timestamp};
pub use ids::Ids;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// A future behind a pointer, so that traits of waiting things can be objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Time, as far as anything may know it.
pub trait Clock: Send + Sync + 'static {
    /// The moment it is, for what is stored or shown.
    fn now(&self) -> Timestamp;
    /// Time since some fixed point, never going back: for measuring and for deadlines.
    fn elapsed(&self) -> Duration;
    /// Waits for `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A source of unpredictable bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The world outside, as one handle. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    ids: Arc<Ids>,
}

impl Env {
    /// The machine's own clock and randomness.
    pub fn real() -> Self {
        Env::new(Arc::new(real::SystemClock::default()), Arc::new(real::SystemRandom))
    }

    /// A world of its own.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let mut node = [0; 2];
        random.fill(&mut node);
        Env { clock, random, ids: Arc::new(Ids::new(u16::from_le_bytes(node))) }
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
    /// Time since some fixed point, never going back.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
    /// Waits for `duration`.
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
    /// Draws `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
    /// Draws the id of a new request.
    pub fn request_id(&self) -> RequestId {
        RequestId::new(self.random())
    }
    /// Returns a number no row has had: positive, growing with time on one replica.
    pub fn fresh_id(&self) -> i64 {
        self.ids.fresh(self.clock.now())
    }

    /// Runs `work` until `limit` has passed; `None` means that it had not ended by then, and is dropped.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let mut bell = self.sleep(limit);
        std::future::poll_fn(|cx| {
            if let std::task::Poll::Ready(done) = work.as_mut().poll(cx) {
                return std::task::Poll::Ready(Some(done));
            }
            bell.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_takes_too_long_is_dropped() {
        let env = Env::real();

        assert_eq!(env.within(Duration::from_secs(1), async { 7 }).await, Some(7));
        assert_eq!(env.within(Duration::from_secs(1), std::future::pending::<()>()).await, None);
    }
}

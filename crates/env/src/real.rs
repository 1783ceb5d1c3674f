use crate::{BoxFuture, Clock, Random};
use gantry_words::Timestamp;
use std::time::{Duration, Instant, SystemTime};

pub(crate) struct SystemClock {
    start: Instant,
}

#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { start: Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Before 1970 the clock is simply wrong; zero keeps every order.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system hands out random bytes, or nothing here is safe");
    }
}

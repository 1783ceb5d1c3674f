use gantry_env::{BoxFuture, Clock, Random};
use gantry_words::Timestamp;
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// When every world begins: 2027-01-15T08:00:00Z.
const BEGINNING_MS: i64 = 1_800_000_000_000;
/// A step takes less than this.
const STEP_MS_MAX: u64 = 3;

/// A seeded scheduler's clock and dice. Cheap to clone.
///
/// Only simulated waits let another task run, so the order of events depends on the seed alone.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<Shared>>);

struct Shared {
    now_ms: i64,
    /// Set by a simulated wait while its task is polled: when that task may run again.
    wake_ms: Option<i64>,
    dice: u64,
    trace: u64,
}

impl Sim {
    /// A beginning.
    pub fn new(seed: u64) -> Self {
        let shared = Shared { now_ms: BEGINNING_MS, wake_ms: None, dice: seed, trace: 0xcbf2_9ce4_8422_2325 };
        Sim(Arc::new(Mutex::new(shared)))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().expect("nothing panics while it holds the clock")
    }

    /// Returns a number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.shared().draw() % bound.max(1)
    }

    /// Returns one of `items`, which are some.
    pub fn pick<'a, T>(&self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Whether something happens that happens once in `times`.
    pub fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Lets time jump: everyone who waits finds it later than expected.
    pub fn pass(&self, duration: Duration) {
        self.shared().now_ms += i64::try_from(duration.as_millis()).expect("a jump is a few days");
    }

    /// Notes what happened, for [`Sim::trace`].
    pub fn note(&self, what: &str) {
        self.shared().mix(what.as_bytes());
    }

    /// Returns a number for everything that has happened, in its order: equal for equal seeds.
    pub fn trace(&self) -> u64 {
        self.shared().trace
    }
}

impl Shared {
    /// Numbers from a seed (splitmix64).
    fn draw(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.dice;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// FNV-1a.
    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.trace = (self.trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Clock for Sim {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.shared().now_ms)
    }
    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::from_millis(BEGINNING_MS))
    }
    /// Waits, zero included, let any other task come first.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (sim, mut until) = (self.clone(), None);
        Box::pin(poll_fn(move |_| {
            let mut shared = sim.shared();
            let has_waited = until.is_some();
            let until = *until
                .get_or_insert(shared.now_ms.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)));
            if has_waited && until <= shared.now_ms {
                return Poll::Ready(());
            }
            shared.wake_ms = Some(shared.wake_ms.map_or(until, |other| other.min(until)));
            Poll::Pending
        }))
    }
}

impl Random for Sim {
    fn fill(&self, bytes: &mut [u8]) {
        let mut shared = self.shared();
        for piece in bytes.chunks_mut(8) {
            let drawn = shared.draw().to_le_bytes();
            piece.copy_from_slice(&drawn[..piece.len()]);
        }
    }
}

/// Tasks that take turns. Dropped, they end where they stand, as in a crash.
pub struct Crew {
    sim: Sim,
    waiting: Vec<Waiting>,
    hired: u32,
}

struct Waiting {
    until_ms: i64,
    number: u32,
    task: Pin<Box<dyn Future<Output = ()>>>,
}

impl Crew {
    /// Nobody yet.
    pub fn new(sim: &Sim) -> Self {
        Crew { sim: sim.clone(), waiting: Vec::new(), hired: 0 }
    }

    /// Adds a task.
    pub fn add(&mut self, task: impl Future<Output = ()> + 'static) {
        self.waiting.push(Waiting { until_ms: 0, number: self.hired, task: Box::pin(task) });
        self.hired += 1;
    }

    /// Lets one task go on to its next wait. Answers whether there was one.
    ///
    /// # Panics
    /// When a task waits for something that is not simulated.
    pub fn step(&mut self) -> bool {
        let Some(soonest) = self.waiting.iter().map(|waiting| waiting.until_ms).min() else { return false };
        let now_ms = {
            let mut shared = self.sim.shared();
            let passed = (shared.draw() % STEP_MS_MAX) as i64;
            shared.now_ms = soonest.max(shared.now_ms + passed);
            shared.now_ms
        };
        let ready: Vec<usize> = (0..self.waiting.len()).filter(|&at| self.waiting[at].until_ms <= now_ms).collect();
        let mut chosen = self.waiting.swap_remove(*self.sim.pick(&ready));
        {
            let mut shared = self.sim.shared();
            shared.mix(&chosen.number.to_le_bytes());
            shared.mix(&now_ms.to_le_bytes());
            shared.wake_ms = None;
        }
        if chosen.task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            let wake_ms = self.sim.shared().wake_ms.take();
            chosen.until_ms = wake_ms.expect("whatever is simulated waits through its env only");
            self.waiting.push(chosen);
        }
        true
    }

    /// Lets everybody go on to the end.
    pub fn finish(&mut self) {
        while self.step() {}
    }
}

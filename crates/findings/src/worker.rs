//! Has layers read in a process of their own, so that one which takes all memory, all time, or the process down, takes nothing else.
//!
//! | file | what |
//! |---|---|
//! | `worker/frames.rs` | what server and worker say to each other |
//! | `worker/process.rs` | a worker as the server has it |
//! | `worker/ask.rs` | [`ask_worker`]: the server's side of what they say |
//! | `worker/serve.rs` | [`serve_layers`]: the worker's side |

mod ask;
mod frames;
mod process;
mod serve;

pub use ask::{WorkerAnswer, ask_worker};
use gantry_env::Env;
use gantry_registry::WorkerSettings;
pub use process::WorkerProgram;
use process::{Death, Leash, Worker};
pub(crate) use serve::read_packed;
pub use serve::serve_layers;
use std::{
    io::Read,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How often a worker may die over a layer: who was killed by the kernel for another's memory has a second chance, and a third.
pub(crate) const DEATHS_MAX: usize = 3;
/// For how long a worker that has nothing to do is kept.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);
/// How often it is looked whether a worker still does something.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// For how much longer than its time of the processor a worker may do nothing: others need the processor too.
const PATIENCE: u32 = 2;
/// For how long a worker may do nothing in any case: a busy machine begins no process at once.
const PATIENCE_MIN: Duration = Duration::from_secs(30);

/// Workers that read layers: begun when there is something to read, and ended when there was nothing for a while.
#[derive(Clone)]
pub struct LayerWorkers(Arc<Inner>);

struct Inner {
    program: WorkerProgram,
    settings: WorkerSettings,
    env: Env,
    /// Those that have nothing to do, and since when; who had something to do last is at the end.
    idle: Mutex<Vec<(Worker, Duration)>>,
    /// One for each that may read.
    places: Semaphore,
}

/// Why a layer was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// What is wrong with it.
    Failed(String),
    /// The worker died over it, and how.
    Died {
        /// In words, after "the scanner's worker ended over it: ".
        how: String,
        /// Whether another worker may fare better.
        is_worth_another: bool,
    },
}

impl LayerWorkers {
    /// Workers that are begun so, each with these limits, which the program is told by its arguments.
    pub fn new(program: WorkerProgram, settings: WorkerSettings, env: Env) -> LayerWorkers {
        let places = Semaphore::new(settings.count_max.max(1) as usize);
        LayerWorkers(Arc::new(Inner { program, settings, env, idle: Mutex::default(), places }))
    }

    /// Waits until another may read a layer, and keeps its place for as long as the answer is held. Who came first is first: so layers
    /// that are read ahead and those of images share the workers.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.0.places.acquire().await.ok()
    }

    /// How many are to read at once.
    pub(crate) fn count_max(&self) -> usize {
        self.0.settings.count_max.max(1) as usize
    }

    /// Has a layer read; returns what it holds, packed.
    pub(crate) async fn read(&self, mut layer: impl Read + Send + 'static) -> Result<Vec<u8>, Unread> {
        let mut worker = self.take().await?;
        let leash = worker.leash();
        let reading = tokio::task::spawn_blocking(move || {
            let answer = worker.read(&mut layer);
            (worker, answer)
        });
        let (worker, answer) = match self.watch(reading, leash).await {
            Ok(ended) => ended,
            Err(error) => return Err(Unread::Died { how: error.to_string(), is_worth_another: true }),
        };
        match answer {
            Ok(answer) => {
                self.keep(worker);
                match answer {
                    WorkerAnswer::Layer(packed) => Ok(packed),
                    WorkerAnswer::Failed(reason) => Err(Unread::Failed(reason)),
                }
            }
            Err(death) => Err(self.unread(death)),
        }
    }

    /// A worker that waits, or a new one. The one that waits for the shortest time: those that are not needed grow old.
    async fn take(&self) -> Result<Worker, Unread> {
        loop {
            let idle = self.idle().pop();
            match idle {
                Some((worker, _)) if worker.is_alive() => return Ok(worker),
                // It died while nobody looked: no layer is to blame for that.
                Some(_) => {}
                None => break,
            }
        }
        let program = self.0.program.clone();
        let begun = tokio::task::spawn_blocking(move || Worker::begin(&program)).await;
        let problem = match begun {
            Ok(Ok(worker)) => return Ok(worker),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let how = format!("{} could not be begun: {problem}", self.0.program.path.display());
        Err(Unread::Died { how, is_worth_another: true })
    }

    /// Waits until a layer is read, and ends the worker where it does nothing for too long, or where nobody waits any more.
    async fn watch<T>(
        &self,
        mut reading: tokio::task::JoinHandle<T>,
        leash: Leash,
    ) -> Result<T, tokio::task::JoinError> {
        let held = KilledOnDrop(Some(leash));
        let env = &self.0.env;
        let patience = (self.0.settings.cpu_time_max.duration() * PATIENCE).max(PATIENCE_MIN);
        let mut seen = (0, env.elapsed());
        loop {
            if let Some(ended) = env.within(WATCH_EVERY, &mut reading).await {
                held.let_go();
                return ended;
            }
            let Some(leash) = &held.0 else { continue };
            let (turn, is_workers) = leash.turn();
            if turn != seen.0 {
                seen = (turn, env.elapsed());
            } else if is_workers && env.elapsed().saturating_sub(seen.1) > patience {
                leash.give_up();
            }
        }
    }

    fn unread(&self, death: Death) -> Unread {
        let WorkerSettings { memory_bytes_max, cpu_time_max, .. } = &self.0.settings;
        let (how, is_worth_another) = match death {
            Death::Memory => {
                (format!("it needs more memory than {memory_bytes_max} (scanning.worker.memory_bytes_max)"), true)
            }
            Death::Time => (format!("it needs more time than {cpu_time_max} (scanning.worker.cpu_time_max)"), false),
            Death::Other(how) => (how, true),
        };
        Unread::Died { how, is_worth_another }
    }

    fn keep(&self, worker: Worker) {
        let since = self.0.env.elapsed();
        let mut idle = self.idle();
        if idle.len() < self.count_max() {
            idle.push((worker, since));
        }
    }

    /// Ends the workers that have had nothing to do for a while.
    pub(crate) fn end_idle(&self) {
        let now = self.0.env.elapsed();
        self.idle().retain(|(_, since)| now.saturating_sub(*since) < IDLE_MAX);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Worker, Duration)>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a worker for whose answer nobody waits any more: the thread that talks to it then ends too.
struct KilledOnDrop(Option<Leash>);

impl KilledOnDrop {
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        if let Some(leash) = &self.0 {
            leash.kill();
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::printed_frames;

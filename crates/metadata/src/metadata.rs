use crate::{
    Act, EngineName, Error, Query, Reader, Settings,
    act::Tx,
    alone::{Alone, Faults},
    backup::{backup_postgres, backup_sqlite, backup_sqlite_file, create_private},
    counters::{Counters, Figures},
    engine::{Engine, too_many, unavailable},
    group::{self, Upkeep},
    migrate::{migrate_postgres, migrate_sqlite, on_a_thread},
    pool,
    postgres::{Dialer, Pg},
    query,
    queue::{AccessEpoch, Job, Look, QUEUE_MAX, closed, job, look},
    settings::{CONNECTIONS_MAX, CONNECTIONS_MIN, Checkpoint},
    sqlite::{Lite, Role, warn_of_slow_build},
    values,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_words::Cx;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::oneshot;
use tracing::Instrument;

const PAGE_BYTES: u64 = 4096;
const FOLD_EVERY: Duration = Duration::from_millis(100);
/// SQLite: threads for lists, sweeps and exports.
const LONG_READERS: usize = 2;
/// How long a start seeks its PostgreSQL, which may be starting too.
const START_WAIT: Duration = Duration::from_secs(10);
/// How long the readiness question may take.
const CHECK_MAX: Duration = Duration::from_secs(2);

static ANYONE: Query = query("SELECT CAST($1 AS BIGINT)");

/// The tables, behind one door. Cheap to clone; the last clone to go waits for the acts under way.
///
/// Except for [`Metadata::alone`], its waits need a tokio runtime with time.
#[derive(Clone)]
pub struct Metadata(Arc<Inner>);

struct Inner {
    env: Env,
    ways: Ways,
    counters: Arc<Counters>,
    access: AccessEpoch,
    wait_max: Duration,
    long_read_max: Duration,
    threads: Vec<JoinHandle<()>>,
}

enum Ways {
    /// No thread: an act is one step, and whoever polls decides who comes next.
    Alone(Alone),
    /// Acts go to the one writer; short reads run where they are asked, on a connection from a stack.
    Sqlite {
        acts: Sender<Box<dyn Job>>,
        long: Sender<Box<dyn Look>>,
        path: PathBuf,
        idle: Mutex<Vec<Reader>>,
    },
    /// Threads that own a session each, a quarter of them for reads.
    Postgres {
        acts: Sender<Box<dyn Job>>,
        short: Sender<Box<dyn Look>>,
        long: Sender<Box<dyn Look>>,
        dialer: Box<Dialer>,
    },
    Closed,
}

pub(crate) fn database_file(data_dir: &Path) -> PathBuf {
    data_dir.join("metadata.db")
}

/// A panic of a look cannot leave a connection in a state that the next `begin` would not mend.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metadata {
    /// Opens the metadata, after bringing it to this program's schema.
    ///
    /// # Errors
    /// The place cannot be used or reached, or was written by a newer program.
    pub fn open(settings: &Settings, data_dir: &Path, env: Env) -> Result<Metadata, Error> {
        if let Some(wrong) = settings.check().into_iter().next() {
            return Err(Error::Settings(wrong));
        }
        let counters = Arc::new(Counters::default());
        let (ways, threads) = if settings.is_sqlite() {
            open_sqlite(settings, data_dir, &env, &counters)?
        } else {
            open_postgres(settings, &env, &counters)?
        };
        let (wait_max, long_read_max) = (settings.wait_max.duration(), settings.long_read_max.duration());
        let access = AccessEpoch::default();
        Ok(Metadata(Arc::new(Inner { env, ways, counters, access, wait_max, long_read_max, threads })))
    }

    /// An empty database in memory, without a thread: each act is one poll. For tests and simulations.
    ///
    /// # Errors
    /// SQLite cannot be used at all.
    pub fn alone(env: Env) -> Result<Metadata, Error> {
        let path = Path::new(":memory:");
        let mut lite = Lite::open(path, Role::Alone, &env).map_err(|error| Error::sqlite(path, error))?;
        migrate_sqlite(lite.connection(), path, "this database", &env)?;
        let defaults = Settings::default();
        let (wait_max, long_read_max) = (defaults.wait_max.duration(), defaults.long_read_max.duration());
        let ways = Ways::Alone(Alone::new(Tx::new(Engine::Lite(lite), env.clone())));
        let (counters, access) = (Arc::default(), AccessEpoch::default());
        Ok(Metadata(Arc::new(Inner { env, ways, counters, access, wait_max, long_read_max, threads: vec![] })))
    }

    /// Another door to the same lone tables: as a replica has it that does not own them alone, if `is_shared`, and through
    /// which `faults` says what goes wrong.
    ///
    /// # Panics
    /// Where the metadata are not alone.
    pub fn door(&self, is_shared: bool, faults: Faults) -> Metadata {
        let inner = &*self.0;
        let Ways::Alone(alone) = &inner.ways else { panic!("only lone metadata have several doors") };
        let (env, ways, counters) =
            (inner.env.clone(), Ways::Alone(alone.door(is_shared, faults)), inner.counters.clone());
        let (wait_max, long_read_max) = (inner.wait_max, inner.long_read_max);
        // Each door stands for a process of its own.
        let access = AccessEpoch::default();
        Metadata(Arc::new(Inner { env, ways, counters, access, wait_max, long_read_max, threads: vec![] }))
    }

    /// Does `act`: its three beats, its audit row, one commit. Returns once it is durable.
    ///
    /// Dropping the future gives up an act that has not begun; one that has begun stands whole or not at all.
    ///
    /// # Errors
    /// What the act refuses; `Unavailable` or `TooManyRequests` if the database does not answer or too many wait.
    pub async fn perform<A: Act>(&self, cx: &Cx, act: A) -> Result<A::Answer, Fault> {
        let inner = &*self.0;
        // Busy while its beats run; the rest of its time it waited for its turn and for its commit.
        let span = tracing::debug_span!("act", "otel.name" = A::NAME, act = A::NAME);
        let deadline = inner.env.elapsed() + inner.wait_max;
        let (job, answer) = job(cx.clone(), act, deadline, span.clone(), inner.access.clone());
        match &inner.ways {
            Ways::Alone(alone) => {
                alone.perform(job, &inner.env, &inner.counters)?;
                answer.await.unwrap_or_else(|_| Err(closed()))
            }
            Ways::Sqlite { acts, .. } | Ways::Postgres { acts, .. } => {
                inner.send(acts, job)?;
                let waited = inner.wait(answer, inner.wait_max, "it may still be done: look before trying again");
                waited.instrument(span).await
            }
            Ways::Closed => Err(closed()),
        }
    }

    /// Returns what `act` would do: gathers and decides, without locks, and stops.
    ///
    /// # Errors
    /// What the act refuses, and those of [`Metadata::read_long`].
    pub async fn preview<A: Act>(&self, cx: &Cx, act: A) -> Result<A::Plan, Fault> {
        let now = cx.now;
        self.read_long(move |rows| {
            let seen = act.gather(rows)?;
            act.decide(seen, now)
        })
        .await
    }

    /// Asks a few short questions, all answered from one moment. In place on SQLite, so they may not take long.
    ///
    /// # Errors
    /// Those of `look`; `Unavailable` or `TooManyRequests` if the database does not answer or too many wait.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let inner = &*self.0;
        match &inner.ways {
            Ways::Alone(alone) => alone.look(look),
            Ways::Sqlite { path, idle, .. } => look_in_place(path, idle, &inner.env, look),
            Ways::Postgres { short, .. } => inner.look(short, inner.wait_max, look).await,
            Ways::Closed => Err(closed()),
        }
    }

    /// Asks what may take long (lists, sweeps, exports), all answered from one moment, on a thread that only reads.
    ///
    /// # Errors
    /// Those of `look`; `Unavailable` or `TooManyRequests` if the database does not answer or too many wait.
    pub async fn read_long<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let inner = &*self.0;
        match &inner.ways {
            Ways::Alone(alone) => alone.look(look),
            Ways::Sqlite { long, .. } | Ways::Postgres { long, .. } => {
                inner.look(long, inner.long_read_max, look).await
            }
            Ways::Closed => Err(closed()),
        }
    }

    /// Whether the database answers, asked for `/readyz`.
    ///
    /// # Errors
    /// It does not, within two seconds.
    pub async fn check(&self) -> Result<(), Fault> {
        let asked = |rows: &mut Reader| rows.one(&ANYONE, values![1]).map(drop);
        let inner = &*self.0;
        if inner.threads.iter().any(JoinHandle::is_finished) {
            return Err(unavailable("a thread of the metadata has died: start the program again"));
        }
        match &inner.ways {
            Ways::Postgres { short, .. } => inner.look(short, CHECK_MAX, asked).await,
            Ways::Alone(_) | Ways::Sqlite { .. } | Ways::Closed => self.read(asked).await,
        }
    }

    /// Copies the metadata, as it is at this moment, into the new SQLite file `to`. The registry goes on meanwhile.
    ///
    /// The file is the same for both engines; [`begin_restore`](crate::begin_restore) reads it.
    ///
    /// # Errors
    /// `to` exists or cannot be written; the database cannot be read.
    pub async fn backup(&self, to: &Path) -> Result<(), Fault> {
        let to = to.to_owned();
        let work: Box<dyn FnOnce() -> Result<(), Error> + Send> = match &self.0.ways {
            Ways::Alone(alone) => {
                let mut tx = alone.tx();
                let Engine::Lite(lite) = &mut tx.engine else { return Err(closed()) };
                return backup_sqlite(lite.connection(), &to).map_err(backup_fault);
            }
            Ways::Sqlite { path, .. } => {
                let path = path.clone();
                Box::new(move || backup_sqlite_file(&path, &to))
            }
            Ways::Postgres { dialer, .. } => {
                let dialer = dialer.clone();
                Box::new(move || backup_postgres(&dialer, &to))
            }
            Ways::Closed => return Err(closed()),
        };
        let (tell, told) = oneshot::channel();
        spawn("metadata-backup", move || drop(tell.send(work())));
        told.await.map_err(|_| Fault::internal("the thread of the backup died"))?.map_err(backup_fault)
    }

    /// How often this process has changed what decisions about access know; [`access_revision`](crate::access_revision)
    /// tells of all processes.
    pub fn access_epoch(&self) -> u64 {
        self.0.access.load(Ordering::Acquire)
    }

    /// Which database it is.
    pub fn engine(&self) -> EngineName {
        match &self.0.ways {
            Ways::Alone(_) | Ways::Sqlite { .. } | Ways::Closed => EngineName::Sqlite,
            Ways::Postgres { .. } => EngineName::Postgres,
        }
    }
    /// Whether this process alone serves from this database, so that what it has read may be cached until it writes.
    pub fn owns_alone(&self) -> bool {
        match &self.0.ways {
            Ways::Alone(alone) => !alone.is_shared,
            Ways::Sqlite { .. } | Ways::Closed => true,
            Ways::Postgres { .. } => false,
        }
    }
    /// Whether two acts can be under way at once.
    pub(crate) fn has_rivals(&self) -> bool {
        matches!(self.0.ways, Ways::Postgres { .. })
    }
    /// Whether there are no threads: everything happens where it is polled.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.0.ways, Ways::Alone(_))
    }
    /// How many acts wait for a connection.
    pub fn queue_depth(&self) -> usize {
        self.figures().acts_waiting
    }
    /// What the metrics show.
    pub fn figures(&self) -> Figures {
        let (acts, reads) = match &self.0.ways {
            Ways::Alone(_) | Ways::Closed => (0, 0),
            Ways::Sqlite { acts, long, .. } => (acts.len(), long.len()),
            Ways::Postgres { acts, short, long, .. } => (acts.len(), short.len() + long.len()),
        };
        self.0.counters.figures(acts, reads)
    }
}

fn backup_fault(error: Error) -> Fault {
    match &error {
        Error::Exists { .. } | Error::Folder { .. } => Fault::new(FaultKind::InvalidParameter, error.to_string()),
        _ => Fault::internal(error),
    }
}

impl Inner {
    fn send<T>(&self, queue: &Sender<T>, what: T) -> Result<(), Fault> {
        queue.try_send(what).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.counters.refused();
                too_many()
            }
            TrySendError::Disconnected(_) => closed(),
        })
    }

    async fn look<T: Send + 'static>(
        &self,
        queue: &Sender<Box<dyn Look>>,
        patience: Duration,
        find: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (look, answer) = look(find, self.env.elapsed() + patience);
        self.send(queue, look)?;
        self.wait(answer, patience, "nothing was changed").await
    }

    async fn wait<T>(
        &self,
        answer: oneshot::Receiver<Result<T, Fault>>,
        patience: Duration,
        and_so: &str,
    ) -> Result<T, Fault> {
        match self.env.within(patience, answer).await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) => Err(closed()),
            None => {
                let mut fault = unavailable("the wait for a connection or an answer came to its end");
                let seconds = patience.as_secs();
                fault.message = format!("The registry's database did not answer within {seconds} s; {and_so}.");
                Err(fault)
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Ways::Postgres { dialer, .. } = &self.ways {
            dialer.close();
        }
        // The threads end when nobody can send any more; the files are closed when they have ended.
        self.ways = Ways::Closed;
        for thread in self.threads.drain(..) {
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// Runs a look on a connection from the stack. One that panics takes its connection along.
fn look_in_place<T>(
    path: &Path,
    idle: &Mutex<Vec<Reader>>,
    env: &Env,
    look: impl FnOnce(&mut Reader) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let held = lock(idle).pop();
    let mut reader = match held {
        Some(reader) => reader,
        None => open_reader(path, Role::Reader, env)?,
    };
    reader.engine.begin_read();
    let found = look(&mut reader);
    if reader.engine.end_read() {
        lock(idle).push(reader);
    }
    found
}

fn open_reader(path: &Path, role: Role, env: &Env) -> Result<Reader, Fault> {
    let lite = Lite::open(path, role, env).map_err(Fault::internal)?;
    Ok(Reader { engine: Engine::Lite(lite), takes_locks: false, must_lock: None })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new().name(name.into()).spawn(work).expect("a process that cannot make a thread cannot serve")
}

type Opened = (Ways, Vec<JoinHandle<()>>);

fn open_sqlite(settings: &Settings, data_dir: &Path, env: &Env, counters: &Arc<Counters>) -> Result<Opened, Error> {
    std::fs::create_dir_all(data_dir).map_err(|source| Error::Folder { path: data_dir.into(), source })?;
    let path = database_file(data_dir);
    match create_private(&path) {
        Ok(()) => {}
        Err(Error::Folder { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let unusable = |error| Error::sqlite(&path, error);
    let mut lite = Lite::open(&path, Role::Writer, env).map_err(unusable)?;
    warn_of_slow_build(lite.connection()).map_err(unusable)?;
    migrate_sqlite(lite.connection(), &path, "this folder", env)?;
    lite.connection().busy_timeout(crate::sqlite::BUSY_WAIT).map_err(unusable)?;

    let (acts, queue) = bounded(QUEUE_MAX);
    let (long, asked) = bounded(QUEUE_MAX);
    let tx = Tx::new(Engine::Lite(lite), env.clone());
    let upkeep = Upkeep {
        folds: settings.checkpoint == Checkpoint::Inline,
        pages_max: settings.wal_bytes_max.get() / PAGE_BYTES,
        not_before: Duration::ZERO,
    };
    let mut threads = vec![];
    let (stop, stopped) = bounded::<()>(0);
    {
        let (env, counters) = (env.clone(), counters.clone());
        threads.push(spawn("metadata-write", move || {
            group::write(tx, &queue, &env, &counters, upkeep);
            drop(stop);
        }));
    }
    if settings.checkpoint == Checkpoint::Background {
        let lite = Lite::open(&path, Role::Writer, env).map_err(unusable)?;
        let counters = counters.clone();
        threads.push(spawn("metadata-checkpoint", move || fold_often(lite, &stopped, &counters)));
    }
    for _ in 0..LONG_READERS {
        let (path, asked, env) = (path.clone(), asked.clone(), env.clone());
        threads.push(spawn("metadata-read", move || read_long(&path, &asked, &env)));
    }
    Ok((Ways::Sqlite { acts, long, path, idle: Mutex::default() }, threads))
}

/// The loop of a thread for long reads; its connection opens with the first.
fn read_long(path: &Path, asked: &Receiver<Box<dyn Look>>, env: &Env) {
    let mut held = None;
    while let Ok(look) = asked.recv() {
        if !look.is_wanted() {
            continue;
        }
        let mut reader = match held.take().map_or_else(|| open_reader(path, Role::LongReader, env), Ok) {
            Ok(reader) => reader,
            Err(fault) => {
                look.refuse(fault);
                continue;
            }
        };
        if let Engine::Lite(lite) = &mut reader.engine {
            lite.set_deadline(look.deadline());
        }
        reader.engine.begin_read();
        look.run(&mut reader);
        held = reader.engine.end_read().then_some(reader);
    }
}

/// The loop of the thread that folds the WAL into the file, until the writer has ended.
fn fold_often(mut lite: Lite, stopped: &Receiver<()>, counters: &Counters) {
    let mut folded = 0;
    while stopped.recv_timeout(FOLD_EVERY) == Err(RecvTimeoutError::Timeout) {
        let written = counters.transactions();
        if written == folded {
            continue;
        }
        match lite.fold_wal() {
            Ok(()) => folded = written,
            Err(error) => tracing::warn!(error = %error, "the write-ahead log cannot be folded; is the disk full?"),
        }
    }
}

fn open_postgres(settings: &Settings, env: &Env, counters: &Arc<Counters>) -> Result<Opened, Error> {
    let dialer = Dialer::new(settings, env.clone())?;
    on_a_thread(|| migrate_postgres(&dialer, env.elapsed() + START_WAIT))?;
    let connections = settings.connections.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
    let readers = (connections / 4).max(1);
    let (acts, queue) = bounded(QUEUE_MAX);
    let (short, asked) = bounded(QUEUE_MAX);
    let (long, asked_long) = bounded(QUEUE_MAX);
    let mut threads = vec![];
    for _ in readers..connections {
        let (dialer, limit, queue) = (dialer.clone(), settings.wait_max.duration(), queue.clone());
        let (env, counters) = (env.clone(), counters.clone());
        threads.push(spawn("metadata-write", move || {
            let engine = Engine::Pg(Box::new(Pg::new(dialer, limit)));
            pool::write(Tx::new(engine, env.clone()), &queue, &env, &counters);
        }));
    }
    for number in 0..readers {
        // Every other one is kept free of long reads, so that short ones never wait behind them.
        let takes_long = number % 2 == 0;
        let limit = if takes_long { settings.long_read_max } else { settings.wait_max }.duration();
        let (dialer, asked, asked_long) = (dialer.clone(), asked.clone(), asked_long.clone());
        threads.push(spawn("metadata-read", move || {
            let engine = Engine::Pg(Box::new(Pg::new(dialer, limit)));
            let reader = Reader { engine, takes_locks: false, must_lock: None };
            pool::read(reader, &asked, takes_long.then_some(&asked_long));
        }));
    }
    Ok((Ways::Postgres { acts, short, long, dialer: Box::new(dialer) }, threads))
}

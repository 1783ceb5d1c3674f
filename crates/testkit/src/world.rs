use crate::{
    Crew, Sim,
    check::Sight,
    client::Client,
    desk::Desk,
    faults, keys,
    places::{self, NAMES_COUNT},
    quotas::{self, Quotas},
    stock::Stock,
    work::{self, Shift},
};
use gantry_env::{Clock, Env};
use gantry_fault::Fault;
use gantry_metadata::Metadata;
use gantry_registry::{CollectionSettings, FsckOptions, Registry, Settings, TrashSettings, UploadSettings};
use gantry_store::{MemoryControl, Store};
use gantry_words::{Cx, Period, Region};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

const HOUR: Duration = Duration::from_secs(3600);
/// The grace time of unnamed blobs, and the time after which an upload without new bytes is given up.
const GRACE: Duration = HOUR;
/// How many hours a deleted image can be restored.
const KEEP_HOURS: u64 = 48;
const CLIENTS: u64 = 4;
/// Steps between two checks, but for one stretch of a life in sixty-four.
const CHECK_EVERY: u64 = 32;

/// A registry with its clients, from one seed.
pub struct World {
    sim: Sim,
    desk: Arc<Desk>,
    metadata: Metadata,
    store: Store,
    control: MemoryControl,
    /// How many processes serve at once.
    replicas: u64,
    /// What happens now; `None` between a crash and the next start.
    life: Option<Crew>,
}

/// How a world ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which promises were broken; none, if all is well.
    pub complaints: Vec<String>,
    /// A number for all that happened, in its order.
    pub trace: u64,
    /// How often what happened.
    pub counts: BTreeMap<&'static str, u64>,
}

impl World {
    /// A world with a few repositories, in which nobody does anything yet.
    pub fn new(seed: u64) -> Self {
        let sim = Sim::new(seed);
        let env = Env::new(Arc::new(sim.clone()), Arc::new(sim.clone()));
        let metadata = Metadata::alone(env.clone()).expect("SQLite works in memory");
        let (store, control) = Store::memory(env.clone());
        let stock = Stock::new(&sim);
        let has_faults = !sim.once_in(3);
        let replicas = 1 + sim.below(2);
        let desk = Arc::new(Desk::new(sim.clone(), env, stock, has_faults, Quotas::of_seed(seed), metadata.clone()));
        let world = World { sim, desk, metadata, store, control, replicas, life: None };
        let (registry, desk) = (world.open(), world.desk.clone());
        world.alone(async move {
            for name in 0..NAMES_COUNT as usize {
                let created = registry
                    .repositories
                    .create_with(&desk.cx("create"), keys::repository(&places::name(name)))
                    .await?;
                desk.places().here(created);
            }
            quotas::begin(&desk, &registry).await
        });
        world
    }

    /// Lives through a few lives with a crash between them, and settles. Stops at the first broken promise.
    pub fn run(seed: u64) -> Ending {
        let mut world = World::new(seed);
        for _ in 0..world.sim.below(4) {
            world.begin();
            let steps = 50 + world.sim.below(700);
            let complaints = world.go(steps);
            if !complaints.is_empty() {
                return world.end(complaints);
            }
            world.crash();
            let mut complaints = world.check();
            complaints.extend(world.find_damage());
            if !complaints.is_empty() {
                return world.end(complaints);
            }
        }
        world.begin();
        let mut complaints = world.go(u64::MAX);
        if complaints.is_empty() {
            complaints = world.settle();
        }
        world.end(complaints)
    }

    fn end(&self, complaints: Vec<String>) -> Ending {
        Ending { complaints, trace: self.sim.trace(), counts: self.desk.counts() }
    }

    /// What is in the store, and how to break it.
    pub fn control(&self) -> &MemoryControl {
        &self.control
    }

    /// The tables, to break them.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// A request of nobody in particular.
    pub fn cx(&self) -> Cx {
        self.desk.cx("test")
    }

    /// Starts the replicas, their clients, collection and repair, the clock's jumps and the faults.
    pub fn begin(&mut self) {
        if self.desk.has_faults {
            faults::plan(&self.sim, &self.control);
        }
        let may_fail = self.desk.has_faults && self.sim.once_in(2);
        let replicas: Vec<Registry> = (0..self.replicas).map(|_| self.open_replica(may_fail)).collect();
        let (mut crew, busy, began) = (Crew::new(&self.sim), Rc::new(Cell::new(CLIENTS)), self.sim.now());
        let shared = Arc::new(replicas.clone());
        for _ in 0..CLIENTS {
            let client = Client { desk: self.desk.clone(), replicas: shared.clone() };
            let (acts, busy) = (5 + self.sim.below(25), busy.clone());
            crew.add(async move {
                client.work(acts).await;
                busy.set(busy.get() - 1);
            });
        }
        for registry in replicas {
            // Each process that ever ran has a name of its own.
            let holder = self.desk.env.request_id().to_string();
            let shift = || Shift { desk: self.desk.clone(), registry: registry.clone(), busy: busy.clone(), began };
            crew.add(work::collect(shift(), holder.clone()));
            crew.add(work::move_bytes(shift(), holder));
            crew.add(work::empty(shift()));
            crew.add(work::sweep(shift()));
            if self.sim.once_in(3) {
                crew.add(work::repair(shift()));
            }
        }
        crew.add(work::jump(self.sim.clone(), busy));
        self.life = Some(crew);
    }

    /// Lets the world go on for up to `steps` steps. Returns the broken promises as soon as there are any.
    pub fn go(&mut self, steps: u64) -> Vec<String> {
        let check_every = if self.sim.once_in(64) { 1 } else { CHECK_EVERY };
        for step in 1..=steps {
            let Some(crew) = &mut self.life else { break };
            if !crew.step() {
                break;
            }
            if step % check_every == 0 {
                let complaints = self.check();
                if !complaints.is_empty() {
                    return complaints;
                }
            }
        }
        self.check()
    }

    /// The power goes: every request and all memory of the process with it, and what the store had not made durable.
    pub fn crash(&mut self) {
        self.life = None;
        self.control.crash(self.sim.below(u64::MAX));
        self.desk.crash();
        self.sim.pass(Duration::from_secs(1));
    }

    /// Returns a sentence for each promise that is broken now.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = self.desk.complaints();
        complaints.extend(self.sight().always());
        complaints
    }

    /// Ends all work, collects without grace, and returns what is broken or left over then.
    pub fn settle(&mut self) -> Vec<String> {
        self.life = None;
        self.control.clear_faults();
        self.sim.pass(HOUR);
        let (registry, desk) = (self.open(), self.desk.clone());
        let empties = self.sim.once_in(2);
        let report = self.alone(async move {
            if empties {
                registry.trash.empty(&desk.cx("empty"), None).await?;
            }
            registry.collection.run(&desk.cx("collect"), Duration::ZERO, Duration::ZERO, |_| {}).await?;
            registry.archive.round(&desk.cx("archive"), "the last").await?;
            registry.orphans.sweep(&desk.cx("sweep"), desk.env.now()).await?;
            let options = FsckOptions { quick: false, repair: false, is_alone: true };
            registry.fsck.run(&desk.cx("fsck"), options, |_| {}).await
        });
        let mut complaints = self.check();
        complaints.extend(report.findings.iter().map(|finding| format!("fsck finds: {}", finding.message)));
        complaints.extend(self.sight().the_store_holds_what_is_linked());
        complaints.extend(quotas::still_reserved(&self.desk));
        complaints
    }

    /// What `fsck` calls damage, while nobody is at work: a crash may leave things over, but never that.
    fn find_damage(&self) -> Vec<String> {
        self.control.clear_faults();
        let (registry, desk) = (self.open(), self.desk.clone());
        let options = FsckOptions { quick: true, repair: false, is_alone: true };
        let report = self.alone(async move { registry.fsck.run(&desk.cx("fsck"), options, |_| {}).await });
        let damage = report.findings.iter().filter(|finding| finding.is_damage);
        damage.map(|finding| format!("fsck finds after a crash: {}", finding.message)).collect()
    }

    fn sight(&self) -> Sight<'_> {
        Sight { desk: &self.desk, control: &self.control, grace: GRACE }
    }

    /// Rooms for a time when nobody else is there and nothing goes wrong.
    fn open(&self) -> Registry {
        self.open_on(self.metadata.clone())
    }

    /// The rooms of a process: what it has read it may remember where it is the only one.
    fn open_replica(&self, may_fail: bool) -> Registry {
        self.open_on(self.metadata.door(self.replicas > 1, faults::of_metadata(&self.sim, may_fail)))
    }

    fn open_on(&self, metadata: Metadata) -> Registry {
        let settings = Settings {
            collection: CollectionSettings { grace: Period::hours(1), ..CollectionSettings::default() },
            uploads: UploadSettings { expire: Period::hours(1), ..UploadSettings::default() },
            trash: TrashSettings { keep: Period::hours(KEEP_HOURS) },
            ..Settings::default()
        };
        let registry = Registry::open(metadata, self.store.clone(), self.desk.env.clone(), Region::default(), settings);
        registry.hand_keys(Arc::new(keys::Keys));
        registry
    }

    /// Runs `work` to its end while nobody else does anything.
    fn alone<T: 'static>(&self, work: impl Future<Output = Result<T, Fault>> + 'static) -> T {
        let (mut crew, answer) = (Crew::new(&self.sim), Rc::new(RefCell::new(None)));
        let place = answer.clone();
        crew.add(async move { *place.borrow_mut() = Some(work.await) });
        crew.finish();
        let answer = answer.borrow_mut().take().expect("the crew has finished");
        answer.expect("nothing fails while no fault is planned")
    }
}

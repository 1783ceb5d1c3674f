use crate::{
    Crew, Sim,
    check::Sight,
    client::{Client, Desk},
    stock::Stock,
};
use gantry_env::{Clock, Env};
use gantry_fault::Fault;
use gantry_metadata::Metadata;
use gantry_registry::{FsckOptions, Registry, Repository, Settings};
use gantry_store::{InjectedFault, MemoryControl, Operation, Store};
use gantry_words::{Cx, Region, Timestamp};
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
const REPOSITORIES: [&str; 3] = ["team/app", "team/base", "mirror"];
const CLIENTS: u64 = 4;
/// Steps between two checks.
const CHECK_EVERY: u64 = 32;

/// A registry with its clients, from one seed.
pub struct World {
    sim: Sim,
    desk: Arc<Desk>,
    metadata: Metadata,
    store: Store,
    control: MemoryControl,
    repositories: Vec<i64>,
    /// The process that runs; `None` between a crash and the next start.
    life: Option<(Registry, Crew)>,
    /// How many of this life's clients have not gone home.
    busy: Rc<Cell<u64>>,
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
        let desk = Arc::new(Desk::new(sim.clone(), env, stock, has_faults));
        let (life, busy) = (None, Rc::default());
        let mut world = World { sim, desk, metadata, store, control, repositories: vec![], life, busy };
        let registry = world.open();
        let desk = world.desk.clone();
        world.repositories = world.alone(async move {
            let mut ids = Vec::new();
            for name in REPOSITORIES {
                let name = name.parse().expect("these are names");
                ids.push(registry.repositories.create(&desk.cx("create"), &name).await?.id);
            }
            Ok(ids)
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

    /// Starts the registry, its clients, its collection, the clock's jumps and the store's faults.
    pub fn begin(&mut self) {
        self.plan_faults();
        let registry = self.open();
        let repositories = Arc::new(self.load(&registry));
        let mut crew = Crew::new(&self.sim);
        self.busy = Rc::new(Cell::new(CLIENTS));
        for _ in 0..CLIENTS {
            let (desk, registry) = (self.desk.clone(), registry.clone());
            let client = Client { desk, registry, repositories: repositories.clone() };
            let (acts, busy) = (5 + self.sim.below(25), self.busy.clone());
            crew.add(async move {
                client.work(acts).await;
                busy.set(busy.get() - 1);
            });
        }
        crew.add(collect(self.desk.clone(), registry.clone(), self.busy.clone()));
        crew.add(jump(self.sim.clone(), self.busy.clone()));
        crew.add(sweep(self.desk.clone(), registry.clone(), self.sim.now()));
        self.life = Some((registry, crew));
    }

    /// Lets the world go on for up to `steps` steps. Returns the broken promises as soon as there are any.
    pub fn go(&mut self, steps: u64) -> Vec<String> {
        for step in 1..=steps {
            let Some((_, crew)) = &mut self.life else { break };
            if !crew.step() {
                break;
            }
            if step % CHECK_EVERY == 0 {
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
        self.desk.promises().crash();
        self.control.crash(self.sim.below(u64::MAX));
        self.desk.count("crash");
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
        let report = self.alone(async move {
            registry.collection.run(&desk.cx("collect"), Duration::ZERO, Duration::ZERO, |_| {}).await?;
            registry.orphans.sweep(&desk.cx("sweep"), desk.env.now()).await?;
            let options = FsckOptions { quick: false, repair: false, is_alone: true };
            registry.fsck.run(&desk.cx("fsck"), options, |_| {}).await
        });
        let mut complaints = self.check();
        complaints.extend(report.findings.iter().map(|finding| format!("fsck finds: {}", finding.message)));
        complaints.extend(self.sight().the_store_holds_what_is_linked());
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
        let World { desk, metadata, control, repositories, .. } = self;
        Sight { desk, metadata, control, repositories, grace: GRACE }
    }

    fn open(&self) -> Registry {
        let (metadata, store, env) = (self.metadata.clone(), self.store.clone(), self.desk.env.clone());
        Registry::open(metadata, store, env, Region::default(), Settings::default())
    }

    fn load(&self, registry: &Registry) -> Vec<Repository> {
        let (registry, desk) = (registry.clone(), self.desk.clone());
        self.alone(async move {
            let mut found = Vec::new();
            for name in REPOSITORIES {
                let name = name.parse().expect("these are names");
                found.push(registry.repositories.load(&desk.cx("load"), &name).await?);
            }
            Ok(found)
        })
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

    fn plan_faults(&self) {
        if !self.desk.has_faults {
            return;
        }
        let (sim, rarity) = (self.sim.clone(), 8 + self.sim.below(60));
        self.control.set_plan(move |operation, _| {
            if !sim.once_in(rarity) {
                return None;
            }
            // Whether bytes are there is asked so often that a failing answer would hide the rest.
            let kinds = if operation == Operation::Exists && sim.once_in(2) { 1 } else { 5 };
            Some(match sim.below(kinds) {
                0 => InjectedFault::Delay(Duration::from_millis(sim.below(3_000))),
                1 => InjectedFault::Fail,
                2 => InjectedFault::FailLate,
                3 => InjectedFault::Full,
                _ => InjectedFault::TornWrite,
            })
        });
    }
}

/// Collects again and again while there are clients.
async fn collect(desk: Arc<Desk>, registry: Registry, busy: Rc<Cell<u64>>) {
    while busy.get() > 0 {
        let rest = desk.sim.below(6_000);
        desk.sim.sleep(Duration::from_millis(rest)).await;
        // What fails is collected by the next round.
        if let Ok(collected) = registry.collection.run(&desk.cx("collect"), GRACE, GRACE, |_| {}).await
            && collected.blobs > 0
        {
            desk.count("collected");
        }
    }
}

/// Lets the clock jump now and then while there are clients.
async fn jump(sim: Sim, busy: Rc<Cell<u64>>) {
    while busy.get() > 0 {
        let rest = sim.below(8_000);
        sim.sleep(Duration::from_millis(rest)).await;
        let hours = if sim.once_in(4) { 72 } else { 1 };
        sim.pass(HOUR / 4 * (1 + sim.below(4 * hours) as u32));
    }
}

/// Removes, beside the clients, what an earlier crash left: only what is older than this life can have no push behind it.
async fn sweep(desk: Arc<Desk>, registry: Registry, started: Timestamp) {
    let cx = desk.cx("sweep");
    if let Ok(swept) = registry.orphans.sweep(&cx, started).await
        && swept.blobs > 0
    {
        desk.count("swept");
    }
}

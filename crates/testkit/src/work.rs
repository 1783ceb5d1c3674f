//! What goes on beside the clients.

use crate::{Sim, desk::Desk};
use gantry_env::Clock;
use gantry_metadata::leases;
use gantry_registry::{Collected, FsckOptions, Registry};
use gantry_words::{Cx, Timestamp};
use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);

/// A replica's part in a life.
pub(crate) struct Shift {
    pub(crate) desk: Arc<Desk>,
    pub(crate) registry: Registry,
    /// How many of this life's clients have not gone home.
    pub(crate) busy: Rc<Cell<u64>>,
    /// When this life began.
    pub(crate) began: Timestamp,
}

/// Collects again and again while there are clients, unless another replica has the lease.
pub(crate) async fn collect(Shift { desk, registry, busy, .. }: Shift, holder: String) {
    while busy.get() > 0 {
        let rest = desk.sim.below(6_000);
        desk.sim.sleep(Duration::from_millis(rest)).await;
        let cx = desk.cx("collect");
        let lease = desk.look(|rows| leases::find(rows, "collection"));
        // What fails is collected by the next round.
        let Ok(collected) = registry.collection.round(&cx, &holder).await else { continue };
        if collected.blobs > 0 {
            desk.count("collected");
        }
        if collected.uploads > 0 {
            desk.count("upload given up");
        }
        if let Some((other, until)) = lease.filter(|(other, until)| *other != holder && *until > cx.now) {
            desk.count("collection left to another");
            if collected != Collected::default() {
                desk.complain(format!("{holder} collected, but until {until} that is left to {other}"));
            }
        }
    }
}

/// Moves bytes to the archive and back, again and again while there are clients.
pub(crate) async fn move_bytes(Shift { desk, registry, busy, .. }: Shift, holder: String) {
    while busy.get() > 0 {
        let rest = desk.sim.below(2_000);
        desk.sim.sleep(Duration::from_millis(rest)).await;
        // What fails is moved by the next round.
        let Ok(moved) = registry.archive.round(&desk.cx("archive"), &holder).await else { continue };
        if moved.archived > 0 {
            desk.count("blob archived");
        }
        if moved.returned > 0 {
            desk.count("blob returned");
        }
    }
}

/// Destroys what has been in the trash for its time, again and again while there are clients.
pub(crate) async fn empty(Shift { desk, registry, busy, .. }: Shift) {
    while busy.get() > 0 {
        let rest = desk.sim.below(10_000);
        desk.sim.sleep(Duration::from_millis(rest)).await;
        // What fails is destroyed by the next round.
        if registry.trash.round(&desk.cx("trash")).await.is_ok_and(|emptied| emptied.images > 0) {
            desk.count("trash emptied");
        }
    }
}

/// Removes, beside the clients, what an earlier crash left: only what is older than this life can have no push behind it.
pub(crate) async fn sweep(Shift { desk, registry, began, .. }: Shift) {
    let cx = desk.cx("sweep");
    if let Ok(swept) = registry.orphans.sweep(&cx, began).await
        && swept.blobs > 0
    {
        desk.count("swept");
    }
}

/// Checks and mends beside the clients now and then: there is nothing to mend but what an earlier crash left.
pub(crate) async fn repair(Shift { desk, registry, busy, began }: Shift) {
    while busy.get() > 0 {
        let rest = desk.sim.below(40_000);
        desk.sim.sleep(Duration::from_millis(rest)).await;
        // Hours may pass in this world between a push's last byte and its link: only what is older than this life may be
        // taken for a left-over.
        let cx = Cx { now: began, ..desk.cx("fsck") };
        // What cannot be read is not known, so where reads fail only lengths are compared.
        let options = FsckOptions { quick: desk.has_faults, repair: true, is_alone: false };
        match registry.fsck.run(&cx, options, |_| {}).await {
            Ok(report) => {
                desk.count("repaired");
                for finding in report.findings.iter().filter(|finding| finding.is_damage) {
                    desk.complain(format!("fsck finds beside the clients: {}", finding.message));
                }
            }
            Err(fault) if !desk.has_faults => desk.complain(format!("nothing failed, but fsck ended with: {fault}")),
            Err(_) => {}
        }
    }
}

/// Lets the clock jump now and then while there are clients.
pub(crate) async fn jump(sim: Sim, busy: Rc<Cell<u64>>) {
    while busy.get() > 0 {
        let rest = sim.below(8_000);
        sim.sleep(Duration::from_millis(rest)).await;
        let hours = if sim.once_in(4) { 72 } else { 1 };
        sim.pass(HOUR / 4 * (1 + sim.below(4 * hours) as u32));
    }
}

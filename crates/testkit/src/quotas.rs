//! Quotas, in every other world: set before anything is there, and set, raised and removed beside the pushes.

use crate::{client::Client, desk::Desk};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::quotas;
use gantry_registry::{Quota, QuotaLimits, QuotaMeasure, QuotaScope, Registry};
use gantry_words::{AccountId, Region};
use std::collections::BTreeMap;

/// What repositories may hold together from the beginning, which nobody changes: whose, how it is counted, and the least bytes. It is
/// less than all of the stock in each.
const STANDING: [(&str, QuotaMeasure, u64); 2] =
    [("*", QuotaMeasure::Logical, 20_000), ("team/*", QuotaMeasure::Physical, 10_000)];
/// Quotas that come and go.
const CHANGING: [(&str, QuotaMeasure); 2] = [("team/app", QuotaMeasure::Logical), ("mirror", QuotaMeasure::Physical)];
/// A quota that is given a limit has room for less than so many bytes more.
const ROOM_BYTES_MAX: u64 = 6_000;
const QUOTAS_MAX: usize = 100;

/// Whether a world has quotas. Its seed says so, not its dice: so the worlds without any are what they were before there were some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotas {
    Absent,
    Present,
}

impl Quotas {
    pub(crate) fn of_seed(seed: u64) -> Quotas {
        match seed % 2 {
            0 => Quotas::Present,
            _ => Quotas::Absent,
        }
    }
}

fn scope(text: &str) -> QuotaScope {
    text.parse().expect("these are scopes")
}

/// Sets the standing quotas, while nothing is there.
pub(crate) async fn begin(desk: &Desk, registry: &Registry) -> Result<(), Fault> {
    if desk.quotas == Quotas::Absent {
        return Ok(());
    }
    for (whose, measure, least) in STANDING {
        let hard = least + desk.sim.below(2 * least);
        let limits =
            QuotaLimits { measure, bytes_hard: Some(hard), bytes_soft: Some(hard / 2), ..QuotaLimits::default() };
        registry.quotas.set(&desk.cx("quota"), &scope(whose), limits).await?;
    }
    Ok(())
}

/// Every quota there is, past the registry.
fn all(desk: &Desk) -> Vec<Quota> {
    desk.look(|rows| quotas::list(rows, AccountId::DEFAULT, &Region::default(), QUOTAS_MAX))
}

/// What of a quota's bytes is used, or kept for uploads that are open.
fn taken(quota: &Quota) -> u64 {
    quota.used_bytes + quota.reserved_bytes
}

/// What is taken of the quotas that are above their limits, by their numbers.
pub(crate) type Above = BTreeMap<i64, u64>;

fn above(quotas: &[Quota]) -> Above {
    let is_above = |quota: &&Quota| quota.limits.bytes_hard.is_some_and(|hard| taken(quota) > hard);
    quotas.iter().filter(is_above).map(|quota| (quota.id, taken(quota))).collect()
}

/// A sentence for each quota that is passed by a push: nobody sets one to less than is there. One that was above its limit before may be
/// so still, and comes down.
pub(crate) fn passed(desk: &Desk) -> Vec<String> {
    if desk.quotas == Quotas::Absent {
        return vec![];
    }
    let (quotas, mut known) = (all(desk), desk.above());
    let now = above(&quotas);
    let is_passed = |quota: &&Quota| {
        let before = known.get(&quota.id).copied().unwrap_or(0);
        now.get(&quota.id).is_some_and(|taken| *taken > before)
    };
    let passed = quotas.iter().filter(is_passed).map(|quota| format!("a quota is passed: {quota:?}")).collect();
    known.retain(|id, taken| match now.get(id) {
        Some(now) => {
            *taken = (*taken).min(*now);
            true
        }
        None => false,
    });
    desk.set_above(known);
    passed
}

/// Something came back from the trash, perhaps that of a deleted repository: no quota keeps that out.
pub(crate) fn came_back(desk: &Desk) {
    desk.set_above(above(&all(desk)));
}

/// A sentence for each quota that keeps room for uploads: once all of them have ended, none may.
pub(crate) fn still_reserved(desk: &Desk) -> Vec<String> {
    let quotas = all(desk);
    let reserved = quotas.iter().filter(|quota| quota.reserved_bytes > 0);
    reserved.map(|quota| format!("room is kept for uploads that have ended: {quota:?}")).collect()
}

/// What clients do with quotas.
impl Client {
    /// Makes a quota that tells and refuses nothing, gives one that is there a limit to what it has and a little more, or removes it.
    pub(crate) async fn change_quota(&self) -> Result<(), Fault> {
        let (desk, sim) = (&self.desk, &self.desk.sim);
        let (whose, measure) = *sim.pick(&CHANGING);
        let (cx, removes, more) = (desk.cx("quota"), sim.once_in(4), sim.below(ROOM_BYTES_MAX));
        let quotas = &self.registry().quotas;
        if removes {
            return match quotas.remove(&cx, &scope(whose)).await {
                Err(fault) if fault.kind == FaultKind::NoSuchEntity => Ok(()),
                removed => removed,
            };
        }
        // Nothing lies between this look and the act.
        let found = all(desk).into_iter().find(|quota| quota.scope == whose);
        let bytes_hard = found.as_ref().map(|quota| taken(quota) + more);
        let bytes_soft = Some(bytes_hard.unwrap_or(more) / 2);
        let limits = QuotaLimits { measure, bytes_hard, bytes_soft, ..QuotaLimits::default() };
        quotas.set(&cx, &scope(whose), limits).await?;
        desk.count("quota set");
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! What goes wrong.

use crate::Sim;
use gantry_metadata::{self as metadata, Asked};
use gantry_store::{InjectedFault, MemoryControl, Operation};
use std::time::Duration;

/// Plans the faults of a store.
pub(crate) fn plan(sim: &Sim, control: &MemoryControl) {
    let (sim, rarity) = (sim.clone(), 8 + sim.below(60));
    control.set_plan(move |operation, _| {
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

/// Says what goes wrong with metadata: acts that are not done, acts whose answer is lost, questions without an answer.
pub(crate) fn of_metadata(sim: &Sim, may_fail: bool) -> metadata::Faults {
    let (sim, rarity) = (sim.clone(), 20 + sim.below(100));
    Box::new(move |asked| {
        if !may_fail || !sim.once_in(rarity) {
            return None;
        }
        match asked {
            // Several questions come before each act.
            Asked::Read if !sim.once_in(3) => None,
            Asked::Act(_) if sim.once_in(2) => Some(metadata::InjectedFault::FailLate),
            Asked::Read | Asked::Act(_) => Some(metadata::InjectedFault::Fail),
        }
    })
}

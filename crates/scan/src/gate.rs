//! Gates: whether an image may be pulled, by what is wrong with it. Pure: what is known of the image, and the time, come in.

mod decide;
mod exception;
mod policy;
mod scope;

#[cfg(test)]
mod tests;

pub use decide::{GATE_REASONS_MAX, GateFacts, GateOutcome, GateReason, GateScan, GateVerdict, decide_gate};
pub use exception::{
    GATE_TEXT_BYTES_MAX, GateApproval, GateException, GateExceptionError, GateOverride, OVERRIDE_HOURS_MAX,
};
pub use policy::{GateMode, GatePolicy, GatePolicyError, Unscanned};
pub use scope::{GateScope, GateScopeError};

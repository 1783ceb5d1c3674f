//! Gates: whether an image may be pulled, by what is wrong with it. Pure: what is known of the image, and the time, come in.

mod decide;
mod exception;
mod policy;
mod quarantine;
mod scope;

#[cfg(test)]
mod tests;

pub use decide::{GATE_REASONS_MAX, GateFacts, GateOutcome, GateReason, GateScan, GateVerdict, decide_gate};
pub use exception::{
    GATE_TEXT_BYTES_MAX, GateApproval, GateException, GateExceptionError, GateOverride, OVERRIDE_HOURS_MAX,
    check_reason,
};
pub use policy::{GateMode, GatePolicy, GatePolicyError, Unscanned};
pub use quarantine::{QUARANTINE_REASONS_MAX, QuarantineEnd, QuarantineStep, decide_quarantine};
pub use scope::{GateScope, GateScopeError};

//! Keeps the audit: counts and queues facts, chains and signs them, trims, searches and verifies.
//!
//! Whoever serves a request says what came of it ([`Audit::note`]). Facts that are alike are counted together, in memory and,
//! within a tenth of a second, in the database; when their minute is over they become a record of the chain. Changes are in
//! the change trail already, by the act that made them, in its transaction: from there they are taken into the chain,
//! together with what is known of the call. So a crash loses at most what was counted in the last tenth of a second, and
//! no change; who must not be answered before his refusal is durable waits for that ([`Audit::note_durably`]).
//!
//! | file | holds |
//! |---|---|
//! | `keep.rs` | the room: what comes in, and the loop that writes it down |
//! | `pending.rs` | facts on their way |
//! | `chain.rs` | the act that takes them into the chain, and signs it |
//! | `people.rs` | whom records name, and how they are erased |
//! | `trim.rs` | the acts that remove old records, up to a checkpoint |
//! | `used.rs` | who has done what since when |
//! | `search.rs`, `verify.rs` | what is asked of the records, and whether they are what was written |
//! | `webhook.rs` | the chain on its way to a receiver |
//! | `settings.rs` | knobs |

mod chain;
mod keep;
mod pending;
mod people;
mod search;
mod settings;
mod trim;
mod used;
mod verify;
mod webhook;

pub use gantry_metadata::audit::{Found, Place};
pub(crate) use keep::Keeper;
pub use keep::{Audit, Figures, Outlet};
pub use people::erase;
pub use search::{Question, Records, search};
pub use settings::{OnOverflow, Settings};
pub use used::SessionActions;
pub use verify::{Verified, verify};
pub use webhook::{DeliveryError, Webhook, WebhookFigures, WebhookSettings, webhook_secret};

#[cfg(test)]
mod tests;

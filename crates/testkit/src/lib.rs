//! A simulated world: clock, randomness, store and scheduler from one seed.
//!
//! [`World`] runs clients that push, mount, tag, remove and pull while the collection runs, the clock jumps, the store
//! fails and the power goes; [`World::check`] says which promise is broken. The same seed gives the same world, event
//! by event.
//!
//! What the registry **must survive**, and what is therefore injected (nothing else is):
//! * an operation of the store that fails, fails after it was done, tears a write, finds no room, or is slow;
//! * a crash at any step of a simulated wait: all requests and all memory of the process are gone, the store loses what
//!   was not durable (`gantry_store::MemoryControl::crash`), the metadata keep every commit;
//! * a clock that jumps ahead by hours and days between any two steps.
//!
//! Not simulated: a clock that goes back, bytes that rot (they must be noticed, not survived), a database that fails,
//! several replicas, and interleavings within an act (`gantry_metadata::Metadata::alone` runs one as a single step).
//!
//! | file | what |
//! |---|---|
//! | `sim.rs` | the executor: one task at a time, chosen by the seed; the clock and the randomness |
//! | `stock.rs` | the blobs, images and indexes there are to push |
//! | `promises.rs` | what was acknowledged, and therefore must hold |
//! | `client.rs` | what clients do |
//! | `world.rs` | [`World`]: lives, crashes, faults |
//! | `check.rs` | the invariants, by name |

mod check;
mod client;
mod promises;
mod sim;
mod stock;
mod world;

pub use sim::{Crew, Sim};
pub use world::{Ending, World};

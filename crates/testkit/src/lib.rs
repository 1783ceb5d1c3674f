//! A simulated world: clock, randomness, store and scheduler from one seed.
//!
//! [`World`] runs clients that create repositories and delete them, push, mount, tag, refer, remove, restore, archive and pull, at one
//! replica or two, while those collect and repair, the clock jumps, store and metadata fail and the power goes; in every other world
//! they come up against quotas, and change some. [`World::check`] says which promise is broken. The same seed gives the same world,
//! event by event.
//!
//! What the registry **must survive**, and what is therefore injected (nothing else is):
//! * an operation of the store that fails, fails after it was done, tears a write, finds no room, or is slow;
//! * metadata that do not answer: before an act was done, or after it;
//! * a crash at any step of a simulated wait: all requests and all memory of the processes are gone, the store loses what
//!   was not durable (`gantry_store::MemoryControl::crash`), the metadata keep every commit;
//! * a clock that jumps ahead by hours and days between any two steps.
//!
//! Not simulated: a clock that goes back, bytes that rot (they must be noticed, not survived), a replica that goes alone,
//! and interleavings within an act (`gantry_metadata::Metadata::alone` runs one as a single step).
//!
//! | file | what |
//! |---|---|
//! | `sim.rs` | the executor: one task at a time, chosen by the seed; the clock and the randomness |
//! | `stock.rs` | the blobs, images and indexes there are to push |
//! | `promises.rs`, `places.rs` | what was acknowledged, and therefore must hold; the repositories it is about |
//! | `client.rs`, `undo.rs`, `cold.rs`, `owner.rs`, `desk.rs` | what clients do, with images, the trash, the archive and whole repositories; what they know |
//! | `quotas.rs` | how much repositories may hold in a world that has quotas, and what must hold of them |
//! | `work.rs`, `faults.rs` | what goes on beside the clients; what goes wrong |
//! | `world.rs` | [`World`]: lives, crashes |
//! | `check.rs` | the invariants, by name |

mod check;
mod client;
mod cold;
mod desk;
mod faults;
mod keys;
mod owner;
mod places;
mod promises;
mod quotas;
mod sim;
mod stock;
mod undo;
mod work;
mod world;

pub use sim::{Crew, Sim};
pub use world::{Ending, World};

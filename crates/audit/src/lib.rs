//! What an audit record says, how records are chained and signed, and how a chain is verified. Pure: no clock, no database.
//!
//! A fact ([`Entry`]) becomes a [`Record`], alone or counted together with others like it ([`Fold`]). A record is printed
//! once, as a line of JSON in the shape of CloudTrail's records; these bytes are stored, hashed and exported, and never
//! printed anew. Each writer has a chain of its own ([`link`]): a record's hash depends on all before it. A [`Checkpoint`]
//! is the writer's signed word for the hash at a place; a copy of it elsewhere is an anchor. [`Verifier`] goes through a
//! chain and names the place where it is not what was written.
//!
//! Deliberately absent: secrets of any kind. No entry has a field for a password, a token, a signature or a query string.
//!
//! | file | holds |
//! |---|---|
//! | `entry.rs` | a fact as it happens |
//! | `record.rs` | a fact as it is stored, and the columns it is found by |
//! | `json.rs` | a line of JSON in the making |
//! | `text.rs` | texts that strangers wrote, bounded and made harmless |
//! | `fold.rs` | what is alike, counted together |
//! | `people.rs` | names of people as commitments, so that they can be erased |
//! | `chain.rs` | the hash of a record in its place |
//! | `checkpoint.rs` | signed checkpoints |
//! | `delivery.rs` | what goes to a receiver at once, and its signatures |
//! | `verify.rs` | what is wrong with a chain, and where |

mod chain;
mod checkpoint;
mod delivery;
mod entry;
mod fold;
mod json;
mod people;
mod record;
mod text;
mod verify;

pub use chain::{GENESIS, Hash, link};
pub use checkpoint::{Checkpoint, PublicKey, Signed, SigningKey, writer_of};
pub use delivery::{DELIVERY_BYTES_MAX, Delivery, Signatures};
pub use entry::{Entry, Kind, Outcome, RoleSession};
pub use fold::{Fold, Full, Open};
pub use people::{Mentions, PERSON_ERASED, Salt, commit, person, reveal, salt, tokens};
pub use record::{Change, Columns, Record, Session, key, number, parse_hash, print_hash};
pub use text::{TEXT_BYTES_MAX, bounded};
pub use verify::{End, Finding, Report, Stored, Verifier};

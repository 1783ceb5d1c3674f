//! Tables, statements, transactions, migrations and the outbox, on SQLite and PostgreSQL from the same text.
//!
//! Whoever changes something writes an [`Act`] (gather, decide, apply) and gives it to [`Metadata::perform`], which
//! runs it in a transaction on a thread that owns a connection, with its audit row and its events. Whoever only asks
//! uses [`Metadata::read`], or [`Metadata::read_long`] for lists. A statement is one text for both engines ([`query`],
//! [`change`]) and returns rows, not verdicts: nothing is decided here.
//!
//! Deliberately absent: an ORM, a query builder, sequences (ids come from `env`), floating numbers, deferrable
//! constraints (one act's failing commit would be its neighbours'), and any way to write without a `Cx`.
//!
//! | file | holds |
//! |---|---|
//! | `repositories.rs`, `manifests.rs`, `tags.rs`, `blobs.rs`, `uploads.rs`, `documents.rs`, `leases.rs`, `lifecycle.rs`, `trash.rs`, `inventory.rs` | every statement on those tables |
//! | `identities.rs`, `identities/` | those on users, groups, roles, policies, access keys and identity providers |
//! | `image_labels.rs` | those on labels that people give images |
//! | `search_index.rs` | those on the orders of all images, and on their labels and platforms |
//! | `image_search.rs` | those that look images up for a query |
//! | `holds.rs`, `archive.rs` | those that hold and release an image, and that move it to the archive and back |
//! | `accounts.rs` | those on accounts besides the site's own |
//! | `access_revision.rs` | the number that rises when something changes that decisions about access know |
//! | `audit.rs`, `audit/` | the same of the audit: its chains, its checkpoints, what is searched in it |
//! | `kms.rs` | those on the keys of the keyring, their material and their aliases |
//! | `page_sessions.rs`, `device_logins.rs` | those on who is logged in at the pages, and on terminals that wait to be let in |
//! | `gates.rs` | those on what scan policies said of images |
//! | `quarantine.rs` | those on tags that wait for a verdict |
//! | `quotas.rs` | those on what repositories may hold together |
//! | `scans.rs` | those on scans of images, and on what layers hold |
//! | `secrets.rs` | those on secrets and their versions |
//! | `traffic.rs` | those on how often images were pulled and pushed |
//! | `usage.rs` | those on what repositories use, and used on the days before |
//! | `attached.rs` | those that find what hangs on an image, and have it read again for that |
//! | `vex.rs` | those on uploaded VEX documents |
//! | `trail.rs` | the same of `event` and `audit`, which only grow |
//! | `event_feed.rs` | those on the numbers of events, by which they are told |
//! | `event_kinds.rs` | every kind of event that there is |
//! | `consistency.rs` | the questions of `fsck` |
//! | `statement.rs`, `value.rs`, `row.rs` | a question and a deed, what goes in, what comes out |
//! | `act.rs` | [`Act`], [`Write`], [`Reader`], [`Tx`], [`Event`]; the audit row |
//! | `metadata.rs` | [`Metadata`]: the one door, and its threads |
//! | `alone.rs` | the same without threads, and what goes wrong there, for simulations |
//! | `queue.rs` | acts and reads on their way to a thread |
//! | `group.rs` | SQLite: one writer, many acts, one fsync |
//! | `pool.rs` | PostgreSQL: a transaction per act, again on a conflict, and what to do when a commit's answer is lost |
//! | `engine.rs` | the two drivers behind one synchronous interface |
//! | `sqlite.rs`, `postgres.rs`, `postgres/` | everything that knows a driver |
//! | `migrations.rs`, `migrate.rs` | the list of migrations, and their runner |
//! | `backup.rs` | copies while serving, and restoring them |
//! | `settings.rs`, `error.rs`, `counters.rs` | knobs, why it does not open, what the metrics show |
//! | `suite.rs`, `suite/` | what both engines must do, run by the tests and by `gantry doctor` |

pub mod access_revision;
pub mod accounts;
mod act;
mod alone;
pub mod archive;
pub mod attached;
pub mod audit;
mod backup;
pub mod blobs;
pub mod consistency;
mod counters;
pub mod device_logins;
pub mod documents;
mod engine;
mod error;
pub mod event_feed;
mod event_kinds;
pub mod finding_history;
pub mod gates;
mod group;
pub mod holds;
pub mod identities;
pub mod image_labels;
pub mod image_search;
pub mod inventory;
pub mod kms;
pub mod leases;
pub mod lifecycle;
pub mod manifests;
mod metadata;
mod migrate;
mod migrations;
pub mod page_sessions;
pub mod past;
mod pool;
mod postgres;
pub mod quarantine;
mod queue;
pub mod quotas;
pub mod repositories;
mod row;
pub mod scans;
pub mod search_index;
pub mod secrets;
pub mod selections;
mod settings;
pub mod site_settings;
mod sqlite;
mod statement;
pub mod suite;
pub mod tags;
pub mod traffic;
pub mod trail;
pub mod trash;
pub mod uploads;
pub mod usage;
mod value;
pub mod vex;

pub use act::{Act, Event, Locks, Reader, Trail, Tx, Write};
pub use alone::{Asked, Faults, InjectedFault};
pub use backup::{begin_restore, finish_restore, is_restore_unfinished, put_in_place};
pub use counters::Figures;
pub use engine::EngineName;
pub use error::Error;
pub use event_kinds::EVENT_KINDS;
pub use metadata::Metadata;
pub use migrate::{Pending, Plan, plan, schema_known};
pub use postgres::Address;
pub use row::Row;
pub use settings::{Checkpoint, Settings, Tls};
pub use statement::{Change, Query, change, query};
pub use value::Value;

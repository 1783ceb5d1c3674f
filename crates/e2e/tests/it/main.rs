//! One binary for all tests against the real server: linking is what costs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![allow(clippy::disallowed_methods, reason = "these tests live in real time, with real files")]

mod access;
mod accounts;
mod archive;
mod audit;
mod aws;
mod backup;
mod basics;
mod clients;
mod commands;
mod conditions;
mod crash;
mod database;
mod found;
mod gates;
mod heads;
mod hostile;
mod identities;
mod lifecycle;
mod limits;
mod listeners;
mod lists;
mod logins;
mod metrics;
mod moving;
mod people;
mod protection;
mod referrers;
mod resume;
mod scan;
mod schema;
mod sealed;
mod search;
mod serving;
mod smuggling;
mod storage;
mod terraform;
mod threats;
mod tokens;
mod tracing;
mod undo;
mod uploads;
mod users;
mod vault;
mod workload;

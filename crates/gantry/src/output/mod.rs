//! What people see: tables, JSON, progress and mistakes, the same from every command.
//!
//! | file | what |
//! |---|---|
//! | `table.rs` | [`Table`]: aligned text with a header |
//! | `printer.rs` | [`Printer`]: writes answers as table or JSON, in colour only on a terminal |
//! | `progress.rs` | [`Progress`]: a bar on standard error, only when that is a terminal |
//! | `failure.rs` | [`Failure`], [`Exit`]: what went wrong, what to do, and the exit code |

mod failure;
mod printer;
mod progress;
mod table;

pub(crate) use failure::{Exit, Failure};
pub(crate) use printer::{Format, OutputFlag, Printer};
pub(crate) use progress::Progress;
pub(crate) use table::{Cell, Table, Tone};

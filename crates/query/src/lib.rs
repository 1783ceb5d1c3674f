//! The language that images are searched with: `tag:v1.* pushed<2026-01-01 size>1GiB`.
//!
//! A text comes in, a [`Query`] or a [`QueryError`] with its place comes out. A query says of an image whether it is meant, also
//! where not everything is known of it yet ([`Query::decide`]), and where in the order of names and times those can only be that
//! are meant ([`Query::bounds`]). Pure: no clock (a query holds ages, and is told the time), no database.
//!
//! Deliberately absent: how images are found, and how fast; who may see them.
//!
//! | file | what |
//! |---|---|
//! | `parse.rs`, `parse/` | [`Query`] from its text |
//! | `field.rs` | [`Field`]: what can be asked for, one row each |
//! | `term.rs` | [`Term`]: one condition, and whether it holds of [`Facts`] |
//! | `expression.rs` | [`Query`]: terms, and how they go together; printing |
//! | `moment.rs` | days, times and ages |
//! | `pattern.rs` | names with `*` |
//! | `bounds.rs` | [`Bounds`]: where those can only be that are meant |
//! | `order.rs` | [`Order`]: what a list is sorted by |
//! | `error.rs` | [`QueryError`], [`Span`] |

mod bounds;
mod error;
mod expression;
mod field;
mod moment;
mod order;
mod parse;
mod pattern;
mod term;
#[cfg(test)]
mod tests;

pub use bounds::{Bounds, LabelBound, NameBound, TimeBound};
pub use error::{QueryError, QueryProblem, Span};
pub use expression::Query;
pub use field::{Field, Kind, field_table};
pub use order::{Order, OrderError, SortColumn};
pub use parse::{DEPTH_MAX, QUERY_BYTES_MAX, TERMS_MAX};
pub use term::{Facts, Term};

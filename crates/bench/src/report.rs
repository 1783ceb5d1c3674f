//! What was measured, what must be reached, and the page that says both. All pure: values in, text out.

mod figure;
mod goal;
mod page;
mod results;
mod statistics;

pub(crate) use figure::{Figure, Sample, print_number};
pub(crate) use goal::{Against, Bound, Cell, Goal};
pub(crate) use page::{Group, rewrite};
pub(crate) use results::{Machine, Measured, Results};
pub(crate) use statistics::median;

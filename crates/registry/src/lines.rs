//! Lines of an answer, each with a figure and a name, sorted and cut into pages: pure.

use gantry_words::Page;
use std::cmp::Ordering;

/// What comes first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineOrder {
    /// Whether names are compared, and not figures.
    pub(crate) is_by_name: bool,
    /// Whether the greatest comes first.
    pub(crate) is_descending: bool,
}

impl LineOrder {
    /// How two lines lie to each other. What is equal is in the order of names.
    fn compare(self, one: (i64, &str), other: (i64, &str)) -> Ordering {
        let by_name = one.1.cmp(other.1);
        let ordering = if self.is_by_name { by_name } else { one.0.cmp(&other.0) };
        let turned = if self.is_descending { ordering.reverse() } else { ordering };
        turned.then(by_name)
    }
}

/// Returns up to `count` of the lines in an order, those after a place; `at` says the figure and the name of a line.
pub(crate) fn page_of<L>(
    mut lines: Vec<L>,
    order: LineOrder,
    after: Option<(i64, &str)>,
    count: usize,
    at: impl Fn(&L) -> (i64, &str),
) -> Page<L> {
    if let Some(after) = after {
        lines.retain(|line| order.compare(at(line), after) == Ordering::Greater);
    }
    lines.sort_unstable_by(|one, other| order.compare(at(one), at(other)));
    Page::cut(lines, count)
}

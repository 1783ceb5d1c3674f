//! Pulls and pushes, sorted and cut into pages: pure.

use crate::lines::{LineOrder, page_of};
use gantry_metadata::traffic::{TrafficColumn, TrafficCount};
use gantry_words::{Page, Timestamp};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What a line is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrafficBy {
    /// Each repository.
    #[default]
    Repository,
    /// Each image.
    Image,
    /// Each principal.
    Principal,
    /// Each network.
    Network,
    /// Each day.
    Day,
}

impl TrafficBy {
    /// All of them.
    pub const ALL: [TrafficBy; 5] =
        [TrafficBy::Repository, TrafficBy::Image, TrafficBy::Principal, TrafficBy::Network, TrafficBy::Day];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            TrafficBy::Repository => "repository",
            TrafficBy::Image => "image",
            TrafficBy::Principal => "principal",
            TrafficBy::Network => "network",
            TrafficBy::Day => "day",
        }
    }

    /// Whether its lines say who it was, or from where: more than who may see a repository may know.
    pub const fn names_people(self) -> bool {
        matches!(self, TrafficBy::Principal | TrafficBy::Network)
    }

    pub(super) const fn column(self) -> TrafficColumn {
        match self {
            TrafficBy::Repository => TrafficColumn::Repository,
            TrafficBy::Image => TrafficColumn::Image,
            TrafficBy::Principal => TrafficColumn::Principal,
            TrafficBy::Network => TrafficColumn::Network,
            TrafficBy::Day => TrafficColumn::Day,
        }
    }

    /// What a line is called.
    pub(super) fn name(self, repository: &str, key: &str) -> String {
        match self {
            TrafficBy::Repository => repository.into(),
            // Where images were not told apart.
            TrafficBy::Image if key.is_empty() => repository.into(),
            TrafficBy::Image => format!("{repository}@{key}"),
            TrafficBy::Principal | TrafficBy::Network => key.into(),
            TrafficBy::Day => day_name(key),
        }
    }
}

/// `YYYY-MM-DD` of the number of a day since 1970.
fn day_name(number: &str) -> String {
    let day: i64 = number.parse().unwrap_or(0);
    let mut text = Timestamp::from_millis(day.saturating_mul(24 * 3600 * 1000)).to_string();
    text.truncate("1970-01-01".len());
    text
}

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficEntry {
    /// The repository, image, principal, network or day; empty where it is not known.
    pub name: String,
    /// How often.
    pub count: TrafficCount,
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficOrder {
    column: Column,
    is_descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Pulls,
    Pushes,
    Last,
}

impl Column {
    const ALL: [Column; 4] = [Column::Name, Column::Pulls, Column::Pushes, Column::Last];

    const fn name(self) -> &'static str {
        match self {
            Column::Name => "name",
            Column::Pulls => "pulls",
            Column::Pushes => "pushes",
            Column::Last => "last",
        }
    }

    fn key(self, count: &TrafficCount) -> i64 {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        match self {
            Column::Name => 0,
            Column::Pulls => number(count.pulls),
            Column::Pushes => number(count.pushes),
            Column::Last => count.last_at.map_or(i64::MIN, Timestamp::millis),
        }
    }
}

/// Why a text is no order of pulls and pushes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no order {0:?}; there are name, pulls, pushes and last, each with - before it for the other way round"
)]
pub struct TrafficOrderError(String);

impl FromStr for TrafficOrder {
    type Err = TrafficOrderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let column = Column::ALL.into_iter().find(|column| column.name() == name);
        let column = column.ok_or_else(|| TrafficOrderError(text.into()))?;
        Ok(TrafficOrder { column, is_descending })
    }
}

impl std::fmt::Display for TrafficOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.column.name())
    }
}

/// A place in a list of pulls and pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficPlace {
    /// What the list is sorted by; 0 where that is the name.
    key: i64,
    name: String,
}

impl TrafficEntry {
    /// Where it stands in a list of this order.
    pub fn place(&self, order: TrafficOrder) -> TrafficPlace {
        TrafficPlace { key: order.column.key(&self.count), name: self.name.clone() }
    }
}

/// Returns up to `count` of the entries in an order, those after a place.
pub fn traffic_page(
    entries: Vec<TrafficEntry>,
    order: TrafficOrder,
    after: Option<&TrafficPlace>,
    count: usize,
) -> Page<TrafficEntry> {
    let after = after.map(|place| (place.key, place.name.as_str()));
    let lines = LineOrder { is_by_name: order.column == Column::Name, is_descending: order.is_descending };
    page_of(entries, lines, after, count, |entry| (order.column.key(&entry.count), entry.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, pulls: u64, pushes: u64, last: i64) -> TrafficEntry {
        let last_at = Some(Timestamp::from_millis(last));
        TrafficEntry { name: name.into(), count: TrafficCount { pulls, uncounted_pulls: 0, pushes, last_at } }
    }

    fn names(order: &str, after: Option<&TrafficPlace>, count: usize) -> (Vec<String>, bool) {
        let entries = vec![entry("c", 1, 7, 3), entry("a", 5, 0, 1), entry("b", 5, 2, 2)];
        let page = traffic_page(entries, order.parse().unwrap(), after, count);
        (page.items.into_iter().map(|entry| entry.name).collect(), page.has_more)
    }

    #[test]
    fn each_order_goes_both_ways_and_what_is_equal_is_in_the_order_of_names() {
        for (order, wanted) in [
            ("name", ["a", "b", "c"]),
            ("-name", ["c", "b", "a"]),
            ("-pulls", ["a", "b", "c"]),
            ("pulls", ["c", "a", "b"]),
            ("-pushes", ["c", "b", "a"]),
            ("last", ["a", "b", "c"]),
        ] {
            assert_eq!(names(order, None, 9).0, wanted, "{order}");
        }
        assert!("colour".parse::<TrafficOrder>().is_err());
    }

    #[test]
    fn the_next_page_begins_after_the_last_line_of_the_one_before() {
        let order: TrafficOrder = "-pulls".parse().unwrap();

        let (first, has_more) = names("-pulls", None, 1);
        let (second, ends) = names("-pulls", Some(&entry("a", 5, 0, 1).place(order)), 2);

        assert_eq!((first, has_more), (vec!["a".to_string()], true));
        assert_eq!((second, ends), (vec!["b".to_string(), "c".to_string()], false));
    }

    #[test]
    fn a_day_is_written_as_a_date() {
        assert_eq!(TrafficBy::Day.name("team/app", "20784"), "2026-11-27");
    }
}

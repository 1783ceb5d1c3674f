//! Usage by repository, prefix or account, sorted and cut into pages: pure.

use crate::lines::{LineOrder, page_of};
use gantry_words::{AccountId, Page, RepositoryName, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, str::FromStr};

/// What one repository uses, or several do together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Repositories.
    pub repositories: u64,
    /// Images that can be pulled, children of indexes and referrers included.
    pub images: u64,
    /// Tags.
    pub tags: u64,
    /// Sum over the repositories of the bytes that each links.
    pub logical_bytes: u64,
    /// Sum over the repositories of the bytes that each links alone: of one, what deleting it frees; of several, what deleting them
    /// frees at least.
    pub unique_bytes: u64,
    /// By how many logical bytes it grows in a day; `None` until two days are known of one of them.
    pub growth_bytes_per_day: Option<i64>,
    /// When one of the images was last pulled, as far as that was noted.
    pub last_pulled_at: Option<Timestamp>,
}

impl Usage {
    /// Bytes that another repository links too: of several repositories, maybe one of them.
    pub fn shared_bytes(&self) -> u64 {
        self.logical_bytes.saturating_sub(self.unique_bytes)
    }

    fn add(&mut self, other: &Usage) {
        self.repositories += other.repositories;
        self.images += other.images;
        self.tags += other.tags;
        self.logical_bytes += other.logical_bytes;
        self.unique_bytes += other.unique_bytes;
        let growth = self.growth_bytes_per_day.zip(other.growth_bytes_per_day);
        self.growth_bytes_per_day = match growth {
            Some((one, other)) => Some(one.saturating_add(other)),
            None => self.growth_bytes_per_day.or(other.growth_bytes_per_day),
        };
        self.last_pulled_at = self.last_pulled_at.max(other.last_pulled_at);
    }

    /// What all of them use together.
    pub fn sum<'a>(usages: impl IntoIterator<Item = &'a Usage>) -> Usage {
        let mut sum = Usage::default();
        usages.into_iter().for_each(|usage| sum.add(usage));
        sum
    }
}

/// What a repository uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryUsage {
    /// Its number in the metadata.
    pub id: i64,
    /// Its name.
    pub name: RepositoryName,
    /// What it uses.
    pub usage: Usage,
}

/// Of what usage is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageBy {
    /// Of each repository.
    #[default]
    Repository,
    /// Of all repositories together whose names are the same up to the next slash.
    Prefix,
    /// Of all together.
    Account,
}

/// A line of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageEntry {
    /// The name of a repository, a prefix with its slash, or the id of an account.
    pub name: String,
    /// The repository, where it is one.
    pub repository: Option<i64>,
    /// What it uses.
    pub usage: Usage,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageOrder {
    /// What is compared.
    pub column: UsageColumn,
    /// Whether the greatest comes first.
    pub is_descending: bool,
}

/// What usage can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageColumn {
    /// The name.
    #[default]
    Name,
    /// Logical bytes.
    Size,
    /// Unique bytes.
    Unique,
    /// Images.
    Images,
    /// Tags.
    Tags,
    /// Growth in a day; what is not known to grow counts as 0.
    Growth,
    /// The last pull; what never was pulled is the oldest.
    Pulled,
}

impl UsageColumn {
    /// All of them.
    pub const ALL: [UsageColumn; 7] = [
        UsageColumn::Name,
        UsageColumn::Size,
        UsageColumn::Unique,
        UsageColumn::Images,
        UsageColumn::Tags,
        UsageColumn::Growth,
        UsageColumn::Pulled,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            UsageColumn::Name => "name",
            UsageColumn::Size => "size",
            UsageColumn::Unique => "unique",
            UsageColumn::Images => "images",
            UsageColumn::Tags => "tags",
            UsageColumn::Growth => "growth",
            UsageColumn::Pulled => "pulled",
        }
    }

    fn key(self, usage: &Usage) -> i64 {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        match self {
            UsageColumn::Name => 0,
            UsageColumn::Size => number(usage.logical_bytes),
            UsageColumn::Unique => number(usage.unique_bytes),
            UsageColumn::Images => number(usage.images),
            UsageColumn::Tags => number(usage.tags),
            UsageColumn::Growth => usage.growth_bytes_per_day.unwrap_or(0),
            UsageColumn::Pulled => usage.last_pulled_at.map_or(i64::MIN, Timestamp::millis),
        }
    }
}

/// Why a text is no order of usage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no order {0:?}; there are {known}, each with - before it for the other way round", known = names())]
pub struct UsageOrderError(String);

fn names() -> String {
    UsageColumn::ALL.map(UsageColumn::name).join(", ")
}

impl FromStr for UsageOrder {
    type Err = UsageOrderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        let column = UsageColumn::ALL.into_iter().find(|column| column.name() == name);
        let column = column.ok_or_else(|| UsageOrderError(name.into()))?;
        Ok(UsageOrder { column, is_descending })
    }
}

impl std::fmt::Display for UsageOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.column.name())
    }
}

/// A place in a list of usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePlace {
    /// What the list is sorted by; 0 where that is the name.
    key: i64,
    name: String,
}

impl UsageEntry {
    /// Where it stands in a list of this order.
    pub fn place(&self, order: UsageOrder) -> UsagePlace {
        UsagePlace { key: order.column.key(&self.usage), name: self.name.clone() }
    }
}

/// Adds up what repositories of an account use, whose names begin with `prefix`.
pub fn usage_by(by: UsageBy, repositories: &[RepositoryUsage], prefix: &str, account: AccountId) -> Vec<UsageEntry> {
    match by {
        UsageBy::Repository => {
            let entry = |found: &RepositoryUsage| UsageEntry {
                name: found.name.as_str().into(),
                repository: Some(found.id),
                usage: found.usage,
            };
            repositories.iter().map(entry).collect()
        }
        UsageBy::Account => {
            let usage = Usage::sum(repositories.iter().map(|found| &found.usage));
            vec![UsageEntry { name: account.as_str().into(), repository: None, usage }]
        }
        UsageBy::Prefix => {
            let mut sums: BTreeMap<&str, UsageEntry> = BTreeMap::new();
            for found in repositories {
                let name = found.name.as_str();
                let slash = name.get(prefix.len()..).and_then(|rest| rest.find('/'));
                let (group, repository) = match slash {
                    Some(at) => (&name[..prefix.len() + at + 1], None),
                    None => (name, Some(found.id)),
                };
                let empty = || UsageEntry { name: group.into(), repository, usage: Usage::default() };
                sums.entry(group).or_insert_with(empty).usage.add(&found.usage);
            }
            sums.into_values().collect()
        }
    }
}

/// Returns up to `count` of the entries in an order, those after a place.
pub fn usage_page(
    entries: Vec<UsageEntry>,
    order: UsageOrder,
    after: Option<&UsagePlace>,
    count: usize,
) -> Page<UsageEntry> {
    let after = after.map(|place| (place.key, place.name.as_str()));
    let lines = LineOrder { is_by_name: order.column == UsageColumn::Name, is_descending: order.is_descending };
    page_of(entries, lines, after, count, |entry| (order.column.key(&entry.usage), entry.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(name: &str, logical_bytes: u64, growth: Option<i64>) -> RepositoryUsage {
        let usage = Usage {
            repositories: 1,
            images: 2,
            tags: 1,
            logical_bytes,
            unique_bytes: logical_bytes / 2,
            growth_bytes_per_day: growth,
            last_pulled_at: None,
        };
        RepositoryUsage { id: logical_bytes as i64, name: name.parse().unwrap(), usage }
    }

    fn some() -> Vec<RepositoryUsage> {
        vec![
            repository("base", 40, None),
            repository("team/app", 10, Some(5)),
            repository("team/web/api", 20, Some(-2)),
            repository("team/web/site", 30, None),
        ]
    }

    fn shown(entries: &[UsageEntry]) -> Vec<(&str, u64, Option<i64>)> {
        entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.usage.logical_bytes, entry.usage.growth_bytes_per_day))
            .collect()
    }

    #[test]
    fn prefixes_end_at_the_next_slash() {
        let all = usage_by(UsageBy::Prefix, &some(), "", AccountId::DEFAULT);
        let below = usage_by(UsageBy::Prefix, &some()[1..], "team/", AccountId::DEFAULT);

        assert_eq!(shown(&all), [("base", 40, None), ("team/", 60, Some(3))]);
        assert_eq!(shown(&below), [("team/app", 10, Some(5)), ("team/web/", 50, Some(-2))]);
        assert_eq!(all.iter().map(|entry| entry.repository).collect::<Vec<_>>(), [Some(40), None]);
    }

    #[test]
    fn an_account_is_the_sum_of_its_repositories() {
        let entries = usage_by(UsageBy::Account, &some(), "", AccountId::DEFAULT);

        assert_eq!(shown(&entries), [("000000000000", 100, Some(3))]);
        let usage = entries[0].usage;
        assert_eq!((usage.repositories, usage.images, usage.tags), (4, 8, 4));
        assert_eq!((usage.unique_bytes, usage.shared_bytes()), (50, 50));
    }

    #[test]
    fn an_account_without_repositories_uses_nothing() {
        let entries = usage_by(UsageBy::Account, &[], "", AccountId::DEFAULT);

        assert_eq!(shown(&entries), [("000000000000", 0, None)]);
    }

    #[test]
    fn pages_follow_each_other_in_every_order() {
        let mut found = some();
        found.push(repository("zoo", 40, Some(5)));
        let entries = usage_by(UsageBy::Repository, &found, "", AccountId::DEFAULT);

        for column in UsageColumn::ALL {
            for is_descending in [false, true] {
                let order = UsageOrder { column, is_descending };
                let whole = usage_page(entries.clone(), order, None, 100);
                let (mut pieces, mut after) = (Vec::new(), None);
                loop {
                    let page = usage_page(entries.clone(), order, after.as_ref(), 2);
                    after = page.items.last().map(|last| last.place(order));
                    pieces.extend(page.items);
                    if !page.has_more {
                        break;
                    }
                }
                assert_eq!(pieces, whole.items, "{order}");
                assert_eq!(order.to_string().parse(), Ok(order));
            }
        }
    }

    #[test]
    fn the_largest_come_first_and_what_is_equal_by_name() {
        let mut found = some();
        found.push(repository("also", 40, None));
        let entries = usage_by(UsageBy::Repository, &found, "", AccountId::DEFAULT);

        let page = usage_page(entries, "-size".parse().unwrap(), None, 3);

        let names: Vec<_> = page.items.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((names, page.has_more), (vec!["also", "base", "team/web/site"], true));
    }

    #[test]
    fn an_order_that_is_none_is_told_which_there_are() {
        let refused = "-colour".parse::<UsageOrder>().unwrap_err().to_string();

        assert!(refused.contains("\"colour\"") && refused.contains("name, size, unique"), "{refused}");
    }
}

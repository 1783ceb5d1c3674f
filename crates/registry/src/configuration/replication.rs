use gantry_words::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Rules of a registry (Amazon ECR User Guide, "Private image replication").
const RULES_MAX: usize = 10;
/// Destinations of all rules together.
const DESTINATIONS_MAX: usize = 25;

/// Where images of this registry are copied to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationConfiguration {
    /// The rules.
    pub rules: Vec<ReplicationRule>,
}

/// Which images are copied where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationRule {
    /// Where to.
    pub destinations: Vec<ReplicationDestination>,
    /// Of which repositories; of all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_filters: Option<Vec<ReplicationFilter>>,
    /// Whether deletions are repeated there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_replication: Option<DeleteReplication>,
}

/// Whether deletions are repeated at the destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteReplication {
    /// They are.
    pub enabled: bool,
}

/// Another registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationDestination {
    /// Its region.
    pub region: Region,
    /// Its account.
    pub registry_id: AccountId,
}

/// Repositories by the beginning of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicationFilter {
    /// How their names begin.
    pub filter: String,
    /// `PREFIX_MATCH`.
    pub filter_type: String,
}

/// Why a configuration is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicationError {
    /// More rules than there may be.
    #[error("A replication configuration has at most {RULES_MAX} rules; this one has {count}")]
    Rules {
        /// How many there are.
        count: usize,
    },
    /// More destinations than there may be.
    #[error("A replication configuration names at most {DESTINATIONS_MAX} destinations; this one names {count}")]
    Destinations {
        /// How many there are.
        count: usize,
    },
    /// A rule without destinations.
    #[error("Rule {number} has no destination")]
    Nowhere {
        /// Which, from 1.
        number: usize,
    },
    /// The registry itself.
    #[error("Replication destination cannot be the same as the source registry")]
    Itself,
}

impl ReplicationConfiguration {
    /// Checks it for the registry it is to stand in.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn check(&self, region: &Region, account: AccountId) -> Result<(), ReplicationError> {
        if self.rules.len() > RULES_MAX {
            return Err(ReplicationError::Rules { count: self.rules.len() });
        }
        if let Some(at) = self.rules.iter().position(|rule| rule.destinations.is_empty()) {
            return Err(ReplicationError::Nowhere { number: at + 1 });
        }
        let destinations: BTreeSet<_> = self.rules.iter().flat_map(|rule| &rule.destinations).collect();
        if destinations.len() > DESTINATIONS_MAX {
            return Err(ReplicationError::Destinations { count: destinations.len() });
        }
        match destinations.iter().any(|to| to.region == *region && to.registry_id == account) {
            true => Err(ReplicationError::Itself),
            false => Ok(()),
        }
    }

    /// Returns where images of a repository are copied to, each destination once.
    pub fn destinations(&self, repository: &str) -> BTreeSet<&ReplicationDestination> {
        let is_meant = |rule: &&ReplicationRule| {
            let filters = rule.repository_filters.as_deref();
            filters.is_none_or(|filters| filters.iter().any(|filter| repository.starts_with(&filter.filter)))
        };
        self.rules.iter().filter(is_meant).flat_map(|rule| &rule.destinations).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(region: &str, account: u64) -> ReplicationDestination {
        ReplicationDestination {
            region: region.parse().unwrap(),
            registry_id: format!("{account:012}").parse().unwrap(),
        }
    }

    fn rule(destinations: Vec<ReplicationDestination>, prefixes: &[&str]) -> ReplicationRule {
        let filter =
            |prefix: &&str| ReplicationFilter { filter: prefix.to_string(), filter_type: "PREFIX_MATCH".into() };
        let filters = Some(prefixes.iter().map(filter).collect()).filter(|_| !prefixes.is_empty());
        ReplicationRule { destinations, repository_filters: filters, delete_replication: None }
    }

    fn check(rules: Vec<ReplicationRule>) -> Result<(), ReplicationError> {
        ReplicationConfiguration { rules }.check(&Region::default(), AccountId::DEFAULT)
    }

    #[test]
    fn a_registry_is_not_copied_into_itself() {
        assert_eq!(check(vec![rule(vec![to("us-east-1", 0)], &[])]), Err(ReplicationError::Itself));
        assert_eq!(check(vec![rule(vec![to("us-east-1", 1), to("eu-west-1", 0)], &[])]), Ok(()));
    }

    #[test]
    fn rules_and_destinations_are_counted() {
        let many = |count: u64| (1..=count).map(|number| to("eu-west-1", number)).collect::<Vec<_>>();

        assert_eq!(check(vec![rule(many(1), &[]); 10]), Ok(()));
        assert_eq!(check(vec![rule(many(1), &[]); 11]), Err(ReplicationError::Rules { count: 11 }));
        assert_eq!(check(vec![rule(many(25), &[]), rule(many(25), &["a"])]), Ok(()));
        assert_eq!(check(vec![rule(many(26), &[])]), Err(ReplicationError::Destinations { count: 26 }));
        assert_eq!(check(vec![rule(many(1), &[]), rule(vec![], &[])]), Err(ReplicationError::Nowhere { number: 2 }));
    }

    #[test]
    fn a_repository_is_copied_by_the_rules_its_name_begins_as() {
        let rules = vec![
            rule(vec![to("eu-west-1", 1)], &["prod/", "base"]),
            rule(vec![to("eu-west-2", 1), to("eu-west-1", 1)], &[]),
        ];
        let configuration = ReplicationConfiguration { rules };

        assert_eq!(configuration.destinations("prod/app").len(), 2);
        assert_eq!(configuration.destinations("baseline").len(), 2);
        let only: Vec<_> =
            configuration.destinations("dev/prod/app").into_iter().map(|to| to.region.as_str()).collect();
        assert_eq!(only, ["eu-west-1", "eu-west-2"]);
    }
}

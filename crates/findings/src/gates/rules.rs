use gantry_metadata::{documents, gates::RuleRow};
use gantry_scan::{GateException, GateOverride, GatePolicy, GateScope};
use gantry_words::{AccountId, Timestamp};
use serde::de::DeserializeOwned;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Policies, exceptions and overrides of all accounts at most.
pub(super) const RULES_MAX: usize = 100_000;

/// The rules that hold now. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct HeldRules(Arc<RwLock<Arc<Rules>>>);

impl HeldRules {
    pub(crate) fn now(&self) -> Arc<Rules> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces them, unless somebody else has read younger ones meanwhile.
    pub(super) fn put(&self, rules: Rules) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if rules.number > held.number {
            *held = Arc::new(rules);
        }
    }
}

/// All policies, exceptions and overrides, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Rises with each change.
    pub(super) number: i64,
    accounts: HashMap<AccountId, OfAccount>,
}

#[derive(Clone, Debug, Default)]
struct OfAccount {
    /// The most specific first.
    policies: Vec<KeptPolicy>,
    exceptions: Vec<GateException>,
    overrides: Vec<GateOverride>,
}

/// A policy as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPolicy {
    /// For which repositories.
    pub scope: GateScope,
    /// What it asks.
    pub policy: GatePolicy,
    /// When it was last written.
    pub changed_at: Timestamp,
    /// Who did.
    pub changed_by: String,
}

impl Rules {
    /// Puts the rows together. One that cannot be read, which only another version can have written, is told and left out.
    pub(super) fn read(number: i64, rows: Vec<RuleRow>) -> Rules {
        let mut accounts: HashMap<AccountId, OfAccount> = HashMap::new();
        for row in rows {
            let own = accounts.entry(row.account).or_default();
            let is_read = match row.kind.as_str() {
                documents::GATE_POLICY => policy(&row).map(|policy| own.policies.push(policy)),
                documents::GATE_EXCEPTION => parsed(&row).map(|exception| own.exceptions.push(exception)),
                _ => parsed(&row).map(|open| own.overrides.push(open)),
            };
            if is_read.is_none() {
                tracing::error!("the {} {} cannot be read and does not hold; write it again", row.kind, row.name);
            }
        }
        for own in accounts.values_mut() {
            own.policies.sort_by(|one, other| other.scope.cmp(&one.scope));
        }
        Rules { number, accounts }
    }

    /// Tells whether there is no policy at all.
    pub fn is_empty(&self) -> bool {
        self.accounts.values().all(|own| own.policies.is_empty())
    }

    /// Returns the policy that governs a repository: the most specific of those that mean it.
    pub fn governing(&self, account: AccountId, repository: &str) -> Option<&KeptPolicy> {
        self.policies(account).iter().find(|policy| policy.scope.means(repository))
    }

    /// Returns the override that holds for a repository at a time.
    pub fn open(&self, account: AccountId, repository: &str, now: Timestamp) -> Option<&GateOverride> {
        self.overrides(account).iter().find(|open| open.holds(repository, now))
    }

    /// Returns the policies of an account, the most specific first.
    pub fn policies(&self, account: AccountId) -> &[KeptPolicy] {
        self.accounts.get(&account).map_or(&[], |own| &own.policies)
    }

    /// Returns the exceptions of an account, by their ids; also those that hold no more.
    pub fn exceptions(&self, account: AccountId) -> &[GateException] {
        self.accounts.get(&account).map_or(&[], |own| &own.exceptions)
    }

    /// Returns the overrides of an account, by their ids; also those that hold no more.
    pub fn overrides(&self, account: AccountId) -> &[GateOverride] {
        self.accounts.get(&account).map_or(&[], |own| &own.overrides)
    }
}

fn policy(row: &RuleRow) -> Option<KeptPolicy> {
    let scope = row.name.parse().ok()?;
    let changed_by = row.changed_by.clone();
    parsed(row).map(|policy| KeptPolicy { scope, policy, changed_at: row.changed_at, changed_by })
}

fn parsed<T: DeserializeOwned>(row: &RuleRow) -> Option<T> {
    serde_json::from_str(&row.body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, name: &str, body: &str) -> RuleRow {
        RuleRow {
            account: AccountId::DEFAULT,
            kind: kind.into(),
            name: name.into(),
            body: body.into(),
            changed_at: Timestamp::from_millis(0),
            changed_by: "ann".into(),
        }
    }

    #[test]
    fn the_most_specific_policy_governs_and_what_cannot_be_read_does_not() {
        let policies = ["*", "team/*", "team/app", "broken"].map(|scope| {
            row(documents::GATE_POLICY, scope, if scope == "broken" { "{" } else { r#"{"requiresSbom": true}"# })
        });

        let rules = Rules::read(1, policies.into());

        let governing = |name| rules.governing(AccountId::DEFAULT, name).map(|policy| policy.scope.to_string());
        for (repository, scope) in [("team/app", "team/app"), ("team/web", "team/*"), ("broken", "*"), ("team", "*")] {
            assert_eq!(governing(repository).as_deref(), Some(scope), "{repository}");
        }
        let other: AccountId = "111122223333".parse().unwrap();
        assert!(rules.governing(other, "team/app").is_none());
    }

    #[test]
    fn rules_that_were_read_late_do_not_replace_younger_ones() {
        let held = HeldRules::default();

        held.put(Rules::read(2, vec![]));
        held.put(Rules::read(1, vec![row(documents::GATE_POLICY, "*", r#"{"requiresSbom": true}"#)]));

        assert!(held.now().is_empty());
    }
}

use crate::repositories::Repository;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, RepositoryName};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Series that are counted; what fails in a further repository, or in a further way, is not.
const SERIES_MAX: usize = 10_000;

/// Pushes to repositories that failed, by reason. Only those are counted that reached a repository that exists: so
/// nobody makes series by inventing names.
#[derive(Default)]
pub(crate) struct PushFailures {
    counts: Mutex<HashMap<(AccountId, RepositoryName, FaultKind), u64>>,
}

impl PushFailures {
    /// Counts an outcome that is a failure, and passes it on.
    pub(crate) fn note<T>(
        &self,
        account: AccountId,
        repository: &Repository,
        outcome: Result<T, Fault>,
    ) -> Result<T, Fault> {
        if let Err(fault) = &outcome {
            let series = (account, repository.name.clone(), fault.kind);
            let mut counts = self.counts();
            if counts.len() < SERIES_MAX || counts.contains_key(&series) {
                *counts.entry(series).or_default() += 1;
            }
        }
        outcome
    }

    /// Forgets a repository that was deleted.
    pub(crate) fn forget(&self, account: AccountId, name: &RepositoryName) {
        self.counts().retain(|(of, known, _), _| (of, known) != (&account, name));
    }

    /// Returns what was counted, in no order.
    pub(crate) fn all(&self) -> Vec<(AccountId, RepositoryName, FaultKind, u64)> {
        self.counts().iter().map(|((account, name, kind), count)| (*account, name.clone(), *kind, *count)).collect()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<(AccountId, RepositoryName, FaultKind), u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Timestamp;
    use std::sync::Arc;

    const ACCOUNT: AccountId = AccountId::DEFAULT;

    fn repository(name: &str) -> Repository {
        Repository {
            id: 1,
            name: name.parse().unwrap(),
            created_at: Timestamp::default(),
            created_by: "root".into(),
            image_count: 0,
            tag_count: 0,
            blob_bytes: 0,
            is_limited: false,
            rules: Arc::default(),
        }
    }

    fn failed(kind: FaultKind) -> Result<(), Fault> {
        Err(Fault::new(kind, "no"))
    }

    #[test]
    fn failures_are_counted_by_repository_and_reason() {
        let (failures, app) = (PushFailures::default(), repository("team/app"));

        for _ in 0..2 {
            failures.note(ACCOUNT, &app, failed(FaultKind::DigestInvalid)).unwrap_err();
        }
        failures.note(ACCOUNT, &app, Ok(())).unwrap();

        assert_eq!(failures.all(), [(ACCOUNT, app.name, FaultKind::DigestInvalid, 2)]);
    }

    #[test]
    fn series_beyond_the_bound_are_not_begun_and_those_there_go_on() {
        let failures = PushFailures::default();
        for number in 0..SERIES_MAX {
            failures.note(ACCOUNT, &repository(&format!("r{number}")), failed(FaultKind::DigestInvalid)).unwrap_err();
        }

        for name in ["r7", "one-more"] {
            failures.note(ACCOUNT, &repository(name), failed(FaultKind::DigestInvalid)).unwrap_err();
        }

        let all = failures.all();
        assert_eq!(all.len(), SERIES_MAX);
        assert!(all.iter().all(|(_, name, _, count)| *count == if name.as_str() == "r7" { 2 } else { 1 }));
    }

    #[test]
    fn a_deleted_repository_is_forgotten_and_one_of_its_name_in_another_account_is_not() {
        let (failures, other) = (PushFailures::default(), "111122223333".parse().unwrap());
        failures.note(other, &repository("team/app"), failed(FaultKind::DigestInvalid)).unwrap_err();
        for name in ["team/app", "team/other"] {
            failures.note(ACCOUNT, &repository(name), failed(FaultKind::DigestInvalid)).unwrap_err();
        }

        failures.forget(ACCOUNT, &"team/app".parse().unwrap());

        let mut left: Vec<_> =
            failures.all().into_iter().map(|(account, name, ..)| (account, name.to_string())).collect();
        left.sort();
        assert_eq!(left, [(ACCOUNT, "team/other".to_string()), (other, "team/app".to_string())]);
    }
}

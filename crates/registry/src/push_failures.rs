use crate::repositories::Repository;
use gantry_fault::{Fault, FaultKind};
use gantry_words::RepositoryName;
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
    counts: Mutex<HashMap<(RepositoryName, FaultKind), u64>>,
}

impl PushFailures {
    /// Counts an outcome that is a failure, and passes it on.
    pub(crate) fn note<T>(&self, repository: &Repository, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &outcome {
            let series = (repository.name.clone(), fault.kind);
            let mut counts = self.counts();
            if counts.len() < SERIES_MAX || counts.contains_key(&series) {
                *counts.entry(series).or_default() += 1;
            }
        }
        outcome
    }

    /// Forgets a repository that was deleted.
    pub(crate) fn forget(&self, name: &RepositoryName) {
        self.counts().retain(|(known, _), _| known != name);
    }

    /// Returns what was counted, in no order.
    pub(crate) fn all(&self) -> Vec<(RepositoryName, FaultKind, u64)> {
        self.counts().iter().map(|((name, kind), count)| (name.clone(), *kind, *count)).collect()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<(RepositoryName, FaultKind), u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Timestamp;
    use std::sync::Arc;

    fn repository(name: &str) -> Repository {
        Repository {
            id: 1,
            name: name.parse().unwrap(),
            created_at: Timestamp::default(),
            created_by: "root".into(),
            image_count: 0,
            tag_count: 0,
            blob_bytes: 0,
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
            failures.note(&app, failed(FaultKind::DigestInvalid)).unwrap_err();
        }
        failures.note(&app, Ok(())).unwrap();

        assert_eq!(failures.all(), [(app.name, FaultKind::DigestInvalid, 2)]);
    }

    #[test]
    fn series_beyond_the_bound_are_not_begun_and_those_there_go_on() {
        let failures = PushFailures::default();
        for number in 0..SERIES_MAX {
            failures.note(&repository(&format!("r{number}")), failed(FaultKind::DigestInvalid)).unwrap_err();
        }

        for name in ["r7", "one-more"] {
            failures.note(&repository(name), failed(FaultKind::DigestInvalid)).unwrap_err();
        }

        let all = failures.all();
        assert_eq!(all.len(), SERIES_MAX);
        assert!(all.iter().all(|(name, _, count)| *count == if name.as_str() == "r7" { 2 } else { 1 }));
    }

    #[test]
    fn a_deleted_repository_is_forgotten() {
        let failures = PushFailures::default();
        for name in ["team/app", "team/other"] {
            failures.note(&repository(name), failed(FaultKind::DigestInvalid)).unwrap_err();
        }

        failures.forget(&"team/app".parse().unwrap());

        let names: Vec<_> = failures.all().into_iter().map(|(name, ..)| name.to_string()).collect();
        assert_eq!(names, ["team/other"]);
    }
}

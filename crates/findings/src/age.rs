use crate::update::UpdateState;
use gantry_scan::Knowledge;
use gantry_words::Timestamp;
use std::time::Duration;

/// How old the advisories of a source are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAge {
    /// Whose: `Debian:12`, `KEV`.
    pub source: String,
    /// Its ecosystem: `Debian`.
    pub ecosystem: String,
    /// How many there are.
    pub advisories: u32,
    /// When the newest of them changed, RFC 3339.
    pub updated_at: Option<String>,
    /// When it was last asked whether there is something new.
    pub checked_at: Option<Timestamp>,
    /// For how long nothing has been heard of it: the later of both counts. `None` where nobody says.
    pub age: Option<Duration>,
}

/// Returns how old what is known is at a moment, by source. A feed that never changes is fresh while its place is asked.
pub fn ages(knowledge: &Knowledge, state: &UpdateState, now: Timestamp) -> Vec<SourceAge> {
    let checked = state.checked();
    let age = |(source, info): (&gantry_scan::KnowledgeSource, &gantry_scan::SourceInfo)| {
        let updated: Option<Timestamp> = info.read_at.parse().ok();
        let checked_at = checked.get(source.ecosystem()).copied();
        SourceAge {
            source: source.to_string(),
            ecosystem: source.ecosystem().to_owned(),
            advisories: info.advisories,
            updated_at: Some(info.read_at.clone()).filter(|time| !time.is_empty()),
            checked_at,
            age: updated.max(checked_at).map(|at| now.since(at)),
        }
    };
    knowledge.sources().iter().map(age).collect()
}

impl SourceAge {
    /// Whether it is older than `stale_after`, or of an unknown day.
    pub fn is_stale(&self, stale_after: Duration) -> bool {
        self.age.is_none_or(|age| age > stale_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::SourceState;
    use gantry_scan::{Advisory, Affected, KnowledgeSource};

    fn advisory(ecosystem: &str, modified: Option<&str>) -> Advisory {
        Advisory {
            id: format!("A-{ecosystem}"),
            modified: modified.map(str::to_owned),
            affected: vec![Affected::new(KnowledgeSource::new(ecosystem, ""), "left-pad")],
            ..Advisory::default()
        }
    }

    #[test]
    fn advisories_are_as_old_as_the_last_word_about_them() {
        let all = [
            advisory("npm", Some("2026-11-20T00:00:00Z")),
            advisory("PyPI", Some("2026-01-01T00:00:00Z")),
            advisory("Go", None),
        ];
        let knowledge = Knowledge::read(Knowledge::build(all, &[]).unwrap()).unwrap();
        let checked = SourceState {
            checked_at: Some("2026-11-25T00:00:00Z".into()),
            ecosystems: ["PyPI".to_owned()].into(),
            ..SourceState::default()
        };
        let state = UpdateState { sources: [("osv=…".to_owned(), checked)].into(), ..UpdateState::default() };

        let ages = ages(&knowledge, &state, "2026-11-26T00:00:00Z".parse().unwrap());

        let days: Vec<_> = ages.iter().map(|one| (&*one.source, one.age.map(|age| age.as_secs() / 86_400))).collect();
        assert_eq!(days, [("Go", None), ("PyPI", Some(1)), ("npm", Some(6))]);
        let stale: Vec<_> = ages.iter().map(|one| one.is_stale(Duration::from_secs(5 * 86_400))).collect();
        assert_eq!(stale, [true, false, true]);
    }
}

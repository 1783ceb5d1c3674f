//! Which version has which stage: each stage is at one version at most.

use super::KeptVersion;

/// The stage of the value that is read where nobody says which.
pub const CURRENT: &str = "AWSCURRENT";
/// The stage of the value that was current before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The stage of a value that is to become current.
pub const PENDING: &str = "AWSPENDING";

/// How many versions are kept of those that have no stage; older ones go.
pub(super) const STAGELESS_MAX: usize = 99;

/// Gives a stage to the version of an id. What was current before becomes what was before.
pub(super) fn give(versions: &mut [KeptVersion], stage: &str, id: &str) {
    let before = take(versions, stage).filter(|before| before != id);
    if let Some(version) = versions.iter_mut().find(|version| version.id == id) {
        version.stages.push(stage.into());
    }
    if let Some(before) = before.filter(|_| stage == CURRENT) {
        give(versions, PREVIOUS, &before);
    }
    // It is no longer what was before.
    if stage == CURRENT {
        versions.iter_mut().filter(|version| version.id == id).for_each(|version| {
            version.stages.retain(|held| held != PREVIOUS);
        });
    }
}

/// Takes a stage from whichever version has it; returns that version's id.
pub(super) fn take(versions: &mut [KeptVersion], stage: &str) -> Option<String> {
    let version = versions.iter_mut().find(|version| version.stages.iter().any(|held| held == stage))?;
    version.stages.retain(|held| held != stage);
    Some(version.id.clone())
}

/// Returns the version that has a stage.
pub(super) fn holder<'a>(versions: &'a [KeptVersion], stage: &str) -> Option<&'a KeptVersion> {
    versions.iter().find(|version| version.stages.iter().any(|held| held == stage))
}

/// Returns the ids of versions without stages that are too many, the oldest; `versions` come the oldest first.
pub(super) fn superfluous(versions: &[KeptVersion]) -> Vec<String> {
    let stageless: Vec<_> = versions.iter().filter(|version| version.stages.is_empty()).collect();
    let count = stageless.len().saturating_sub(STAGELESS_MAX);
    stageless.into_iter().take(count).map(|version| version.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Timestamp;

    fn versions(ids: &[&str]) -> Vec<KeptVersion> {
        let version = |id: &&str| KeptVersion {
            id: (*id).into(),
            stages: vec![],
            key_arn: String::new(),
            created_at: Timestamp::default(),
        };
        ids.iter().map(version).collect()
    }

    fn at(versions: &[KeptVersion]) -> Vec<String> {
        versions.iter().map(|version| format!("{}: {}", version.id, version.stages.join(" "))).collect()
    }

    #[test]
    fn what_was_current_becomes_what_was_before() {
        let mut kept = versions(&["a", "b", "c"]);

        for id in ["a", "b", "c"] {
            give(&mut kept, CURRENT, id);
        }

        assert_eq!(at(&kept), ["a: ", "b: AWSPREVIOUS", "c: AWSCURRENT"]);
        give(&mut kept, CURRENT, "b");
        assert_eq!(at(&kept), ["a: ", "b: AWSCURRENT", "c: AWSPREVIOUS"]);
        give(&mut kept, CURRENT, "b");
        assert_eq!(at(&kept), ["a: ", "b: AWSCURRENT", "c: AWSPREVIOUS"]);
    }

    #[test]
    fn a_stage_of_ones_own_moves_alone() {
        let mut kept = versions(&["a", "b"]);
        give(&mut kept, CURRENT, "a");
        give(&mut kept, "tested", "a");

        give(&mut kept, "tested", "b");

        assert_eq!(at(&kept), ["a: AWSCURRENT", "b: tested"]);
        assert_eq!(holder(&kept, "tested").unwrap().id, "b");
    }

    #[test]
    fn only_what_has_no_stage_goes_in_the_end() {
        let ids: Vec<_> = (0..105).map(|number| format!("{number:03}")).collect();
        let mut kept = versions(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        give(&mut kept, CURRENT, "000");

        assert_eq!(superfluous(&kept), ["001", "002", "003", "004", "005"]);
    }
}

use gantry_scan::Knowledge;
use gantry_words::Timestamp;
use std::collections::BTreeMap;

/// From how many advisories on it is odd that half of them are gone.
const MANY: u64 = 1_000;

/// Why a feed does not take the place of what is there, though it can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Regress {
    /// It is older.
    #[error("{source_name}: its newest record is of {new}, that of what is there of {old}: it is older")]
    Older {
        /// Whose advisories.
        source_name: String,
        /// How new the newest record is.
        new: String,
        /// How new that is which is there.
        old: String,
    },
    /// More than half is gone.
    #[error("{source_name}: it has {new} records, what is there has {old}: it looks cut off")]
    CutOff {
        /// Whose advisories.
        source_name: String,
        /// How many there are.
        new: u64,
        /// How many there were.
        old: u64,
    },
}

/// How many records there are, and of when the newest is (RFC 3339; empty where nobody says).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) records: u64,
    pub(crate) newest: String,
}

/// Says why `new` is not to take the place of `old`, if so.
pub(crate) fn compare(name: &str, new: &Extent, old: &Extent) -> Result<(), Regress> {
    let source_name = || name.to_owned();
    let times = (new.newest.parse::<Timestamp>(), old.newest.parse::<Timestamp>());
    if let (Ok(at), Ok(old_at)) = times
        && at < old_at
    {
        return Err(Regress::Older { source_name: source_name(), new: new.newest.clone(), old: old.newest.clone() });
    }
    if old.records >= MANY && new.records < old.records / 2 {
        return Err(Regress::CutOff { source_name: source_name(), new: new.records, old: old.records });
    }
    Ok(())
}

/// Says why a file is not to take the place of another, if so: an ecosystem in it is older, or for the most part gone. One that
/// is not in it at all is no reason: whoever brings the file decides what is in it.
///
/// # Errors
/// [`Regress`].
pub fn compare_generations(new: &Knowledge, old: &Knowledge) -> Result<(), Regress> {
    let (new, old) = (extents(new), extents(old));
    new.iter()
        .filter_map(|(name, extent)| Some((name, extent, old.get(name)?)))
        .try_for_each(|(name, extent, old)| compare(name, extent, old))
}

/// By ecosystem: releases come and go.
fn extents(knowledge: &Knowledge) -> BTreeMap<String, Extent> {
    let mut extents = BTreeMap::<String, Extent>::new();
    for (source, info) in knowledge.sources() {
        let extent = extents.entry(source.ecosystem().to_owned()).or_default();
        extent.records += u64::from(info.advisories);
        if info.read_at > extent.newest {
            extent.newest.clone_from(&info.read_at);
        }
    }
    extents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(records: u64, newest: &str) -> Extent {
        Extent { records, newest: newest.into() }
    }

    #[test]
    fn what_is_older_or_half_gone_takes_no_place() {
        let old = extent(2_000, "2026-11-20T00:00:00Z");

        let told = |new: Extent| compare("npm", &new, &old).map_err(|regress| regress.to_string());

        assert_eq!(told(extent(2_001, "2026-11-21T00:00:00.5Z")), Ok(()));
        assert_eq!(told(extent(1_000, "2026-11-20T00:00:00Z")), Ok(()));
        assert_eq!(told(extent(1_000, "")), Ok(()), "who says no time is not older");
        let older = told(extent(3_000, "2026-11-19T23:59:59Z")).unwrap_err();
        assert!(older.contains("npm") && older.contains("older"), "{older}");
        let cut = told(extent(999, "2026-11-21T00:00:00Z")).unwrap_err();
        assert!(cut.contains("999") && cut.contains("2000") && cut.contains("cut off"), "{cut}");
    }

    #[test]
    fn of_few_records_half_may_go() {
        assert_eq!(compare("npm", &extent(1, ""), &extent(999, "")), Ok(()));
    }
}

//! What errata of the rpm family have in common: builds that mend flaws.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Affected, KnowledgeSource, Range, Until};

/// A binary package that an errata brings.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Build {
    pub(super) name: String,
    pub(super) epoch: String,
    pub(super) version: String,
    pub(super) release: String,
    pub(super) architecture: String,
    /// The streams that it may be of: `nodejs:18`; none where it is not modular, or nobody says.
    pub(super) module_streams: Vec<String>,
}

impl Build {
    /// Returns `epoch:version-release`; an epoch of 0 is none.
    fn evr(&self) -> String {
        match self.epoch.as_str() {
            "" | "0" | "None" => format!("{}-{}", self.version, self.release),
            epoch => format!("{epoch}:{}-{}", self.version, self.release),
        }
    }

    /// Sources are not installed, debugging symbols hold no code.
    fn can_be_affected(&self) -> bool {
        let is_symbols = ["-debuginfo", "-debugsource"].iter().any(|end| self.name.ends_with(end));
        !is_symbols && !matches!(self.architecture.as_str(), "src" | "nosrc")
    }

    /// A modular build whose stream is not said cannot be compared: another stream's number may be higher and not mended.
    fn is_undecidable(&self) -> bool {
        self.module_streams.is_empty() && self.release.contains(".module")
    }
}

/// Returns what older versions of the builds' packages are: affected.
///
/// Architectures are said only where they have different versions: the repositories of one architecture tell of the others
/// too.
pub(super) fn affected(source: &KnowledgeSource, builds: impl IntoIterator<Item = Build>) -> Vec<Affected> {
    let mut packages = BTreeMap::<(String, Vec<String>), BTreeMap<String, BTreeSet<String>>>::new();
    for build in builds {
        if build.can_be_affected() && !build.is_undecidable() {
            let evr = build.evr();
            let versions = packages.entry((build.name, build.module_streams)).or_default();
            versions.entry(evr).or_default().insert(build.architecture);
        }
    }
    let mut all = Vec::new();
    for ((name, module_streams), versions) in packages {
        let differ = versions.len() > 1;
        for (evr, architectures) in versions {
            let mut one = Affected::new(source.clone(), name.clone());
            one.ranges.push(Range { from: None, until: Until::Fixed(evr) });
            one.module_streams.clone_from(&module_streams);
            if differ {
                one.architectures = architectures.into_iter().collect();
            }
            all.push(one);
        }
    }
    all
}

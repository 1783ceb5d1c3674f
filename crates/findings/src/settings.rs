use crate::source::{AdvisorySource, Place, SourceKind};
use gantry_words::Period;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::PathBuf};

const INTERVAL_MIN: Period = Period::minutes(1);
/// Sources at most: each has a file and a line in the status.
const SOURCES_MAX: usize = 1_000;

/// Advisories: where they come from, and when they are too old.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdvisorySettings {
    /// Where advisories come from, each as `KIND=PLACE`. The place is a URL or the path of a file, or for `trivy-db` also
    /// `oci://HOST/REPOSITORY:TAG` (`oci+http://` without TLS), an artifact in a registry; the kind `osv`,
    /// `secdb:Alpine`, `debian-tracker`, `csaf`, `updateinfo:Rocky Linux:9`, `almalinux-errata:9`, `trivy-db`, `kev` or `epss`;
    /// `folder` is a folder of all of these, `gantry` another Gantry or the file that it exported, and then the only source.
    #[schemars(with = "Vec<String>")]
    pub sources: Vec<AdvisorySource>,
    /// How often a server asks its sources for news, at least 1m. Nothing that has not changed is fetched again.
    #[schemars(with = "String")]
    pub interval: Period,
    /// From which age on advisories are called stale, by `gantry advisories status` and in the log.
    #[schemars(with = "String")]
    pub stale_after: Period,
    /// A file with `USER:PASSWORD` for another Gantry or the registry that is a source; a personal token is a password. The user
    /// there needs `gantry:GetAdvisories`, or may pull from the repository.
    pub credentials_file: Option<PathBuf>,
}

impl Default for AdvisorySettings {
    fn default() -> Self {
        AdvisorySettings {
            sources: Vec::new(),
            interval: Period::hours(6),
            stale_after: Period::hours(7 * 24),
            credentials_file: None,
        }
    }
}

impl AdvisorySettings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.interval < INTERVAL_MIN {
            wrong.push("interval is less than 1m; 6h is usual: feeds change a few times a day".into());
        }
        let is_gantry = |source: &AdvisorySource| source.kind == SourceKind::Gantry;
        if self.sources.len() > 1 && self.sources.iter().any(is_gantry) {
            wrong.push("sources has another Gantry beside others; what it gives is whole, so name it alone".into());
        }
        let host = |source: &AdvisorySource| match &source.place {
            Place::Artifact(artifact) => Some(artifact.host.clone()),
            Place::Url(_) | Place::Path(_) => None,
        };
        let registries: BTreeSet<String> = self.sources.iter().filter_map(host).collect();
        if self.credentials_file.is_some() && registries.len() > 1 {
            wrong.push(
                "credentials_file would be told to several registries; name only the one that they are for".into(),
            );
        }
        if self.sources.len() > SOURCES_MAX {
            wrong.push(format!("sources has more than {SOURCES_MAX} of them; put files into a folder, and name that"));
        }
        let mut names: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            wrong.push(format!("sources has {:?} twice; name it once", twice[0]));
        }
        wrong
    }
}

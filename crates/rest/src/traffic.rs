//! How often images were pulled and pushed, as the management API shows it.

use gantry_registry::TrafficEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often something was pulled and pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Traffic")]
pub struct TrafficDocument {
    /// The name of a repository, an image as `<repository>@<digest>`, a principal, a network or a day; empty where it is not known,
    /// such as the network of what came through a Unix socket.
    pub name: String,
    /// Pulls of manifests, but for those of principals whose pulls do not count (ECR's pull time exclusions), such as scanners.
    pub pulls: u64,
    /// The pulls of those principals.
    pub uncounted_pulls: u64,
    /// Pushes of manifests, those that changed nothing included.
    pub pushes: u64,
    /// When it was last pulled or pushed, RFC 3339; missing where it was not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub last_at: Option<String>,
}

impl TrafficDocument {
    /// All of them together.
    pub(crate) fn sum(name: String, entries: &[TrafficEntry]) -> Self {
        let mut sum = TrafficEntry { name, count: Default::default() };
        entries.iter().for_each(|entry| sum.count.add(entry.count));
        sum.into()
    }
}

impl From<TrafficEntry> for TrafficDocument {
    fn from(entry: TrafficEntry) -> Self {
        TrafficDocument {
            name: entry.name,
            pulls: entry.count.pulls,
            uncounted_pulls: entry.count.uncounted_pulls,
            pushes: entry.count.pushes,
            last_at: entry.count.last_at.map(|at| at.to_string()),
        }
    }
}

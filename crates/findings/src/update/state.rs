use crate::advisories::write;
use gantry_words::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// Bytes of the state at most: a thousand sources with a thousand ecosystems each are far less.
const STATE_BYTES_MAX: u64 = 64 << 20;

/// What is known of the sources, beside the advisories themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateState {
    /// By the source as the settings name it.
    pub sources: BTreeMap<String, SourceState>,
    /// The sources that the file which holds now was made of.
    pub compiled: BTreeSet<String>,
}

/// What is known of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceState {
    /// What the server calls the content that is here.
    pub etag: Option<String>,
    /// When it changed there, in the server's words.
    pub last_modified: Option<String>,
    /// When the source last answered, with something new or not, RFC 3339.
    pub checked_at: Option<String>,
    /// When the content that is here came.
    pub fetched_at: Option<String>,
    /// How many records it has.
    pub records: u64,
    /// When the newest of them changed, RFC 3339; empty where nobody says.
    pub newest: String,
    /// The ecosystems that it speaks of; `KEV` and `EPSS`, too.
    pub ecosystems: BTreeSet<String>,
    /// Why it could not be taken when it was last asked.
    pub failure: Option<String>,
}

impl UpdateState {
    /// Reads the state; one that is not there, or cannot be read, is empty: then everything is fetched again.
    pub(crate) fn read(path: &Path) -> UpdateState {
        let is_short = fs::metadata(path).is_ok_and(|found| found.len() <= STATE_BYTES_MAX);
        let bytes = is_short.then(|| fs::read(path).ok()).flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        write(path.parent().unwrap_or(Path::new(".")), path, &bytes)
    }

    /// When somebody last said what holds of an ecosystem, for those that came from sources.
    pub fn checked(&self) -> BTreeMap<&str, Timestamp> {
        let mut checked = BTreeMap::<&str, Timestamp>::new();
        for state in self.sources.values() {
            let Some(at) = state.checked_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok()) else { continue };
            for ecosystem in &state.ecosystems {
                let known = checked.entry(ecosystem).or_insert(at);
                *known = at.max(*known);
            }
        }
        checked
    }
}

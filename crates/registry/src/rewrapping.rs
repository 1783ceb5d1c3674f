use crate::{collection::TakeLease, ports::Ports};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Trail, Tx, blobs, site_settings};
use gantry_words::{Cx, Timestamp};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// Data keys wrapped anew in one act.
const BATCH: usize = 200;
/// For how long a replica that does so keeps the others from it, unless it goes on.
const LEASE: Duration = Duration::from_secs(60);

/// The room that follows the rotation of keys: it wraps the data keys of blobs under the newest version. The blobs stay as they
/// are, and can be read throughout: what was wrapped before is unwrapped with the version it names.
///
/// Where it stands lies in the database, for each key: it goes on there after a restart, and on another replica.
#[derive(Clone)]
pub struct Rewrapping {
    ports: Arc<Ports>,
}

/// What is remembered of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Progress {
    /// Under which versions data keys are wrapped up to the copy of this number.
    version: String,
    after: i64,
    is_done: bool,
}

impl Progress {
    /// Where a round begins; `None` where there is nothing to do: a key that was never rotated has one version only.
    fn goes_on(self, version: String) -> Option<Progress> {
        let is_first = version.split('.').all(|version| version == "1");
        match self.version == version {
            true => Some(self).filter(|progress| !progress.is_done),
            false => Some(Progress { version, after: 0, is_done: false }).filter(|_| !is_first),
        }
    }
}

impl Rewrapping {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Rewrapping { ports }
    }

    /// Wraps the data keys anew of all keys that were rotated, if no other replica does so just now. Says how many it wrapped.
    ///
    /// # Errors
    /// The metadata cannot be read or written. Keys that are off are left for when they are enabled again.
    pub async fn round(&self, cx: &Cx, holder: &str) -> Result<u64, Fault> {
        let (mut wrapped, mut after) = (0, String::new());
        loop {
            let from = after.clone();
            let next = self.ports.metadata.read(move |rows| blobs::next_domain(rows, &from)).await?;
            let Some(domain) = next else { return Ok(wrapped) };
            match self.follow(cx, holder, &domain).await {
                Ok(count) => wrapped += count,
                Err(fault) if fault.kind == FaultKind::RepositoryKeyUnavailable => {}
                Err(fault) => return Err(fault),
            }
            after = domain;
        }
    }

    async fn follow(&self, cx: &Cx, holder: &str, domain: &str) -> Result<u64, Fault> {
        let (version, name) = (self.ports.key_version(cx, domain).await?, setting(domain));
        let stored = self.ports.metadata.read(move |rows| site_settings::find(rows, &name)).await?;
        let stored = stored.and_then(|text| serde_json::from_str::<Progress>(&text).ok()).unwrap_or_default();
        let Some(mut progress) = stored.goes_on(version) else { return Ok(0) };
        let mut wrapped = 0;
        while !progress.is_done && self.lease(cx, holder).await? {
            let (wanted, after) = (domain.to_string(), progress.after);
            let rows = self.ports.metadata.read(move |rows| blobs::wrapped(rows, &wanted, after, BATCH)).await?;
            progress.is_done = rows.len() < BATCH;
            progress.after = rows.last().map_or(after, |row| row.copy);
            let mut fresh = Vec::new();
            for row in rows {
                match self.ports.rewrap(cx, domain, &row.digest, &row.data_key).await {
                    Ok(to) => fresh.push((row.copy, row.data_key, to)),
                    // Damage is for fsck to tell of; the others go on.
                    Err(fault) if fault.kind == FaultKind::Internal => {
                        tracing::error!(error = ?fault, blob.digest = row.digest, "the data key of {} cannot be wrapped anew; run: gantry fsck", row.digest);
                    }
                    Err(fault) => return Err(fault),
                }
            }
            wrapped += fresh.len() as u64;
            let act = Rewrap { domain: domain.into(), fresh, progress: progress.clone() };
            self.ports.metadata.perform(cx, act).await?;
        }
        if let (Some(caches), true) = (&self.ports.caches, wrapped > 0) {
            caches.links.clear();
        }
        Ok(wrapped)
    }

    async fn lease(&self, cx: &Cx, holder: &str) -> Result<bool, Fault> {
        // Alone with the database, a lease is one of a process that has died.
        if self.ports.metadata.owns_alone() {
            return Ok(true);
        }
        let until = self.ports.env.now().plus(LEASE);
        self.ports.metadata.perform(cx, TakeLease { name: "rewrap", holder: holder.into(), until }).await
    }
}

fn setting(domain: &str) -> String {
    format!("rewrapped {domain}")
}

/// The act that puts data keys in new wrappings, where they are still in the old ones, and notes how far it has come.
pub(crate) struct Rewrap {
    pub(crate) domain: String,
    /// The copy, what it was and what it is to be.
    pub(crate) fresh: Vec<(i64, Vec<u8>, Vec<u8>)>,
    pub(crate) progress: Progress,
}

impl Act for Rewrap {
    type Seen = ();
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "registry.rewrap_data_keys";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock(&setting(&self.domain))
    }

    fn decide(&self, (): (), now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(now)
    }

    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        for (copy, from, to) in &self.fresh {
            blobs::rewrap(tx, *copy, from, to)?;
        }
        let progress = serde_json::to_string(&self.progress).expect("texts and numbers become JSON");
        site_settings::put(tx, &setting(&self.domain), &progress, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(version: &str, after: i64, is_done: bool) -> Progress {
        Progress { version: version.into(), after, is_done }
    }

    #[test]
    fn it_goes_on_where_it_stood_and_begins_anew_after_each_rotation() {
        for (stored, version, expected) in [
            (Progress::default(), "1", None),
            (Progress::default(), "1.1", None),
            (Progress::default(), "2", Some(progress("2", 0, false))),
            (progress("2", 7, false), "2", Some(progress("2", 7, false))),
            (progress("2", 7, true), "2", None),
            (progress("2", 7, true), "3", Some(progress("3", 0, false))),
            (progress("2.1", 7, false), "2.2", Some(progress("2.2", 0, false))),
        ] {
            assert_eq!(stored.clone().goes_on(version.into()), expected, "{stored:?} {version}");
        }
    }
}

use crate::lifecycle::schedule::Past;
use gantry_fault::Fault;
use gantry_lifecycle::Action;
use gantry_metadata::{
    Act, Event, Reader, Tx, lifecycle as lifecycle_rows, lifecycle::RunRow, repositories as repository_rows,
};
use gantry_words::{RepositoryName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a run of a repository's lifecycle policy came to, or would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleRun {
    /// When it began: the moment on which it decided.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Who had it run: the ARN of somebody, or `gantry:lifecycle` for the schedule.
    pub by: String,
    /// How it ended.
    pub outcome: LifecycleOutcome,
    /// Why it did not complete, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Images that were looked at.
    pub images: u64,
    /// Images that expired.
    pub expired: u64,
    /// What those hold, in bytes. Layers that they share with others are not freed.
    pub expired_bytes: u64,
    /// Images that stay since something about them, or before them in a count, changed after the decision.
    pub changed: u64,
    /// Images that stay since they cannot be removed; the log says why.
    pub refused: u64,
    /// Images that stay since they are held, in use, or have a protected tag.
    pub protected: u64,
    /// Images that went to the archive.
    #[serde(default)]
    pub archived: u64,
    /// What those hold, in bytes. Layers that they share with others stay where they are.
    #[serde(default)]
    pub archived_bytes: u64,
    /// What the author of the policy may not have meant, a sentence each.
    pub warnings: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LifecycleOutcome {
    /// It did what it could.
    Completed,
    /// It did nothing: the settings of today do not allow the policy.
    Skipped,
    /// It ended early, since the policy was changed meanwhile.
    Interrupted,
    /// It could not go on.
    Failed,
}

impl LifecycleOutcome {
    /// Its word, as the API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            LifecycleOutcome::Completed => "completed",
            LifecycleOutcome::Skipped => "skipped",
            LifecycleOutcome::Interrupted => "interrupted",
            LifecycleOutcome::Failed => "failed",
        }
    }
}

/// An image on which a policy acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleImage {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it holds, in bytes.
    pub bytes: u64,
    /// The priority of the rule.
    pub rule: u32,
    /// What the rule does.
    pub action: Action,
}

impl LifecycleRun {
    /// A run that has done nothing yet.
    pub(crate) fn begin(at: Timestamp, by: &str) -> LifecycleRun {
        LifecycleRun {
            began_at: at,
            ended_at: at,
            by: by.into(),
            outcome: LifecycleOutcome::Completed,
            reason: None,
            images: 0,
            expired: 0,
            expired_bytes: 0,
            changed: 0,
            refused: 0,
            protected: 0,
            archived: 0,
            archived_bytes: 0,
            warnings: vec![],
        }
    }

    pub(crate) fn stop(&mut self, outcome: LifecycleOutcome, reason: impl Into<String>) {
        self.outcome = outcome;
        self.reason = Some(reason.into());
    }

    /// Reads what [`RecordRun`] wrote; `None` where another version did.
    pub(crate) fn read(row: &RunRow) -> Option<LifecycleRun> {
        serde_json::from_str(&row.body).ok()
    }
}

/// What the schedule asks of a run that was written down.
pub(crate) fn past(row: &RunRow) -> Past {
    let did_fail = LifecycleRun::read(row).is_some_and(|run| run.outcome == LifecycleOutcome::Failed);
    Past { began_at: row.began_at, did_fail }
}

/// The act that writes a run down, with its event. Where the repository is gone it does nothing.
pub(crate) struct RecordRun {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) run: LifecycleRun,
}

impl Act for RecordRun {
    type Seen = bool;
    type Plan = bool;
    type Answer = ();
    const NAME: &'static str = "registry.record_lifecycle_run";

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        Ok(repository_rows::losses(rows, self.repository)?.is_some())
    }

    fn decide(&self, is_there: bool, _: Timestamp) -> Result<bool, Fault> {
        Ok(is_there)
    }

    fn apply(&self, tx: &mut Tx, is_there: bool) -> Result<(), Fault> {
        if !is_there {
            return Ok(());
        }
        let body = serde_json::to_string(&self.run).map_err(Fault::internal)?;
        lifecycle_rows::put(tx, self.repository, &RunRow { began_at: self.run.began_at, body })?;
        let body = json!({"repository": self.name, "run": self.run});
        tx.event(Event { kind: "lifecycle.ran", repository: Some(self.repository), body })
    }
}

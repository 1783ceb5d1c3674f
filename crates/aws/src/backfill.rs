//! Replication backfills as ECR names and shows them.

use crate::model::{
    ReplicationBackfillProgress, ReplicationBackfillStatus, ReplicationBackfillSummary, ReplicationDestination,
};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::{Document, DocumentKind, Documents, ReplicationDestination as Destination, read_document};
use gantry_words::{AccountId, Cx};

/// Why every backfill has failed, for now.
pub(crate) const FAILURE: &str = "ReplicationNotAvailable";

/// Loads a backfill by its id.
///
/// # Errors
/// [`FaultKind::BackfillNotFound`].
pub(crate) async fn load(documents: &Documents, cx: &Cx, id: &str) -> Result<Document, Fault> {
    let found = documents.find(cx, None, DocumentKind::ReplicationBackfill, &id.to_lowercase()).await?;
    found.ok_or_else(|| not_found(id, cx.account))
}

/// Where a backfill copies to.
///
/// # Errors
/// It cannot be read: our own failure.
pub(crate) fn destination(document: &Document) -> Result<ReplicationDestination, Fault> {
    let Destination { region, registry_id } = read_document(&document.body)?;
    Ok(ReplicationDestination { region: region.to_string(), registry_id })
}

/// Shows a backfill in a list.
///
/// # Errors
/// It cannot be read: our own failure.
pub(crate) fn show(document: &Document) -> Result<ReplicationBackfillSummary, Fault> {
    Ok(ReplicationBackfillSummary {
        replication_backfill_id: document.name.clone(),
        destination: destination(document)?,
        status: ReplicationBackfillStatus::Failed,
        failure_code: Some(FAILURE.into()),
        progress: Some(progress()),
        started_at: document.created_at.into(),
        ended_at: Some(document.created_at.into()),
    })
}

/// How far a backfill has come: nowhere.
pub(crate) fn progress() -> ReplicationBackfillProgress {
    ReplicationBackfillProgress {
        total_replication_count: 0,
        completed_replication_count: 0,
        failed_replication_count: 0,
        failure_codes: vec![],
    }
}

fn not_found(id: &str, account: AccountId) -> Fault {
    let message = format!("The replication backfill with id '{id}' does not exist in the registry with id '{account}'");
    Fault::new(FaultKind::BackfillNotFound, message)
}

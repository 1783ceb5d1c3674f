//! Layers on their way in and out, as ECR names them.

use gantry_fault::{Detail, Fault, FaultKind};
use gantry_registry::{Repository, UploadId};
use gantry_words::Cx;

/// Reads the id of an upload: the model's form is wider than ours.
///
/// # Errors
/// [`FaultKind::UploadNotFound`]: what is no id cannot be an upload.
pub(crate) fn read_upload(text: &str, cx: &Cx, repository: &Repository) -> Result<UploadId, Fault> {
    text.to_lowercase().parse().map_err(|_| upload_not_found(text, cx, repository))
}

/// There is no such upload.
pub(crate) fn upload_not_found(text: &str, cx: &Cx, repository: &Repository) -> Fault {
    let message = format!(
        "The upload with id '{text}' could not be found in the repository with name '{}' in the registry with id '{}'",
        repository.name, cx.account
    );
    Fault::new(FaultKind::UploadNotFound, message)
}

/// A part does not follow what has come; tells where to go on.
pub(crate) fn out_of_order(message: String, upload: &str, bytes: u64, cx: &Cx, repository: &Repository) -> Fault {
    Fault::new(FaultKind::UploadOutOfOrder, message)
        .with("registryId", Detail::Text(cx.account.to_string()))
        .with("repositoryName", Detail::Text(repository.name.to_string()))
        .with("uploadId", Detail::Text(upload.into()))
        .with("lastValidByteReceived", Detail::Number(i64::try_from(bytes).unwrap_or(i64::MAX) - 1))
}

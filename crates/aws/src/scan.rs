//! Scans of images, as far as there are any.

use crate::{
    image,
    model::{ImageIdentifier, ImageScanStatus, ScanStatus},
};
use gantry_fault::{Fault, FaultKind};
use gantry_registry::Repository;
use gantry_words::Cx;

/// How every scan ends, for now.
pub(crate) fn status() -> ImageScanStatus {
    ImageScanStatus {
        status: Some(ScanStatus::Failed),
        description: Some("FailedError: scanning is not built yet".into()),
    }
}

/// The image was never scanned.
pub(crate) fn not_found(cx: &Cx, repository: &Repository, id: &ImageIdentifier) -> Fault {
    let message = format!(
        "Image scan does not exist for the image with '{}' in the repository with name '{}' in the registry with id '{}'",
        image::print_id(id),
        repository.name,
        cx.account
    );
    Fault::new(FaultKind::ScanNotFound, message)
}

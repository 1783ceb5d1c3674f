//! Pages as KMS cuts them: `Limit` items behind `Marker`, which is what the last item of the page before is found by.

use gantry_fault::{Fault, FaultKind};
use gantry_words::Page;

/// Tags of a page where the request does not say how many: all that a key may have.
const TAGS: usize = 50;

/// How many items a page has; `usual` where the request does not say.
pub(crate) fn count(limit: Option<i32>, usual: usize) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usual)
}

/// Cuts a page from a list that is short by its nature.
pub(crate) fn cut<T>(items: Vec<T>, key: fn(&T) -> &str, marker: Option<&str>, limit: Option<i32>) -> Page<T> {
    let behind = items.into_iter().filter(|item| marker.is_none_or(|marker| key(item) > marker));
    Page::cut(behind.collect(), count(limit, TAGS))
}

/// The marker of the page behind this one; none where it is the last.
pub(crate) fn next<T>(page: &Page<T>, key: impl Fn(&T) -> String) -> Option<String> {
    page.items.last().filter(|_| page.has_more).map(key)
}

/// Reads a marker that is a number; 0 where there is none.
///
/// # Errors
/// [`FaultKind::KmsInvalidMarker`].
pub(crate) fn number(marker: Option<&str>) -> Result<u32, Fault> {
    let Some(marker) = marker else { return Ok(0) };
    let refused =
        || Fault::new(FaultKind::KmsInvalidMarker, "Marker must be the NextMarker of an answer to the same request");
    marker.parse().map_err(|_| refused())
}

//! Pages as ECR cuts them.

use crate::shape::refusal;
use gantry_api::Paging;
use gantry_fault::Fault;
use gantry_words::Cx;
use serde::de::DeserializeOwned;

/// Items of a page where the request does not say how many.
const COUNT: usize = 100;

/// How many items a page has.
pub(crate) fn count(max_results: Option<i32>) -> usize {
    max_results.and_then(|count| usize::try_from(count).ok()).unwrap_or(COUNT)
}

/// How a token must be.
const TOKEN: &str = "Member must be the nextToken of an answer to the same request, not more than a day old";

/// Where a list goes on; none where it begins.
///
/// # Errors
/// [`gantry_fault::FaultKind::InvalidParameter`] for a token that is not of this list.
pub(crate) fn place<T: DeserializeOwned>(
    paging: &Paging,
    cx: &Cx,
    list: &str,
    token: Option<&str>,
) -> Result<Option<T>, Fault> {
    let Some(token) = token else { return Ok(None) };
    paging.place(cx, list, token).map(Some).ok_or_else(|| refusal("nextToken", TOKEN))
}

/// Refuses to go on with a list that never has a second page.
///
/// # Errors
/// [`gantry_fault::FaultKind::InvalidParameter`] for any token: no answer brought it.
pub(crate) fn no_place(token: Option<&str>) -> Result<(), Fault> {
    token.map_or(Ok(()), |_| Err(refusal("nextToken", TOKEN)))
}

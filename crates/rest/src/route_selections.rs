use crate::{operations::*, route::choose};
use gantry_api::{Operation, Params, Routed};
use http::Method;

/// Finds what is done to images that a query means: `images/selections`, `images/selections/<token>` and `…/run`.
pub(crate) fn route(method: &Method, rest: &str) -> Option<Routed> {
    let rest = rest.strip_prefix("images/selections")?;
    let post = *method == Method::POST;
    if rest.is_empty() {
        return Some(choose("POST", Params::new(), post.then_some(select_images::SelectImages::NAME)));
    }
    let rest = rest.strip_prefix('/')?;
    let (token, is_run) = rest.strip_suffix("/run").map_or((rest, false), |token| (token, true));
    if token.is_empty() || token.contains('/') {
        return None;
    }
    let params = Params::new().with("token", token);
    Some(match is_run {
        true => choose("POST", params, post.then_some(run_selection::RunSelection::NAME)),
        false => choose("GET", params, (*method == Method::GET).then_some(get_selection::GetSelection::NAME)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_shown_and_run_by_its_token() {
        for (method, rest, operation, token) in [
            (Method::POST, "images/selections", "SelectImages", ""),
            (Method::GET, "images/selections/0af1", "GetSelection", "0af1"),
            (Method::POST, "images/selections/0af1/run", "RunSelection", "0af1"),
        ] {
            let Some(Routed::To(found, params)) = route(&method, rest) else { panic!("{rest} is not routed") };
            assert_eq!((found, params.get("token")), (operation, token), "{rest}");
        }
        for rest in
            ["images", "images/selectionsx", "images/selections/", "images/selections/a/b", "images/selections//run"]
        {
            assert!(route(&Method::GET, rest).is_none(), "{rest}");
        }
    }
}

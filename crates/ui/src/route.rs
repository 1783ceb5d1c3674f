use crate::operations::*;
use gantry_api::{Operation, Params, Routed};
use http::Method;

/// Finds the page for a method and a raw path (percent-encoded, without the query).
pub fn route(method: &Method, path: &str) -> Routed {
    let (get, post) = (*method == Method::GET, *method == Method::POST);
    let mut params = Params::new();
    let (allow, found) = match path {
        "/ui/login" => ("GET", get.then_some(show_login::ShowLogin::NAME)),
        "/ui/login/begin" => ("GET", get.then_some(begin_login::BeginLogin::NAME)),
        "/ui/callback" => ("GET", get.then_some(finish_login::FinishLogin::NAME)),
        "/ui/style.css" => ("GET", get.then_some(get_style::GetStyle::NAME)),
        "/ui/logout" => ("POST", post.then_some(log_out::LogOut::NAME)),
        "/ui/credentials" => ("POST", post.then_some(make_credentials::MakeCredentials::NAME)),
        "/ui/device" if post => ("GET, POST", Some(answer_device::AnswerDevice::NAME)),
        "/ui/device" => ("GET, POST", get.then_some(show_device::ShowDevice::NAME)),
        // Where a provider of login.oidc_files sends browsers back to.
        _ => match path.strip_prefix("/ui/callback/") {
            Some(provider) if is_provider_name(provider) => {
                params = params.with("provider", provider);
                ("GET", get.then_some(finish_login::FinishLogin::NAME))
            }
            _ => return Routed::NotFound,
        },
    };
    match found {
        Some(name) => Routed::To(name, params),
        None => Routed::MethodNotAllowed(allow),
    }
}

/// Whether a provider may be named so in `login.oidc_files`.
fn is_provider_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_at_its_address() {
        for (method, path, name) in [
            (Method::GET, "/ui/login", "ShowLogin"),
            (Method::GET, "/ui/login/begin", "BeginLogin"),
            (Method::GET, "/ui/callback", "FinishLogin"),
            (Method::GET, "/ui/callback/okta", "FinishLogin"),
            (Method::GET, "/ui/device", "ShowDevice"),
            (Method::POST, "/ui/device", "AnswerDevice"),
            (Method::POST, "/ui/logout", "LogOut"),
            (Method::POST, "/ui/credentials", "MakeCredentials"),
            (Method::GET, "/ui/style.css", "GetStyle"),
        ] {
            let Routed::To(found, _) = route(&method, path) else { panic!("{method} {path} leads nowhere") };
            assert_eq!(found, name, "{path}");
        }
    }

    #[test]
    fn what_changes_something_is_not_done_by_looking() {
        for path in ["/ui/logout", "/ui/credentials"] {
            assert!(matches!(route(&Method::GET, path), Routed::MethodNotAllowed("POST")), "{path}");
        }
        assert!(matches!(route(&Method::GET, "/ui/other"), Routed::NotFound));
    }

    #[test]
    fn a_provider_sends_back_to_its_own_address_and_to_none_below_it() {
        for path in
            ["/ui/callback/", "/ui/callback//", "/ui/callback/okta/", "/ui/callback/okta/more", "/ui/callback/Okta"]
        {
            assert!(matches!(route(&Method::GET, path), Routed::NotFound), "{path}");
        }
    }
}

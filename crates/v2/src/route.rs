use crate::operations::*;
use gantry_api::{Operation, Params, Routed};
use http::Method;

/// Finds the operation for a method and a raw path (percent-encoded, without the query).
///
/// The path is taken apart from its right end: everything before the part that tells the operation is the name. What
/// the parts hold is checked by the requests, so that a malformed name answers `NAME_INVALID` and not a bare 404.
pub fn route(method: &Method, path: &str) -> Routed {
    if path == "/token" {
        return choose(method, "GET, HEAD, POST", Params::new(), |method| match *method {
            Method::GET | Method::HEAD => Some(get_token::GetToken::NAME),
            Method::POST => Some(post_token::PostToken::NAME),
            _ => None,
        });
    }
    let Some(rest) = path.strip_prefix("/v2") else { return Routed::NotFound };
    match rest {
        "" | "/" => return reading(method, Params::new(), api_version::ApiVersion::NAME),
        "/_catalog" => return reading(method, Params::new(), catalog::Catalog::NAME),
        _ => {}
    }
    let Some(rest) = rest.strip_prefix('/') else { return Routed::NotFound };
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return reading(method, params(name), list_tags::ListTags::NAME);
    }
    if let Some(name) = rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads")) {
        return choose(method, "POST", params(name), |method| {
            (*method == Method::POST).then_some(start_upload::StartUpload::NAME)
        });
    }
    let Some((head, last)) = rest.rsplit_once('/') else { return Routed::NotFound };
    if let Some(name) = head.strip_suffix("/blobs/uploads") {
        return choose(method, "GET, HEAD, PATCH, PUT, DELETE", params(name).with("id", last), upload);
    }
    if let Some(name) = head.strip_suffix("/manifests") {
        return choose(method, "GET, HEAD, PUT, DELETE", params(name).with("reference", last), manifest);
    }
    if let Some(name) = head.strip_suffix("/blobs") {
        return choose(method, "GET, HEAD, DELETE", params(name).with("digest", last), blob);
    }
    if let Some(name) = head.strip_suffix("/referrers") {
        return reading(method, params(name).with("digest", last), list_referrers::ListReferrers::NAME);
    }
    Routed::NotFound
}

fn params(name: &str) -> Params {
    Params::new().with("name", name)
}

fn upload(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET | Method::HEAD => Some(upload_status::UploadStatus::NAME),
        Method::PATCH => Some(append_upload::AppendUpload::NAME),
        Method::PUT => Some(finish_upload::FinishUpload::NAME),
        Method::DELETE => Some(cancel_upload::CancelUpload::NAME),
        _ => None,
    }
}

fn manifest(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET | Method::HEAD => Some(get_manifest::GetManifest::NAME),
        Method::PUT => Some(put_manifest::PutManifest::NAME),
        Method::DELETE => Some(delete_manifest::DeleteManifest::NAME),
        _ => None,
    }
}

fn blob(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET | Method::HEAD => Some(get_blob::GetBlob::NAME),
        Method::DELETE => Some(delete_blob::DeleteBlob::NAME),
        _ => None,
    }
}

fn reading(method: &Method, params: Params, name: &'static str) -> Routed {
    choose(method, "GET, HEAD", params, |method| matches!(*method, Method::GET | Method::HEAD).then_some(name))
}

fn choose(
    method: &Method,
    allow: &'static str,
    params: Params,
    find: impl Fn(&Method) -> Option<&'static str>,
) -> Routed {
    match find(method) {
        Some(name) => Routed::To(name, params),
        None => Routed::MethodNotAllowed(allow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> (&'static str, String) {
        match route(&method, path) {
            Routed::To(name, params) => (name, params.get("name").to_string()),
            _ => panic!("{method} {path} is not routed"),
        }
    }

    #[test]
    fn names_may_hold_the_words_of_the_addresses() {
        for name in ["a", "a/b", "blobs", "a/manifests", "a/blobs/uploads", "tags/list", "v2/_catalog"] {
            assert_eq!(found(Method::GET, &format!("/v2/{name}/manifests/v1")), ("GetManifest", name.into()));
            assert_eq!(found(Method::GET, &format!("/v2/{name}/tags/list")), ("ListTags", name.into()));
            assert_eq!(found(Method::POST, &format!("/v2/{name}/blobs/uploads/")), ("StartUpload", name.into()));
            assert_eq!(found(Method::PATCH, &format!("/v2/{name}/blobs/uploads/1")), ("AppendUpload", name.into()));
            assert_eq!(found(Method::HEAD, &format!("/v2/{name}/blobs/sha256:0")), ("GetBlob", name.into()));
            assert_eq!(found(Method::GET, &format!("/v2/{name}/referrers/sha256:0")), ("ListReferrers", name.into()));
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        assert!(matches!(
            route(&Method::POST, "/v2/a/manifests/v1"),
            Routed::MethodNotAllowed("GET, HEAD, PUT, DELETE")
        ));
        assert!(matches!(route(&Method::DELETE, "/v2/"), Routed::MethodNotAllowed("GET, HEAD")));
    }

    #[test]
    fn everything_else_is_nowhere() {
        for path in ["/", "/v1/", "/v2x", "/v2/a", "/v2/a/b", "/v2/a/manifests", "/v2//"] {
            assert!(matches!(route(&Method::GET, path), Routed::NotFound), "{path}");
        }
    }
}

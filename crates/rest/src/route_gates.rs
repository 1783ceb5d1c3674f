use crate::{operations::*, route::choose};
use gantry_api::{Operation, Params, Routed};
use http::Method;

/// Finds what is about scan policies: `quarantine`, `scan-policies`, `scan-policies/<scope>`, `scan-exceptions`, `scan-exceptions/<id>`,
/// `scan-exceptions/<id>/approve`, `scan-overrides`, `scan-overrides/<id>`.
pub(crate) fn route(method: &Method, rest: &str) -> Option<Routed> {
    let (kind, key) = rest.split_once('/').map_or((rest, None), |(kind, key)| (kind, Some(key)));
    let found =
        |wanted: &[(Method, &'static str)]| wanted.iter().find(|(wanted, _)| wanted == method).map(|(_, name)| *name);
    Some(match (kind, key) {
        ("quarantine", None) => {
            choose("GET", Params::new(), found(&[(Method::GET, list_quarantine::ListQuarantine::NAME)]))
        }
        ("scan-policies", None) => {
            choose("GET", Params::new(), found(&[(Method::GET, list_scan_policies::ListScanPolicies::NAME)]))
        }
        ("scan-policies", Some(scope)) => {
            let found = found(&[
                (Method::GET, get_scan_policy::GetScanPolicy::NAME),
                (Method::PUT, put_scan_policy::PutScanPolicy::NAME),
                (Method::DELETE, delete_scan_policy::DeleteScanPolicy::NAME),
            ]);
            choose("GET, PUT, DELETE", Params::new().with("scope", scope), found)
        }
        ("scan-exceptions", None) => {
            let found = found(&[
                (Method::GET, list_scan_exceptions::ListScanExceptions::NAME),
                (Method::POST, create_scan_exception::CreateScanException::NAME),
            ]);
            choose("GET, POST", Params::new(), found)
        }
        ("scan-exceptions", Some(key)) => match key.split_once('/') {
            None => {
                let found = found(&[(Method::DELETE, delete_scan_exception::DeleteScanException::NAME)]);
                choose("DELETE", Params::new().with("id", key), found)
            }
            Some((id, "approve")) => {
                let found = found(&[(Method::POST, approve_scan_exception::ApproveScanException::NAME)]);
                choose("POST", Params::new().with("id", id), found)
            }
            Some(_) => Routed::NotFound,
        },
        ("scan-overrides", None) => {
            let found = found(&[
                (Method::GET, list_scan_overrides::ListScanOverrides::NAME),
                (Method::POST, create_scan_override::CreateScanOverride::NAME),
            ]);
            choose("GET, POST", Params::new(), found)
        }
        ("scan-overrides", Some(id)) if !id.contains('/') => {
            let found = found(&[(Method::DELETE, end_scan_override::EndScanOverride::NAME)]);
            choose("DELETE", Params::new().with("id", id), found)
        }
        _ => return None,
    })
}

/// Finds `<name>/images/<reference>/gate`.
pub(crate) fn of_image(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let (above, reference) = head.rsplit_once('/').filter(|_| last == "gate" && *method == Method::GET)?;
    let params = Params::new().with("name", above.strip_suffix("/images")?).with("reference", reference);
    Some(choose("GET", params, Some(explain_gate::ExplainGate::NAME)))
}

/// Finds `<name>/quarantine/<tag>/release`.
pub(crate) fn of_tag(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let (above, tag) = head.rsplit_once('/').filter(|_| last == "release" && *method == Method::POST)?;
    let params = Params::new().with("name", above.strip_suffix("/quarantine")?).with("tag", tag);
    Some(choose("POST", params, Some(release_quarantine::ReleaseQuarantine::NAME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_keep_their_slashes_and_a_repository_may_be_called_gate() {
        let cases = [
            (Method::PUT, "scan-policies/team/*", "PutScanPolicy", ("scope", "team/*")),
            (Method::GET, "scan-policies/%2A", "GetScanPolicy", ("scope", "%2A")),
            (Method::POST, "scan-exceptions/e1/approve", "ApproveScanException", ("id", "e1")),
            (Method::DELETE, "scan-overrides/o1", "EndScanOverride", ("id", "o1")),
            (Method::GET, "repositories/team/app/images/v1/gate", "ExplainGate", ("reference", "v1")),
            (Method::GET, "repositories/team/images/gate", "GetImage", ("name", "team")),
            (Method::GET, "quarantine", "ListQuarantine", ("name", "")),
            (Method::POST, "repositories/team/app/quarantine/v1/release", "ReleaseQuarantine", ("tag", "v1")),
            (Method::GET, "repositories/a/quarantine/b/release", "GetRepository", ("name", "a/quarantine/b/release")),
            (Method::DELETE, "repositories/team/gate", "DeleteRepository", ("name", "team/gate")),
        ];
        for (method, path, operation, (key, value)) in cases {
            let path = format!("/api/v1/{path}");
            let Routed::To(found, params) = crate::route(&method, &path) else {
                panic!("{method} {path} is not routed")
            };
            assert_eq!((found, params.get(key)), (operation, value), "{path}");
        }
    }
}

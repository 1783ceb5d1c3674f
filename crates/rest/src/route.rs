use crate::{operations::*, route_gates, route_identities, route_selections};
use gantry_api::{Operation, Params, Routed};
use http::Method;

/// Finds the operation for a method and a raw path (percent-encoded, without the query).
pub fn route(method: &Method, path: &str) -> Routed {
    let Some(rest) = path.strip_prefix("/api/v1/") else { return Routed::NotFound };
    if rest == "openapi.json" {
        let get = (*method == Method::GET).then_some(get_open_api::GetOpenApi::NAME);
        return choose("GET", Params::new(), get);
    }
    if let Some(what) = rest.strip_prefix("device/") {
        let name = match what {
            "code" => ask_device_code::AskDeviceCode::NAME,
            "token" => ask_device_token::AskDeviceToken::NAME,
            _ => return Routed::NotFound,
        };
        return choose("POST", Params::new(), (*method == Method::POST).then_some(name));
    }
    if rest == "repositories" {
        return choose(
            "GET, POST",
            Params::new(),
            match *method {
                Method::GET => Some(list_repositories::ListRepositories::NAME),
                Method::POST => Some(create_repository::CreateRepository::NAME),
                _ => None,
            },
        );
    }
    let get = match rest {
        "advisories" => Some(get_advisories::GetAdvisories::NAME),
        "audit" => Some(list_audit_records::ListAuditRecords::NAME),
        "events" => Some(list_events::ListEvents::NAME),
        "findings" => Some(list_findings::ListFindings::NAME),
        "findings/gone" => Some(list_gone_findings::ListGoneFindings::NAME),
        "findings/secrets" => Some(list_exposed_secrets::ListExposedSecrets::NAME),
        "findings/trend" => Some(get_findings_trend::GetFindingsTrend::NAME),
        "images" => Some(search_images::SearchImages::NAME),
        "packages" => Some(list_packages::ListPackages::NAME),
        "traffic" => Some(get_traffic::GetTraffic::NAME),
        "usage" => Some(get_usage::GetUsage::NAME),
        _ => None,
    };
    if let Some(document) = rest.strip_prefix("vex") {
        return vex(method, document);
    }
    if let Some(found) = route_selections::route(method, rest) {
        return found;
    }
    if let Some(get) = get {
        return choose("GET", Params::new(), (*method == Method::GET).then_some(get));
    }
    if let Some(rest) = rest.strip_prefix("access/") {
        return access(method, rest);
    }
    if rest == "trash" {
        return choose(
            "GET, DELETE",
            Params::new(),
            match *method {
                Method::GET => Some(list_trash::ListTrash::NAME),
                Method::DELETE => Some(empty_trash::EmptyTrash::NAME),
                _ => None,
            },
        );
    }
    if let Some(found) = logins(method, rest) {
        return found;
    }
    if let Some(found) = sessions(method, rest) {
        return found;
    }
    if let Some(source) = rest.strip_prefix("inventory") {
        return inventory(method, source);
    }
    if let Some(scope) = rest.strip_prefix("quotas") {
        return quotas(method, scope);
    }
    if let Some(found) = route_identities::route(method, rest) {
        return found;
    }
    if let Some(found) = route_gates::route(method, rest) {
        return found;
    }
    if let Some(account) = rest.strip_prefix("accounts") {
        return accounts(method, account);
    }
    let Some(rest) = rest.strip_prefix("repositories/") else { return Routed::NotFound };
    if let Some(name) = rest.strip_suffix("/images") {
        return choose("GET", named(name), (*method == Method::GET).then_some(list_images::ListImages::NAME));
    }
    if let Some((head, last)) = rest.rsplit_once('/') {
        // Nothing else is sent to an address with such an end: a repository may be called so.
        if *method == Method::POST && last == "past" {
            return choose("POST", named(head), Some(import_past::ImportPast::NAME));
        }
        if let Some(found) =
            route_gates::of_image(method, head, last).or_else(|| route_gates::of_tag(method, head, last))
        {
            return found;
        }
        if let Some(found) = protection(method, head, last).or_else(|| storage_class(method, head, last)) {
            return found;
        }
        if let Some(name) = head.strip_suffix("/images") {
            return choose(
                "GET, DELETE",
                named(name).with("reference", last),
                match *method {
                    Method::GET => Some(get_image::GetImage::NAME),
                    Method::DELETE => Some(delete_image::DeleteImage::NAME),
                    _ => None,
                },
            );
        }
        if *method != Method::PUT
            && let Some(found) =
                undo(method, head, last).or_else(|| lifecycle(method, head, last)).or_else(|| scan(method, head, last))
        {
            return found;
        }
        if let Some(name) = head.strip_suffix("/tags") {
            let put = (*method == Method::PUT).then_some(put_tag::PutTag::NAME);
            return choose("PUT", named(name).with("tag", last), put);
        }
    }
    choose(
        "GET, DELETE",
        named(rest),
        match *method {
            Method::GET => Some(get_repository::GetRepository::NAME),
            Method::DELETE => Some(delete_repository::DeleteRepository::NAME),
            _ => None,
        },
    )
}

/// Finds what is about sessions: `sessions`, `sessions/<id>`, `registry-credentials`, `roles/<role>/revoke-sessions`.
fn sessions(method: &Method, rest: &str) -> Option<Routed> {
    if rest == "sessions" {
        let found = (*method == Method::GET).then_some(list_sessions::ListSessions::NAME);
        return Some(choose("GET", Params::new(), found));
    }
    if let Some(id) = rest.strip_prefix("sessions/").filter(|id| !id.is_empty() && !id.contains('/')) {
        let found = (*method == Method::DELETE).then_some(end_session::EndSession::NAME);
        return Some(choose("DELETE", Params::new().with("id", id), found));
    }
    if rest == "registry-credentials" {
        let found = (*method == Method::POST).then_some(create_registry_credentials::CreateRegistryCredentials::NAME);
        return Some(choose("POST", Params::new(), found));
    }
    if let Some(role) = rest.strip_prefix("roles/").and_then(|rest| rest.strip_suffix("/revoke-sessions")) {
        let found = (*method == Method::POST && !role.contains('/')).then_some(revoke_sessions::RevokeSessions::NAME);
        return Some(choose("POST", Params::new().with("role", role), found));
    }
    None
}

/// Finds what undoes something: `<name>/trash/<reference>/restore`, `<name>/tags/<tag>/history` and `…/rollback`.
fn undo(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let (above, place) = head.rsplit_once('/')?;
    let (kind, key) = match last {
        "restore" => ("/trash", "reference"),
        "history" | "rollback" => ("/tags", "tag"),
        _ => return None,
    };
    let (wanted, allow, found) = match last {
        "restore" => (Method::POST, "POST", restore_image::RestoreImage::NAME),
        "rollback" => (Method::POST, "POST", rollback_tag::RollbackTag::NAME),
        _ => (Method::GET, "GET", get_tag_history::GetTagHistory::NAME),
    };
    let params = named(above.strip_suffix(kind)?).with(key, place);
    Some(choose(allow, params, (*method == wanted).then_some(found)))
}

/// Finds what lifecycle policies do: `<name>/lifecycle/run`, `…/forecast` and `…/preview`, and `<name>/images/<reference>/lifecycle`.
fn lifecycle(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let get = *method == Method::GET;
    if last == "lifecycle" {
        let (above, reference) = head.rsplit_once('/')?;
        let params = named(above.strip_suffix("/images")?).with("reference", reference);
        return Some(choose("GET", params, get.then_some(explain_image::ExplainImage::NAME)));
    }
    let params = named(head.strip_suffix("/lifecycle")?);
    match last {
        "preview" if *method == Method::POST => {
            Some(choose("POST", params, Some(preview_lifecycle_policy::PreviewLifecyclePolicy::NAME)))
        }
        "forecast" => Some(choose("GET", params, get.then_some(forecast_lifecycle::ForecastLifecycle::NAME))),
        "run" => {
            let found = match *method {
                Method::GET => Some(get_lifecycle_status::GetLifecycleStatus::NAME),
                Method::POST => Some(run_lifecycle_policy::RunLifecyclePolicy::NAME),
                _ => None,
            };
            Some(choose("GET, POST", params, found))
        }
        _ => None,
    }
}

/// Finds what the scanner knows of an image: `<name>/images/<reference>/scan`, `…/findings`, `…/sbom` and `…/base`.
fn scan(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let get = match last {
        "scan" => get_scan::GetScan::NAME,
        "findings" => get_image_findings::GetImageFindings::NAME,
        "sbom" => get_image_sbom::GetImageSbom::NAME,
        "base" => get_image_base::GetImageBase::NAME,
        _ => return None,
    };
    let (above, reference) = head.rsplit_once('/')?;
    let params = named(above.strip_suffix("/images")?).with("reference", reference);
    Some(match (last, method) {
        (_, &Method::GET) => choose("GET", params, Some(get)),
        ("scan", &Method::POST) => choose("GET, POST", params, Some(scan_image::ScanImage::NAME)),
        // A repository may be called so, and be deleted.
        (_, &Method::DELETE) => return None,
        ("scan", _) => choose("GET, POST", params, None),
        _ => choose("GET", params, None),
    })
}

/// Finds `<name>/images/<digest>/storage-class`, which is told from a tag by the colon of the digest.
fn storage_class(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let (above, digest) = head.rsplit_once('/').filter(|_| last == "storage-class")?;
    let name = above.strip_suffix("/images").filter(|_| is_digest(digest))?;
    let found = (*method == Method::PUT).then_some(set_storage_class::SetStorageClass::NAME);
    Some(choose("PUT", named(name).with("digest", digest), found))
}

fn is_digest(text: &str) -> bool {
    text.contains(':') || text.contains("%3A") || text.contains("%3a")
}

/// Finds what is put on something and taken off: `<name>/images/<digest>/hold`, `…/labels` and `<name>/protected-tags/<pattern>`. The
/// first two are told from repositories and tags of such names by the colon, which those do not have; the third is only put and deleted.
fn protection(method: &Method, head: &str, last: &str) -> Option<Routed> {
    let (name, key, place, [put, delete]) = if matches!(last, "hold" | "labels") {
        let (above, digest) = head.rsplit_once('/')?;
        let name = above.strip_suffix("/images").filter(|_| is_digest(digest))?;
        let operations = match last {
            "hold" => [hold_image::HoldImage::NAME, release_image::ReleaseImage::NAME],
            _ => [label_image::LabelImage::NAME, unlabel_image::UnlabelImage::NAME],
        };
        (name, "digest", digest, operations)
    } else {
        let name = head.strip_suffix("/protected-tags").filter(|_| *method != Method::GET)?;
        (name, "pattern", last, [protect_tags::ProtectTags::NAME, unprotect_tags::UnprotectTags::NAME])
    };
    let found = match *method {
        Method::PUT => Some(put),
        Method::DELETE => Some(delete),
        _ => None,
    };
    Some(choose("PUT, DELETE", named(name).with(key, place), found))
}

/// Finds what is asked about access: `access/explain`, `access/account-policies/<policy>` and others.
fn access(method: &Method, rest: &str) -> Routed {
    let get = *method == Method::GET;
    let only = |allow: &'static str, is_it: bool, name| choose(allow, Params::new(), is_it.then_some(name));
    match rest {
        "explain" => only("GET", get, explain_access::ExplainAccess::NAME),
        "who-can" => only("GET", get, list_permitted::ListPermitted::NAME),
        "unused" => only("GET", get, list_unused_access::ListUnusedAccess::NAME),
        "lint" => only("POST", *method == Method::POST, lint_policy::LintPolicy::NAME),
        "account-policies" => only("GET", get, list_account_policies::ListAccountPolicies::NAME),
        "grants" => {
            let found = match *method {
                Method::POST => Some(grant_role::GrantRole::NAME),
                Method::DELETE => Some(revoke_role::RevokeRole::NAME),
                _ => None,
            };
            choose("POST, DELETE", Params::new(), found)
        }
        rest => {
            let policy = rest.strip_prefix("account-policies/").filter(|policy| !policy.contains('/'));
            let Some(policy) = policy else { return Routed::NotFound };
            let found = match *method {
                Method::PUT => Some(put_account_policy::PutAccountPolicy::NAME),
                Method::DELETE => Some(delete_account_policy::DeleteAccountPolicy::NAME),
                _ => None,
            };
            choose("PUT, DELETE", Params::new().with("account_policy", policy), found)
        }
    }
}

/// Finds what people log in with: `tokens`, `tokens/<id>`, `passwords/<user>` and `password`.
fn logins(method: &Method, rest: &str) -> Option<Routed> {
    let (kind, last) = rest.split_once('/').map_or((rest, None), |(kind, last)| (kind, Some(last)));
    if last.is_some_and(|last| last.is_empty() || last.contains('/')) {
        return None;
    }
    let found =
        |wanted: &[(Method, &'static str)]| wanted.iter().find(|(wanted, _)| wanted == method).map(|(_, name)| *name);
    match (kind, last) {
        ("tokens", None) => {
            let found =
                found(&[(Method::GET, list_tokens::ListTokens::NAME), (Method::POST, create_token::CreateToken::NAME)]);
            Some(choose("GET, POST", Params::new(), found))
        }
        ("tokens", Some(id)) => {
            let found = found(&[(Method::DELETE, revoke_token::RevokeToken::NAME)]);
            Some(choose("DELETE", Params::new().with("id", id), found))
        }
        ("passwords", Some(user)) => {
            let found = found(&[
                (Method::PUT, put_password::PutPassword::NAME),
                (Method::DELETE, delete_password::DeletePassword::NAME),
            ]);
            Some(choose("PUT, DELETE", Params::new().with("user", user), found))
        }
        ("password", None) => {
            let found = found(&[(Method::POST, change_password::ChangePassword::NAME)]);
            Some(choose("POST", Params::new(), found))
        }
        _ => None,
    }
}

/// Finds what happens to `vex` and `vex/<id>`.
fn vex(method: &Method, rest: &str) -> Routed {
    if rest.is_empty() {
        let found = match *method {
            Method::GET => Some(list_vex::ListVex::NAME),
            Method::POST => Some(put_vex::PutVex::NAME),
            _ => None,
        };
        return choose("GET, POST", Params::new(), found);
    }
    let Some(id) = rest.strip_prefix('/').filter(|id| !id.is_empty() && !id.contains('/')) else {
        return Routed::NotFound;
    };
    let delete = (*method == Method::DELETE).then_some(delete_vex::DeleteVex::NAME);
    choose("DELETE", Params::new().with("document", id), delete)
}

/// Finds what happens to `inventory` and `inventory/<source>`.
fn inventory(method: &Method, rest: &str) -> Routed {
    if rest.is_empty() {
        let get = (*method == Method::GET).then_some(list_inventory::ListInventory::NAME);
        return choose("GET", Params::new(), get);
    }
    let Some(source) = rest.strip_prefix('/').filter(|source| !source.contains('/')) else { return Routed::NotFound };
    let found = match *method {
        Method::GET => Some(get_inventory::GetInventory::NAME),
        Method::PUT => Some(put_inventory::PutInventory::NAME),
        Method::DELETE => Some(delete_inventory::DeleteInventory::NAME),
        _ => None,
    };
    choose("GET, PUT, DELETE", Params::new().with("source", source), found)
}

/// Finds what happens to `quotas` and `quotas/<scope>`, whose slashes need not be escaped.
fn quotas(method: &Method, rest: &str) -> Routed {
    if rest.is_empty() {
        let get = (*method == Method::GET).then_some(list_quotas::ListQuotas::NAME);
        return choose("GET", Params::new(), get);
    }
    let Some(scope) = rest.strip_prefix('/') else { return Routed::NotFound };
    let found = match *method {
        Method::PUT => Some(put_quota::PutQuota::NAME),
        Method::DELETE => Some(delete_quota::DeleteQuota::NAME),
        _ => None,
    };
    choose("PUT, DELETE", Params::new().with("scope", scope), found)
}

/// Finds what happens to `accounts`, `accounts/<id>`, `accounts/<id>/root-key` and `accounts/<id>/state`.
fn accounts(method: &Method, rest: &str) -> Routed {
    if rest.is_empty() {
        let found = match *method {
            Method::GET => Some(list_accounts::ListAccounts::NAME),
            Method::POST => Some(create_account::CreateAccount::NAME),
            _ => None,
        };
        return choose("GET, POST", Params::new(), found);
    }
    let Some(rest) = rest.strip_prefix('/') else { return Routed::NotFound };
    let of = |account: &str| Params::new().with("account", account);
    match rest.split_once('/') {
        None => {
            let found = match *method {
                Method::GET => Some(get_account::GetAccount::NAME),
                Method::DELETE => Some(delete_account::DeleteAccount::NAME),
                _ => None,
            };
            choose("GET, DELETE", of(rest), found)
        }
        Some((account, "root-key")) => {
            let post = (*method == Method::POST).then_some(rotate_root_key::RotateRootKey::NAME);
            choose("POST", of(account), post)
        }
        Some((account, "state")) => {
            let put = (*method == Method::PUT).then_some(set_account_state::SetAccountState::NAME);
            choose("PUT", of(account), put)
        }
        Some(_) => Routed::NotFound,
    }
}

fn named(name: &str) -> Params {
    Params::new().with("name", name)
}

pub(crate) fn choose(allow: &'static str, params: Params, found: Option<&'static str>) -> Routed {
    match found {
        Some(name) => Routed::To(name, params),
        None => Routed::MethodNotAllowed(allow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_api::Incoming;

    #[test]
    fn addresses_are_taken_apart_from_their_right_end() {
        let cases = [
            (Method::GET, "/api/v1/repositories", "ListRepositories", ""),
            (Method::POST, "/api/v1/repositories", "CreateRepository", ""),
            (Method::GET, "/api/v1/repositories/team/app", "GetRepository", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/images", "ListImages", "team/app"),
            (Method::DELETE, "/api/v1/repositories/a/images/b/images/v1", "DeleteImage", "a/images/b"),
            (Method::PUT, "/api/v1/repositories/team/app/tags/v2", "PutTag", "team/app"),
            (Method::GET, "/api/v1/openapi.json", "GetOpenApi", ""),
            (Method::GET, "/api/v1/audit", "ListAuditRecords", ""),
            (Method::GET, "/api/v1/events", "ListEvents", ""),
            (Method::GET, "/api/v1/traffic", "GetTraffic", ""),
            (Method::GET, "/api/v1/usage", "GetUsage", ""),
            (Method::GET, "/api/v1/quotas", "ListQuotas", ""),
            (Method::PUT, "/api/v1/quotas/team/*", "PutQuota", ""),
            (Method::DELETE, "/api/v1/quotas/team/app", "DeleteQuota", ""),
            (Method::GET, "/api/v1/findings", "ListFindings", ""),
            (Method::GET, "/api/v1/findings/gone", "ListGoneFindings", ""),
            (Method::GET, "/api/v1/findings/secrets", "ListExposedSecrets", ""),
            (Method::GET, "/api/v1/findings/trend", "GetFindingsTrend", ""),
            (Method::GET, "/api/v1/packages", "ListPackages", ""),
            (Method::GET, "/api/v1/access/explain", "ExplainAccess", ""),
            (Method::GET, "/api/v1/access/who-can", "ListPermitted", ""),
            (Method::GET, "/api/v1/access/unused", "ListUnusedAccess", ""),
            (Method::POST, "/api/v1/access/lint", "LintPolicy", ""),
            (Method::POST, "/api/v1/access/grants", "GrantRole", ""),
            (Method::DELETE, "/api/v1/access/grants", "RevokeRole", ""),
            (Method::GET, "/api/v1/access/account-policies", "ListAccountPolicies", ""),
            (Method::PUT, "/api/v1/access/account-policies/no-delete", "PutAccountPolicy", ""),
            (Method::DELETE, "/api/v1/access/account-policies/no-delete", "DeleteAccountPolicy", ""),
            (Method::POST, "/api/v1/device/code", "AskDeviceCode", ""),
            (Method::POST, "/api/v1/device/token", "AskDeviceToken", ""),
            (Method::GET, "/api/v1/trash", "ListTrash", ""),
            (Method::DELETE, "/api/v1/trash", "EmptyTrash", ""),
            (Method::POST, "/api/v1/repositories/team/app/trash/v1/restore", "RestoreImage", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/tags/v1/history", "GetTagHistory", "team/app"),
            (Method::POST, "/api/v1/repositories/a/tags/b/tags/tags/rollback", "RollbackTag", "a/tags/b"),
            (Method::PUT, "/api/v1/repositories/team/app/tags/history", "PutTag", "team/app"),
            (Method::POST, "/api/v1/repositories/team/app/lifecycle/run", "RunLifecyclePolicy", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/lifecycle/run", "GetLifecycleStatus", "team/app"),
            (
                Method::GET,
                "/api/v1/repositories/a/lifecycle/run/lifecycle/forecast",
                "ForecastLifecycle",
                "a/lifecycle/run",
            ),
            (Method::POST, "/api/v1/repositories/team/app/lifecycle/preview", "PreviewLifecyclePolicy", "team/app"),
            (Method::POST, "/api/v1/repositories/a/past/past", "ImportPast", "a/past"),
            (Method::GET, "/api/v1/repositories/a/past", "GetRepository", "a/past"),
            (Method::GET, "/api/v1/repositories/team/app/images/v1/lifecycle", "ExplainImage", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/images/lifecycle", "GetImage", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/images/v1/scan", "GetScan", "team/app"),
            (Method::POST, "/api/v1/repositories/a/images/b/images/sha256:aa/scan", "ScanImage", "a/images/b"),
            (Method::GET, "/api/v1/repositories/team/app/images/v1/findings", "GetImageFindings", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/images/v1/sbom", "GetImageSbom", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/images/v1/base", "GetImageBase", "team/app"),
            (Method::GET, "/api/v1/repositories/team/app/images/sbom", "GetImage", "team/app"),
            (Method::DELETE, "/api/v1/repositories/a/images/b/sbom", "DeleteRepository", "a/images/b/sbom"),
            (Method::GET, "/api/v1/repositories/team/lifecycle", "GetRepository", "team/lifecycle"),
            (Method::GET, "/api/v1/repositories/team/trash/images/restore", "GetImage", "team/trash"),
            (Method::GET, "/api/v1/repositories/openapi.json", "GetRepository", "openapi.json"),
            (Method::PUT, "/api/v1/repositories/a/b/images/sha256:aa/storage-class", "SetStorageClass", "a/b"),
            (Method::PUT, "/api/v1/repositories/team/app/images/sha256:aa/hold", "HoldImage", "team/app"),
            (Method::DELETE, "/api/v1/repositories/team/app/images/sha256%3Aaa/hold", "ReleaseImage", "team/app"),
            (Method::PUT, "/api/v1/repositories/team/app/images/sha256:aa/labels", "LabelImage", "team/app"),
            (Method::DELETE, "/api/v1/repositories/team/app/images/sha256%3Aaa/labels", "UnlabelImage", "team/app"),
            (Method::PUT, "/api/v1/repositories/a/images/tags/hold", "PutTag", "a/images"),
            (Method::DELETE, "/api/v1/repositories/a/images/b/hold", "DeleteRepository", "a/images/b/hold"),
            (Method::PUT, "/api/v1/repositories/team/app/protected-tags/release-*", "ProtectTags", "team/app"),
            (Method::DELETE, "/api/v1/repositories/team/app/protected-tags/%2A", "UnprotectTags", "team/app"),
            (Method::GET, "/api/v1/repositories/team/protected-tags/a", "GetRepository", "team/protected-tags/a"),
            (Method::GET, "/api/v1/tokens", "ListTokens", ""),
            (Method::POST, "/api/v1/tokens", "CreateToken", ""),
            (Method::DELETE, "/api/v1/tokens/GTPT1", "RevokeToken", ""),
            (Method::PUT, "/api/v1/passwords/ann", "PutPassword", ""),
            (Method::DELETE, "/api/v1/passwords/ann", "DeletePassword", ""),
            (Method::POST, "/api/v1/password", "ChangePassword", ""),
            (Method::POST, "/api/v1/registry-credentials", "CreateRegistryCredentials", ""),
            (Method::POST, "/api/v1/roles/deploy/revoke-sessions", "RevokeSessions", ""),
            (
                Method::PUT,
                "/api/v1/providers/arn:aws:iam::000000000000:oidc-provider/gitlab.example.com/sub/options",
                "PutOidcProviderOptions",
                "",
            ),
            (Method::GET, "/api/v1/sessions", "ListSessions", ""),
            (Method::DELETE, "/api/v1/sessions/0123456789abcdef", "EndSession", ""),
            (Method::PUT, "/api/v1/users/ann/name", "RenameUser", ""),
            (Method::PUT, "/api/v1/groups/developers/name", "RenameGroup", ""),
            (Method::PUT, "/api/v1/roles/deploy", "UpdateRole", ""),
            (Method::GET, "/api/v1/accounts", "ListAccounts", ""),
            (Method::POST, "/api/v1/accounts", "CreateAccount", ""),
            (Method::GET, "/api/v1/accounts/111122223333", "GetAccount", ""),
            (Method::DELETE, "/api/v1/accounts/111122223333", "DeleteAccount", ""),
            (Method::POST, "/api/v1/accounts/111122223333/root-key", "RotateRootKey", ""),
            (Method::PUT, "/api/v1/accounts/111122223333/state", "SetAccountState", ""),
            (Method::GET, "/api/v1/advisories", "GetAdvisories", ""),
            (Method::GET, "/api/v1/vex", "ListVex", ""),
            (Method::POST, "/api/v1/vex", "PutVex", ""),
            (Method::DELETE, "/api/v1/vex/17", "DeleteVex", ""),
            (Method::GET, "/api/v1/inventory", "ListInventory", ""),
            (Method::GET, "/api/v1/inventory/cluster-a", "GetInventory", ""),
            (Method::PUT, "/api/v1/inventory/cluster-a", "PutInventory", ""),
            (Method::DELETE, "/api/v1/inventory/cluster-a", "DeleteInventory", ""),
        ];
        for (method, path, operation, name) in cases {
            let Routed::To(found, params) = route(&method, path) else { panic!("{method} {path} is not routed") };
            assert_eq!((found, params.get("name")), (operation, name), "{path}");
        }
    }

    #[test]
    fn a_name_that_ends_like_an_address_is_meant_as_a_whole_when_its_slashes_are_escaped() {
        for (method, operation) in [(Method::DELETE, "DeleteRepository"), (Method::GET, "GetRepository")] {
            let path = "/api/v1/repositories/team%2Fimages%2fv1";
            let Routed::To(found, params) = route(&method, path) else { panic!("{path} is not routed") };
            let incoming = Incoming { params, ..Incoming::new(method, path) };

            assert_eq!(found, operation);
            assert_eq!(crate::json::name(&incoming).unwrap().as_str(), "team/images/v1");
        }
    }
}

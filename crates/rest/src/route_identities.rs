//! Addresses of users, groups, roles, robots, policies and identity providers.

use crate::{operations::*, route::choose};
use gantry_api::{Operation, Params, Routed};
use http::Method;

/// Finds the operation for what stands behind `/api/v1/`; none where it is about something else.
pub(crate) fn route(method: &Method, rest: &str) -> Option<Routed> {
    let (collection, rest) = rest.split_once('/').map_or((rest, None), |(collection, rest)| (collection, Some(rest)));
    let names = names(collection)?;
    let Some(rest) = rest else { return Some(read_or_make(method, names)) };
    Some(match collection {
        "providers" if *method == Method::PUT && rest.ends_with("/options") => {
            let provider = rest.strip_suffix("/options").unwrap_or_default();
            let put = put_oidc_provider_options::PutOidcProviderOptions::NAME;
            choose("PUT", Params::new().with("provider", provider), Some(put))
        }
        "policies" | "providers" => one(method, names, rest),
        _ => match rest.split_once('/') {
            None => one(method, names, rest),
            Some((name, below)) => of_one(method, collection, names.place, name, below),
        },
    })
}

/// The operations on a collection and on one of it.
struct Names {
    /// What the one is called in addresses.
    place: &'static str,
    list: &'static str,
    create: &'static str,
    get: &'static str,
    delete: &'static str,
    update: Option<&'static str>,
}

fn names(collection: &str) -> Option<Names> {
    Some(match collection {
        "users" => Names {
            place: "user",
            list: list_users::ListUsers::NAME,
            create: create_user::CreateUser::NAME,
            get: get_user::GetUser::NAME,
            delete: delete_user::DeleteUser::NAME,
            update: None,
        },
        "groups" => Names {
            place: "group",
            list: list_groups::ListGroups::NAME,
            create: create_group::CreateGroup::NAME,
            get: get_group::GetGroup::NAME,
            delete: delete_group::DeleteGroup::NAME,
            update: None,
        },
        "roles" => Names {
            place: "role",
            list: list_roles::ListRoles::NAME,
            create: create_role::CreateRole::NAME,
            get: get_role::GetRole::NAME,
            delete: delete_role::DeleteRole::NAME,
            update: Some(update_role::UpdateRole::NAME),
        },
        "robots" => Names {
            place: "robot",
            list: list_robots::ListRobots::NAME,
            create: create_robot::CreateRobot::NAME,
            get: get_robot::GetRobot::NAME,
            delete: delete_robot::DeleteRobot::NAME,
            update: Some(update_robot::UpdateRobot::NAME),
        },
        "policies" => Names {
            place: "policy",
            list: list_policies::ListPolicies::NAME,
            create: create_policy::CreatePolicy::NAME,
            get: get_policy::GetPolicy::NAME,
            delete: delete_policy::DeletePolicy::NAME,
            update: Some(update_policy::UpdatePolicy::NAME),
        },
        "providers" => Names {
            place: "provider",
            list: list_providers::ListProviders::NAME,
            create: create_provider::CreateProvider::NAME,
            get: get_provider::GetProvider::NAME,
            delete: delete_provider::DeleteProvider::NAME,
            update: None,
        },
        _ => return None,
    })
}

fn read_or_make(method: &Method, names: Names) -> Routed {
    let found = match *method {
        Method::GET => Some(names.list),
        Method::POST => Some(names.create),
        _ => None,
    };
    choose("GET, POST", Params::new(), found)
}

fn one(method: &Method, names: Names, name: &str) -> Routed {
    if name.is_empty() {
        return Routed::NotFound;
    }
    let found = match *method {
        Method::GET => Some(names.get),
        Method::DELETE => Some(names.delete),
        Method::PUT => names.update,
        _ => None,
    };
    let allow = if names.update.is_some() { "GET, PUT, DELETE" } else { "GET, DELETE" };
    choose(allow, Params::new().with(names.place, name), found)
}

/// What stands behind somebody's name.
fn of_one(method: &Method, collection: &str, place: &'static str, name: &str, below: &str) -> Routed {
    let params = Params::new().with(place, name);
    let (part, key) = below.split_once('/').map_or((below, None), |(part, key)| (part, Some(key)));
    match (collection, part, key) {
        ("users" | "groups" | "roles", "policies", Some(arn)) => {
            attached(method, collection, params.with("policy", arn))
        }
        ("users" | "groups" | "roles", "inline-policies", Some(policy)) => {
            written(method, collection, params.with("inline", policy))
        }
        ("users", "access-keys", key) => access_keys(method, params, key),
        ("groups", "members", Some(user)) => {
            let (put, delete) = (add_group_member::AddGroupMember::NAME, remove_group_member::RemoveGroupMember::NAME);
            put_or_delete(method, params.with("user", user), put, delete)
        }
        ("users", "name", None) => {
            choose("PUT", params, (*method == Method::PUT).then_some(rename_user::RenameUser::NAME))
        }
        ("groups", "name", None) => {
            choose("PUT", params, (*method == Method::PUT).then_some(rename_group::RenameGroup::NAME))
        }
        ("roles", "trust-policy", None) => {
            let put = (*method == Method::PUT).then_some(set_trust_policy::SetTrustPolicy::NAME);
            choose("PUT", params, put)
        }
        ("robots", "rotate", None) => {
            choose("POST", params, (*method == Method::POST).then_some(rotate_robot::RotateRobot::NAME))
        }
        ("robots", "state", None) => {
            choose("PUT", params, (*method == Method::PUT).then_some(set_robot_state::SetRobotState::NAME))
        }
        _ => Routed::NotFound,
    }
}

fn attached(method: &Method, collection: &str, params: Params) -> Routed {
    let (put, delete) = match collection {
        "users" => (attach_user_policy::AttachUserPolicy::NAME, detach_user_policy::DetachUserPolicy::NAME),
        "groups" => (attach_group_policy::AttachGroupPolicy::NAME, detach_group_policy::DetachGroupPolicy::NAME),
        _ => (attach_role_policy::AttachRolePolicy::NAME, detach_role_policy::DetachRolePolicy::NAME),
    };
    put_or_delete(method, params, put, delete)
}

fn written(method: &Method, collection: &str, params: Params) -> Routed {
    let (put, delete) = match collection {
        "users" => (put_user_policy::PutUserPolicy::NAME, delete_user_policy::DeleteUserPolicy::NAME),
        "groups" => (put_group_policy::PutGroupPolicy::NAME, delete_group_policy::DeleteGroupPolicy::NAME),
        _ => (put_role_policy::PutRolePolicy::NAME, delete_role_policy::DeleteRolePolicy::NAME),
    };
    put_or_delete(method, params, put, delete)
}

fn access_keys(method: &Method, params: Params, key: Option<&str>) -> Routed {
    let Some(key) = key else {
        let found = match *method {
            Method::GET => Some(list_access_keys::ListAccessKeys::NAME),
            Method::POST => Some(create_access_key::CreateAccessKey::NAME),
            _ => None,
        };
        return choose("GET, POST", params, found);
    };
    let (key, act) = key.split_once('/').map_or((key, None), |(key, act)| (key, Some(act)));
    let params = params.with("key", key);
    match act {
        None => {
            let delete = (*method == Method::DELETE).then_some(delete_access_key::DeleteAccessKey::NAME);
            choose("DELETE", params, delete)
        }
        Some("rotate") => {
            let post = (*method == Method::POST).then_some(rotate_access_key::RotateAccessKey::NAME);
            choose("POST", params, post)
        }
        Some("state") => {
            let put = (*method == Method::PUT).then_some(set_access_key_state::SetAccessKeyState::NAME);
            choose("PUT", params, put)
        }
        Some(_) => Routed::NotFound,
    }
}

fn put_or_delete(method: &Method, params: Params, put: &'static str, delete: &'static str) -> Routed {
    let found = match *method {
        Method::PUT => Some(put),
        Method::DELETE => Some(delete),
        _ => None,
    };
    choose("PUT, DELETE", params, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_keeps_its_slashes() {
        let path = "users/ann/policies/arn:aws:iam::aws:policy/gantry/push";
        let Some(Routed::To(found, params)) = route(&Method::PUT, path) else { panic!("{path} is not routed") };

        assert_eq!((found, params.get("user")), ("AttachUserPolicy", "ann"));
        assert_eq!(params.get("policy"), "arn:aws:iam::aws:policy/gantry/push");
    }

    #[test]
    fn what_is_no_address_leads_nowhere() {
        for path in ["users/", "users/ann/nothing", "users/ann/access-keys/AKIA/nothing", "policies/", "robots/ci/keys"]
        {
            assert!(matches!(route(&Method::GET, path), Some(Routed::NotFound)), "{path}");
        }
        assert!(route(&Method::GET, "repositories").is_none());
    }
}

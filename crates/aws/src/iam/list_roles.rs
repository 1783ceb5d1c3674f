use crate::{
    iam::{
        model::{ListRolesRequest, ListRolesResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListRoles`: lists the roles of the account.
pub struct ListRoles;

impl Operation for ListRoles {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListRoles";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListRoles");
    type Needs = Identities;
    type Request = Filled<ListRolesRequest>;
    type Response = Reply<ListRolesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::made(action::IAM_LIST_ROLES, None, "role", asked.path_prefix.as_deref(), "")
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (path, after) = (asked.path_prefix.as_deref().unwrap_or("/"), asked.marker.as_deref().unwrap_or_default());
        let page = identities.list(cx.account, IdentityKind::Role, path, after, paging::count(asked.max_items)).await?;
        let marker = paging::next(&page, |role| role.name.clone());
        let roles = page.items.into_iter().map(show::role_in_list).collect();
        Ok(Reply::with(cx, ListRolesResponse { roles, is_truncated: Some(page.has_more), marker }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn roles_come_in_pages_and_below_a_path() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=a&AssumeRolePolicyDocument={TRUST}"));
        room.ask::<CreateRole>(&format!("RoleName=b&AssumeRolePolicyDocument={TRUST}"));

        let first = room.ask::<ListRoles>("MaxItems=1");
        let last = room.ask::<ListRoles>("MaxItems=1&Marker=a");
        let elsewhere = room.ask::<ListRoles>("PathPrefix=/team/");

        assert_eq!((text(&first, "RoleName"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "RoleName"), text(&last, "IsTruncated")), ("b", "false"));
        assert_eq!(text(&elsewhere, "Roles"), "");
    }
}

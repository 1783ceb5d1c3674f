use crate::{
    iam::{
        model::{ListRolePoliciesRequest, ListRolePoliciesResponse},
        paging, resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListRolePolicies`: lists the names of the policies that were written into a role.
pub struct ListRolePolicies;

impl Operation for ListRolePolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListRolePolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListRolePolicies");
    type Needs = Identities;
    type Request = Filled<ListRolePoliciesRequest>;
    type Response = Reply<ListRolePoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_LIST_ROLE_POLICIES, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page =
            identities.list_inline_policies(cx.account, IdentityKind::Role, &asked.role_name, after, count).await?;
        let marker = paging::next(&page, String::clone);
        Ok(Reply::with(
            cx,
            ListRolePoliciesResponse { is_truncated: Some(page.has_more), marker, policy_names: page.items },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        put_role_policy::PutRolePolicy,
        testing::{PULL, Room, TRUST, text},
    };

    #[test]
    fn the_policies_of_a_role_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        for name in ["a", "b"] {
            room.ask::<PutRolePolicy>(&format!("RoleName=ci&PolicyName={name}&PolicyDocument={PULL}"));
        }

        let first = room.ask::<ListRolePolicies>("RoleName=ci&MaxItems=1");
        let last = room.ask::<ListRolePolicies>("RoleName=ci&Marker=a");

        assert_eq!((text(&first, "member"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "member"), text(&last, "IsTruncated")), ("b", "false"));
    }
}

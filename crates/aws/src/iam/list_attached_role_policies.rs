use crate::{
    iam::{
        model::{ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{AttachedPolicy, Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListAttachedRolePolicies`: lists the managed policies of a role.
pub struct ListAttachedRolePolicies;

impl Operation for ListAttachedRolePolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListAttachedRolePolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListAttachedRolePolicies");
    type Needs = Identities;
    type Request = Filled<ListAttachedRolePoliciesRequest>;
    type Response = Reply<ListAttachedRolePoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_LIST_ATTACHED_ROLE_POLICIES, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page =
            identities.list_attached_policies(cx.account, IdentityKind::Role, &asked.role_name, after, count).await?;
        let marker = paging::next(&page, |policy| policy.arn.clone());
        let below = |policy: &AttachedPolicy| resource::is_below(&policy.arn, asked.path_prefix.as_deref());
        let policies = page.items.into_iter().filter(below).map(show::attached).collect();
        Ok(Reply::with(
            cx,
            ListAttachedRolePoliciesResponse {
                attached_policies: Some(policies),
                is_truncated: Some(page.has_more),
                marker,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_role_policy::AttachRolePolicy,
        create_role::CreateRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn the_managed_policies_of_a_role_are_named_and_can_be_asked_for_below_a_path() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        room.ask::<AttachRolePolicy>("RoleName=ci&PolicyArn=arn:aws:iam::aws:policy/gantry/push");

        let answer = room.ask::<ListAttachedRolePolicies>("RoleName=ci");
        let elsewhere = room.ask::<ListAttachedRolePolicies>("RoleName=ci&PathPrefix=/team/");

        assert_eq!(text(&answer, "PolicyName"), "push");
        assert_eq!(text(&answer, "PolicyArn"), "arn:aws:iam::aws:policy/gantry/push");
        assert_eq!((text(&elsewhere, "AttachedPolicies"), text(&elsewhere, "IsTruncated")), ("", "false"));
    }
}

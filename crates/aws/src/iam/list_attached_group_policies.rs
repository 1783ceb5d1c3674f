use crate::{
    iam::{
        model::{ListAttachedGroupPoliciesRequest, ListAttachedGroupPoliciesResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{AttachedPolicy, Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListAttachedGroupPolicies`: lists the managed policies of a group.
pub struct ListAttachedGroupPolicies;

impl Operation for ListAttachedGroupPolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListAttachedGroupPolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListAttachedGroupPolicies");
    type Needs = Identities;
    type Request = Filled<ListAttachedGroupPoliciesRequest>;
    type Response = Reply<ListAttachedGroupPoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_LIST_ATTACHED_GROUP_POLICIES, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page =
            identities.list_attached_policies(cx.account, IdentityKind::Group, &asked.group_name, after, count).await?;
        let marker = paging::next(&page, |policy| policy.arn.clone());
        let below = |policy: &AttachedPolicy| resource::is_below(&policy.arn, asked.path_prefix.as_deref());
        let policies = page.items.into_iter().filter(below).map(show::attached).collect();
        Ok(Reply::with(
            cx,
            ListAttachedGroupPoliciesResponse {
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
        attach_group_policy::AttachGroupPolicy,
        create_group::CreateGroup,
        testing::{Room, text},
    };

    #[test]
    fn the_managed_policies_of_a_group_are_named_and_can_be_asked_for_below_a_path() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        room.ask::<AttachGroupPolicy>("GroupName=ops&PolicyArn=arn:aws:iam::aws:policy/gantry/push");

        let answer = room.ask::<ListAttachedGroupPolicies>("GroupName=ops");
        let elsewhere = room.ask::<ListAttachedGroupPolicies>("GroupName=ops&PathPrefix=/team/");

        assert_eq!(text(&answer, "PolicyName"), "push");
        assert_eq!(text(&answer, "PolicyArn"), "arn:aws:iam::aws:policy/gantry/push");
        assert_eq!((text(&elsewhere, "AttachedPolicies"), text(&elsewhere, "IsTruncated")), ("", "false"));
    }
}

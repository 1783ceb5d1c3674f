use crate::{
    iam::{
        model::{ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{AttachedPolicy, Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListAttachedUserPolicies`: lists the managed policies of a user.
pub struct ListAttachedUserPolicies;

impl Operation for ListAttachedUserPolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListAttachedUserPolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListAttachedUserPolicies");
    type Needs = Identities;
    type Request = Filled<ListAttachedUserPoliciesRequest>;
    type Response = Reply<ListAttachedUserPoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_LIST_ATTACHED_USER_POLICIES, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page =
            identities.list_attached_policies(cx.account, IdentityKind::User, &asked.user_name, after, count).await?;
        let marker = paging::next(&page, |policy| policy.arn.clone());
        let below = |policy: &AttachedPolicy| resource::is_below(&policy.arn, asked.path_prefix.as_deref());
        let policies = page.items.into_iter().filter(below).map(show::attached).collect();
        Ok(Reply::with(
            cx,
            ListAttachedUserPoliciesResponse {
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
        attach_user_policy::AttachUserPolicy,
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn the_managed_policies_of_a_user_are_named_and_can_be_asked_for_below_a_path() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<AttachUserPolicy>("UserName=ann&PolicyArn=arn:aws:iam::aws:policy/gantry/push");

        let answer = room.ask::<ListAttachedUserPolicies>("UserName=ann");
        let elsewhere = room.ask::<ListAttachedUserPolicies>("UserName=ann&PathPrefix=/team/");

        assert_eq!(text(&answer, "PolicyName"), "push");
        assert_eq!(text(&answer, "PolicyArn"), "arn:aws:iam::aws:policy/gantry/push");
        assert_eq!((text(&elsewhere, "AttachedPolicies"), text(&elsewhere, "IsTruncated")), ("", "false"));
    }
}

use crate::{
    iam::{
        model::{ListUserPoliciesRequest, ListUserPoliciesResponse},
        paging, resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListUserPolicies`: lists the names of the policies that were written into a user.
pub struct ListUserPolicies;

impl Operation for ListUserPolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListUserPolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListUserPolicies");
    type Needs = Identities;
    type Request = Filled<ListUserPoliciesRequest>;
    type Response = Reply<ListUserPoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_LIST_USER_POLICIES, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page =
            identities.list_inline_policies(cx.account, IdentityKind::User, &asked.user_name, after, count).await?;
        let marker = paging::next(&page, String::clone);
        Ok(Reply::with(
            cx,
            ListUserPoliciesResponse { is_truncated: Some(page.has_more), marker, policy_names: page.items },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        put_user_policy::PutUserPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn the_policies_of_a_user_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        for name in ["a", "b"] {
            room.ask::<PutUserPolicy>(&format!("UserName=ann&PolicyName={name}&PolicyDocument={PULL}"));
        }

        let first = room.ask::<ListUserPolicies>("UserName=ann&MaxItems=1");
        let last = room.ask::<ListUserPolicies>("UserName=ann&Marker=a");

        assert_eq!((text(&first, "member"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "member"), text(&last, "IsTruncated")), ("b", "false"));
    }
}

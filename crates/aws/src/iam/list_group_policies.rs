use crate::{
    iam::{
        model::{ListGroupPoliciesRequest, ListGroupPoliciesResponse},
        paging, resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListGroupPolicies`: lists the names of the policies that were written into a group.
pub struct ListGroupPolicies;

impl Operation for ListGroupPolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListGroupPolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListGroupPolicies");
    type Needs = Identities;
    type Request = Filled<ListGroupPoliciesRequest>;
    type Response = Reply<ListGroupPoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_LIST_GROUP_POLICIES, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page =
            identities.list_inline_policies(cx.account, IdentityKind::Group, &asked.group_name, after, count).await?;
        let marker = paging::next(&page, String::clone);
        Ok(Reply::with(
            cx,
            ListGroupPoliciesResponse { is_truncated: Some(page.has_more), marker, policy_names: page.items },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        put_group_policy::PutGroupPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn the_policies_of_a_group_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        for name in ["a", "b"] {
            room.ask::<PutGroupPolicy>(&format!("GroupName=ops&PolicyName={name}&PolicyDocument={PULL}"));
        }

        let first = room.ask::<ListGroupPolicies>("GroupName=ops&MaxItems=1");
        let last = room.ask::<ListGroupPolicies>("GroupName=ops&Marker=a");

        assert_eq!((text(&first, "member"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "member"), text(&last, "IsTruncated")), ("b", "false"));
    }
}

use crate::{
    iam::{
        model::{ListGroupsRequest, ListGroupsResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListGroups`: lists the groups of the account.
pub struct ListGroups;

impl Operation for ListGroups {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListGroups";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListGroups");
    type Needs = Identities;
    type Request = Filled<ListGroupsRequest>;
    type Response = Reply<ListGroupsResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::made(action::IAM_LIST_GROUPS, None, "group", asked.path_prefix.as_deref(), "")
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (path, after) = (asked.path_prefix.as_deref().unwrap_or("/"), asked.marker.as_deref().unwrap_or_default());
        let page =
            identities.list(cx.account, IdentityKind::Group, path, after, paging::count(asked.max_items)).await?;
        let marker = paging::next(&page, |group| group.name.clone());
        let groups = page.items.into_iter().map(show::group).collect();
        Ok(Reply::with(cx, ListGroupsResponse { groups, is_truncated: Some(page.has_more), marker }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        testing::{Room, text},
    };

    #[test]
    fn groups_come_in_pages_and_below_a_path() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=a");
        room.ask::<CreateGroup>("GroupName=b");

        let first = room.ask::<ListGroups>("MaxItems=1");
        let last = room.ask::<ListGroups>("MaxItems=1&Marker=a");
        let elsewhere = room.ask::<ListGroups>("PathPrefix=/team/");

        assert_eq!((text(&first, "GroupName"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "GroupName"), text(&last, "IsTruncated")), ("b", "false"));
        assert_eq!(text(&elsewhere, "Groups"), "");
    }
}

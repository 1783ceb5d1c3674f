use crate::{
    iam::{
        model::{ListGroupsForUserRequest, ListGroupsForUserResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListGroupsForUser`: lists the groups of a user.
pub struct ListGroupsForUser;

impl Operation for ListGroupsForUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListGroupsForUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListGroupsForUser");
    type Needs = Identities;
    type Request = Filled<ListGroupsForUserRequest>;
    type Response = Reply<ListGroupsForUserResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_LIST_GROUPS_FOR_USER, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page = identities.list_groups_of(cx.account, &asked.user_name, after, count).await?;
        let marker = paging::next(&page, |group| group.name.clone());
        let groups = page.items.into_iter().map(show::group).collect();
        Ok(Reply::with(cx, ListGroupsForUserResponse { groups, is_truncated: Some(page.has_more), marker }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        add_user_to_group::AddUserToGroup,
        create_group::CreateGroup,
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn the_groups_of_a_user_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        for name in ["a", "b"] {
            room.ask::<CreateGroup>(&format!("GroupName={name}"));
            room.ask::<AddUserToGroup>(&format!("GroupName={name}&UserName=ann"));
        }

        let first = room.ask::<ListGroupsForUser>("UserName=ann&MaxItems=1");
        let last = room.ask::<ListGroupsForUser>("UserName=ann&Marker=a");

        assert_eq!((text(&first, "GroupName"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "GroupName"), text(&last, "IsTruncated")), ("b", "false"));
    }
}

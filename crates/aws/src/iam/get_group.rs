use crate::{
    iam::{
        model::{GetGroupRequest, GetGroupResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetGroup`: reads a group and who is in it.
pub struct GetGroup;

impl Operation for GetGroup {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetGroup");
    type Needs = Identities;
    type Request = Filled<GetGroupRequest>;
    type Response = Reply<GetGroupResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_GET_GROUP, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let group = identities.load(cx.account, IdentityKind::Group, &asked.group_name).await?;
        let page = identities.list_members(cx.account, &asked.group_name, after, count).await?;
        let marker = paging::next(&page, |user| user.name.clone());
        let users = page.items.into_iter().map(show::user_in_list).collect();
        Ok(Reply::with(
            cx,
            GetGroupResponse { group: show::group(group), is_truncated: Some(page.has_more), marker, users },
        ))
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
    fn the_members_of_a_group_come_in_pages() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        for name in ["ann", "bob"] {
            room.ask::<CreateUser>(&format!("UserName={name}"));
            room.ask::<AddUserToGroup>(&format!("GroupName=ops&UserName={name}"));
        }

        let first = room.ask::<GetGroup>("GroupName=ops&MaxItems=1");
        let last = room.ask::<GetGroup>("GroupName=ops&Marker=ann");

        assert_eq!((text(&first, "GroupName"), text(&first, "UserName")), ("ops", "ann"));
        assert_eq!((text(&first, "IsTruncated"), text(&last, "UserName")), ("true", "bob"));
    }
}

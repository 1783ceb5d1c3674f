use crate::{
    iam::{
        model::{ListUsersRequest, ListUsersResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListUsers`: lists the users of the account.
pub struct ListUsers;

impl Operation for ListUsers {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListUsers";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListUsers");
    type Needs = Identities;
    type Request = Filled<ListUsersRequest>;
    type Response = Reply<ListUsersResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::made(action::IAM_LIST_USERS, None, "user", asked.path_prefix.as_deref(), "")
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (path, after) = (asked.path_prefix.as_deref().unwrap_or("/"), asked.marker.as_deref().unwrap_or_default());
        let page = identities.list(cx.account, IdentityKind::User, path, after, paging::count(asked.max_items)).await?;
        let marker = paging::next(&page, |user| user.name.clone());
        let users = page.items.into_iter().map(show::user_in_list).collect();
        Ok(Reply::with(cx, ListUsersResponse { users, is_truncated: Some(page.has_more), marker }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn users_come_in_pages_and_below_a_path() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=a");
        room.ask::<CreateUser>("UserName=b");

        let first = room.ask::<ListUsers>("MaxItems=1");
        let last = room.ask::<ListUsers>("MaxItems=1&Marker=a");
        let elsewhere = room.ask::<ListUsers>("PathPrefix=/team/");

        assert_eq!((text(&first, "UserName"), text(&first, "Marker")), ("a", "a"));
        assert_eq!((text(&last, "UserName"), text(&last, "IsTruncated")), ("b", "false"));
        assert_eq!(text(&elsewhere, "Users"), "");
    }
}

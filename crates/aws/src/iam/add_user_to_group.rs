use crate::{
    iam::{model::AddUserToGroupRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:AddUserToGroup`: puts a user into a group.
pub struct AddUserToGroup;

impl Operation for AddUserToGroup {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:AddUserToGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AddUserToGroup");
    type Needs = Identities;
    type Request = Filled<AddUserToGroupRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_ADD_USER_TO_GROUP, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.add_to_group(cx, &asked.group_name, &asked.user_name).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        create_user::CreateUser,
        list_groups_for_user::ListGroupsForUser,
        testing::{Room, text},
    };

    #[test]
    fn only_a_user_that_is_there_gets_into_a_group() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<CreateGroup>("GroupName=ops");

        room.ask::<AddUserToGroup>("GroupName=ops&UserName=ann");
        let refused = room.ask::<AddUserToGroup>("GroupName=ops&UserName=bob");

        assert_eq!(text(&room.ask::<ListGroupsForUser>("UserName=ann"), "GroupName"), "ops");
        assert_eq!(text(&refused, "Code"), "NoSuchEntity");
    }
}

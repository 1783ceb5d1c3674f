use crate::{
    iam::{model::RemoveUserFromGroupRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:RemoveUserFromGroup`: takes a user out of a group.
pub struct RemoveUserFromGroup;

impl Operation for RemoveUserFromGroup {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:RemoveUserFromGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=RemoveUserFromGroup");
    type Needs = Identities;
    type Request = Filled<RemoveUserFromGroupRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_REMOVE_USER_FROM_GROUP, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.remove_from_group(cx, &asked.group_name, &asked.user_name).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        add_user_to_group::AddUserToGroup,
        create_group::CreateGroup,
        create_user::CreateUser,
        delete_group::DeleteGroup,
        testing::{Room, text},
    };

    #[test]
    fn a_group_without_members_can_be_removed() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<CreateGroup>("GroupName=ops");
        room.ask::<AddUserToGroup>("GroupName=ops&UserName=ann");

        let early = room.ask::<DeleteGroup>("GroupName=ops");
        room.ask::<RemoveUserFromGroup>("GroupName=ops&UserName=ann");
        let removed = room.ask::<DeleteGroup>("GroupName=ops");

        assert_eq!(text(&early, "Code"), "DeleteConflict");
        assert!(!removed.contains("Error"), "{removed}");
    }
}

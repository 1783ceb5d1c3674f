use crate::{
    iam::{model::DeleteGroupRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteGroup`: removes a group that nobody is in, and that has no policies.
pub struct DeleteGroup;

impl Operation for DeleteGroup {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteGroup");
    type Needs = Identities;
    type Request = Filled<DeleteGroupRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_DELETE_GROUP, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete(cx, IdentityKind::Group, &asked.group_name).await?;
        Ok(Reply::done(cx))
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
    fn a_group_that_is_gone_is_not_found() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");

        let gone = room.ask::<DeleteGroup>("GroupName=ops");
        let again = room.ask::<DeleteGroup>("GroupName=ops");

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}

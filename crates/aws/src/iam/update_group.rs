use crate::{
    iam::{model::UpdateGroupRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UpdateGroup`: gives a group another name or path.
pub struct UpdateGroup;

impl Operation for UpdateGroup {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateGroup";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateGroup");
    type Needs = Identities;
    type Request = Filled<UpdateGroupRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_UPDATE_GROUP, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (name, path) = (asked.new_group_name.as_deref(), asked.new_path.as_deref());
        identities.rename(cx, IdentityKind::Group, &asked.group_name, name, path).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_group_policy::AttachGroupPolicy,
        create_group::CreateGroup,
        get_group::GetGroup,
        list_attached_group_policies::ListAttachedGroupPolicies,
        testing::{Room, text},
    };

    #[test]
    fn a_group_moves_with_what_it_has() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        room.ask::<AttachGroupPolicy>("GroupName=ops&PolicyArn=arn:aws:iam::aws:policy/gantry/push");

        room.ask::<UpdateGroup>("GroupName=ops&NewGroupName=new&NewPath=/team/");

        assert_eq!(text(&room.ask::<GetGroup>("GroupName=new"), "Path"), "/team/");
        assert_eq!(text(&room.ask::<ListAttachedGroupPolicies>("GroupName=new"), "PolicyName"), "push");
        assert_eq!(text(&room.ask::<GetGroup>("GroupName=ops"), "Code"), "NoSuchEntity");
    }
}

use crate::{
    iam::{model::UpdateUserRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UpdateUser`: gives a user another name or path.
pub struct UpdateUser;

impl Operation for UpdateUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateUser");
    type Needs = Identities;
    type Request = Filled<UpdateUserRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_UPDATE_USER, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (name, path) = (asked.new_user_name.as_deref(), asked.new_path.as_deref());
        identities.rename(cx, IdentityKind::User, &asked.user_name, name, path).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_user_policy::AttachUserPolicy,
        create_user::CreateUser,
        get_user::GetUser,
        list_attached_user_policies::ListAttachedUserPolicies,
        testing::{Room, text},
    };

    #[test]
    fn a_user_moves_with_what_it_has() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<AttachUserPolicy>("UserName=ann&PolicyArn=arn:aws:iam::aws:policy/gantry/push");

        room.ask::<UpdateUser>("UserName=ann&NewUserName=new&NewPath=/team/");

        assert_eq!(text(&room.ask::<GetUser>("UserName=new"), "Path"), "/team/");
        assert_eq!(text(&room.ask::<ListAttachedUserPolicies>("UserName=new"), "PolicyName"), "push");
        assert_eq!(text(&room.ask::<GetUser>("UserName=ann"), "Code"), "NoSuchEntity");
    }
}

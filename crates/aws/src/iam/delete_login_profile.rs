use crate::{
    iam::{model::DeleteLoginProfileRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteLoginProfile`: takes the password from a user.
pub struct DeleteLoginProfile;

impl Operation for DeleteLoginProfile {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteLoginProfile";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteLoginProfile");
    type Needs = Identities;
    type Request = Filled<DeleteLoginProfileRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_DELETE_LOGIN_PROFILE, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        identities.delete_password(cx, user).await?;
        Ok(Reply::done(cx))
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
    fn a_user_without_one_has_none() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let answer = room.ask::<DeleteLoginProfile>("UserName=ann");

        assert_eq!(text(&answer, "Code"), "NoSuchEntity");
    }
}

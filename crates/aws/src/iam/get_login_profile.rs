use crate::{
    iam::{
        model::{GetLoginProfileRequest, GetLoginProfileResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetLoginProfile`: whether a user has a password.
pub struct GetLoginProfile;

impl Operation for GetLoginProfile {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetLoginProfile";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetLoginProfile");
    type Needs = Identities;
    type Request = Filled<GetLoginProfileRequest>;
    type Response = Reply<GetLoginProfileResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_GET_LOGIN_PROFILE, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        let found = identities.load_login_profile(cx.account, user).await?;
        Ok(Reply::with(cx, GetLoginProfileResponse { login_profile: show::login_profile(found) }))
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

        let answer = room.ask::<GetLoginProfile>("UserName=ann");

        assert_eq!(text(&answer, "Code"), "NoSuchEntity");
        assert_eq!(text(&answer, "Message"), "Login Profile for User ann cannot be found.");
    }
}

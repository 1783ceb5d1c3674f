use crate::{
    iam::{model::DeleteLoginProfileRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteLoginProfile`: nobody has a password for a console here.
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
        identities.load(cx.account, IdentityKind::User, user).await?;
        Err(show::no_login_profile(user))
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
    fn no_user_has_one() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let answer = room.ask::<DeleteLoginProfile>("UserName=ann");

        assert_eq!(text(&answer, "Code"), "NoSuchEntity");
    }
}

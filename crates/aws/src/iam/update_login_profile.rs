use crate::{
    iam::{model::UpdateLoginProfileRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, PasswordChange};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::{Cx, Secret};

/// `iam:UpdateLoginProfile`: gives a user another password, or says that it must be changed.
pub struct UpdateLoginProfile;

impl Operation for UpdateLoginProfile {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateLoginProfile";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateLoginProfile");
    type Needs = Identities;
    type Request = Filled<UpdateLoginProfileRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_UPDATE_LOGIN_PROFILE, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (user, must_change) = (&asked.user_name, asked.password_reset_required);
        match asked.password.map(Secret::new) {
            Some(password) => {
                let must_change = must_change.unwrap_or_default();
                identities.put_password(cx, user, &password, must_change, PasswordChange::Update).await?;
            }
            None => {
                identities.set_password_must_change(cx, user, must_change.unwrap_or_default()).await?;
            }
        }
        Ok(Reply::done(cx))
    }
}

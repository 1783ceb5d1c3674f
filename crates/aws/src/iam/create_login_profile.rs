use crate::{
    iam::{
        model::{CreateLoginProfileRequest, CreateLoginProfileResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, PasswordChange};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::{Cx, Secret};

/// `iam:CreateLoginProfile`: gives a user a password, for docker and `/api/v1`.
pub struct CreateLoginProfile;

impl Operation for CreateLoginProfile {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateLoginProfile";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateLoginProfile");
    type Needs = Identities;
    type Request = Filled<CreateLoginProfileRequest>;
    type Response = Reply<CreateLoginProfileResponse>;

    fn access(Filled(asked): &Self::Request, cx: &Cx) -> Vec<Access> {
        resource::user_or_root(action::IAM_CREATE_LOGIN_PROFILE, asked.user_name.as_deref(), &cx.actor)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let user = resource::load_user(asked.user_name.as_deref(), &cx.actor)?;
        let password = Secret::new(asked.password.ok_or_else(show::no_password)?);
        let must_change = asked.password_reset_required.unwrap_or_default();
        let made = identities.put_password(cx, user, &password, must_change, PasswordChange::Create).await?;
        Ok(Reply::with(cx, CreateLoginProfileResponse { login_profile: show::login_profile(made) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        delete_login_profile::DeleteLoginProfile,
        delete_user::DeleteUser,
        get_login_profile::GetLoginProfile,
        testing::{Room, text},
        update_login_profile::UpdateLoginProfile,
    };

    #[test]
    fn a_user_has_one_password_until_it_is_deleted() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let password = "UserName=ann&Password=correct-horse-battery";

        let made = room.ask::<CreateLoginProfile>(&format!("{password}&PasswordResetRequired=true"));
        let twice = room.ask::<CreateLoginProfile>(password);
        let found = room.ask::<GetLoginProfile>("UserName=ann");
        let held = room.ask::<DeleteUser>("UserName=ann");
        room.ask::<DeleteLoginProfile>("UserName=ann");
        let gone = room.ask::<GetLoginProfile>("UserName=ann");

        assert_eq!((text(&made, "UserName"), text(&made, "PasswordResetRequired")), ("ann", "true"));
        assert!(!made.contains("horse"), "{made}");
        assert_eq!(text(&twice, "Code"), "EntityAlreadyExists");
        assert_eq!(text(&found, "PasswordResetRequired"), "true");
        assert_eq!(text(&held, "Message"), "Cannot delete entity, must delete login profile first.");
        assert_eq!(text(&gone, "Code"), "NoSuchEntity");
    }

    #[test]
    fn a_password_is_long_enough_or_refused() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let short = room.ask::<CreateLoginProfile>("UserName=ann&Password=short");
        room.ask::<CreateLoginProfile>("UserName=ann&Password=correct-horse-battery");
        let changed = room.ask::<UpdateLoginProfile>("UserName=ann&Password=short");
        let reset = room.ask::<UpdateLoginProfile>("UserName=ann&PasswordResetRequired=true");

        assert_eq!(text(&short, "Code"), "PasswordPolicyViolation");
        assert_eq!(text(&changed, "Code"), "PasswordPolicyViolation");
        assert!(reset.contains("UpdateLoginProfileResponse"), "{reset}");
        assert_eq!(text(&room.ask::<GetLoginProfile>("UserName=ann"), "PasswordResetRequired"), "true");
    }
}

use crate::{
    iam::{model::DeleteUserRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteUser`: removes a user that nothing belongs to any more.
pub struct DeleteUser;

impl Operation for DeleteUser {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteUser";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteUser");
    type Needs = Identities;
    type Request = Filled<DeleteUserRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_DELETE_USER, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete(cx, IdentityKind::User, &asked.user_name).await?;
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
    fn a_user_that_is_gone_is_not_found() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let gone = room.ask::<DeleteUser>("UserName=ann");
        let again = room.ask::<DeleteUser>("UserName=ann");

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}

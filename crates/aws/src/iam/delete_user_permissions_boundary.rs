use crate::{
    iam::{model::DeleteUserPermissionsBoundaryRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteUserPermissionsBoundary`: bounds a user no longer.
pub struct DeleteUserPermissionsBoundary;

impl Operation for DeleteUserPermissionsBoundary {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteUserPermissionsBoundary";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteUserPermissionsBoundary");
    type Needs = Identities;
    type Request = Filled<DeleteUserPermissionsBoundaryRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_DELETE_USER_PERMISSIONS_BOUNDARY, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_boundary(cx, IdentityKind::User, &asked.user_name, None).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser, get_user::GetUser, put_user_permissions_boundary::PutUserPermissionsBoundary,
        testing::Room,
    };

    #[test]
    fn a_user_that_was_bounded_is_free_again() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<PutUserPermissionsBoundary>("UserName=ann&PermissionsBoundary=arn:aws:iam::aws:policy/gantry/pull");

        room.ask::<DeleteUserPermissionsBoundary>("UserName=ann");

        assert!(!room.ask::<GetUser>("UserName=ann").contains("PermissionsBoundary"));
    }
}

use crate::{
    iam::{model::PutUserPermissionsBoundaryRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:PutUserPermissionsBoundary`: bounds a user by a managed policy.
pub struct PutUserPermissionsBoundary;

impl Operation for PutUserPermissionsBoundary {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:PutUserPermissionsBoundary";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=PutUserPermissionsBoundary");
    type Needs = Identities;
    type Request = Filled<PutUserPermissionsBoundaryRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_boundary(resource::user(action::IAM_PUT_USER_PERMISSIONS_BOUNDARY, &asked.user_name), Some(&asked.permissions_boundary))
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_boundary(cx, IdentityKind::User, &asked.user_name, Some(&asked.permissions_boundary)).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        get_user::GetUser,
        testing::{Room, text},
    };

    #[test]
    fn a_user_tells_what_bounds_it() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        room.ask::<PutUserPermissionsBoundary>("UserName=ann&PermissionsBoundary=arn:aws:iam::aws:policy/gantry/pull");
        let refused =
            room.ask::<PutUserPermissionsBoundary>("UserName=ann&PermissionsBoundary=arn:aws:iam::aws:policy/none");

        let answer = room.ask::<GetUser>("UserName=ann");
        assert_eq!(text(&answer, "PermissionsBoundaryArn"), "arn:aws:iam::aws:policy/gantry/pull");
        assert_eq!(text(&refused, "Code"), "NoSuchEntity");
    }
}

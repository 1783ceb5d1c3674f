use crate::{
    iam::{model::DeleteRolePermissionsBoundaryRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteRolePermissionsBoundary`: bounds a role no longer.
pub struct DeleteRolePermissionsBoundary;

impl Operation for DeleteRolePermissionsBoundary {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteRolePermissionsBoundary";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteRolePermissionsBoundary");
    type Needs = Identities;
    type Request = Filled<DeleteRolePermissionsBoundaryRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_boundary(cx, IdentityKind::Role, &asked.role_name, None).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        get_role::GetRole,
        put_role_permissions_boundary::PutRolePermissionsBoundary,
        testing::{Room, TRUST},
    };

    #[test]
    fn a_role_that_was_bounded_is_free_again() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        room.ask::<PutRolePermissionsBoundary>("RoleName=ci&PermissionsBoundary=arn:aws:iam::aws:policy/gantry/pull");

        room.ask::<DeleteRolePermissionsBoundary>("RoleName=ci");

        assert!(!room.ask::<GetRole>("RoleName=ci").contains("PermissionsBoundary"));
    }
}

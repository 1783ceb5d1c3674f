use crate::{
    iam::{model::PutRolePermissionsBoundaryRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:PutRolePermissionsBoundary`: bounds a role by a managed policy.
pub struct PutRolePermissionsBoundary;

impl Operation for PutRolePermissionsBoundary {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:PutRolePermissionsBoundary";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=PutRolePermissionsBoundary");
    type Needs = Identities;
    type Request = Filled<PutRolePermissionsBoundaryRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_boundary(resource::role(action::IAM_PUT_ROLE_PERMISSIONS_BOUNDARY, &asked.role_name), Some(&asked.permissions_boundary))
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.set_boundary(cx, IdentityKind::Role, &asked.role_name, Some(&asked.permissions_boundary)).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        get_role::GetRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn a_role_tells_what_bounds_it() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        room.ask::<PutRolePermissionsBoundary>("RoleName=ci&PermissionsBoundary=arn:aws:iam::aws:policy/gantry/pull");
        let refused =
            room.ask::<PutRolePermissionsBoundary>("RoleName=ci&PermissionsBoundary=arn:aws:iam::aws:policy/none");

        let answer = room.ask::<GetRole>("RoleName=ci");
        assert_eq!(text(&answer, "PermissionsBoundaryArn"), "arn:aws:iam::aws:policy/gantry/pull");
        assert_eq!(text(&refused, "Code"), "NoSuchEntity");
    }
}

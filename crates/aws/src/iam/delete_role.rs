use crate::{
    iam::{model::DeleteRoleRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteRole`: removes a role that nothing belongs to any more.
pub struct DeleteRole;

impl Operation for DeleteRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteRole");
    type Needs = Identities;
    type Request = Filled<DeleteRoleRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_DELETE_ROLE, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete(cx, IdentityKind::Role, &asked.role_name).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn a_role_that_is_gone_is_not_found() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        let gone = room.ask::<DeleteRole>("RoleName=ci");
        let again = room.ask::<DeleteRole>("RoleName=ci");

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}

use crate::{
    iam::{
        model::{UpdateRoleDescriptionRequest, UpdateRoleDescriptionResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UpdateRoleDescription`: changes what a role is for.
pub struct UpdateRoleDescription;

impl Operation for UpdateRoleDescription {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateRoleDescription";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateRoleDescription");
    type Needs = Identities;
    type Request = Filled<UpdateRoleDescriptionRequest>;
    type Response = Reply<UpdateRoleDescriptionResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_UPDATE_ROLE_DESCRIPTION, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.update_role(cx, &asked.role_name, Some(&asked.description), None).await?;
        let found = identities.load(cx.account, IdentityKind::Role, &asked.role_name).await?;
        Ok(Reply::with(cx, UpdateRoleDescriptionResponse { role: Some(show::role(found)) }))
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
    fn a_role_is_described_anew() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        let answer = room.ask::<UpdateRoleDescription>("RoleName=ci&Description=builds");

        assert_eq!(text(&answer, "Description"), "builds");
    }
}

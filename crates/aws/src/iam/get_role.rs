use crate::{
    iam::{
        model::{GetRoleRequest, GetRoleResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetRole`: reads a role.
pub struct GetRole;

impl Operation for GetRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetRole");
    type Needs = Identities;
    type Request = Filled<GetRoleRequest>;
    type Response = Reply<GetRoleResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_GET_ROLE, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let mut found = identities.load(cx.account, IdentityKind::Role, &asked.role_name).await?;
        let trust = identities.shown_trust(&found).await?;
        if let Some(role) = &mut found.role {
            role.trust = trust;
        }
        Ok(Reply::with(cx, GetRoleResponse { role: show::role(found) }))
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
    fn a_role_shows_who_may_take_it() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        let found = room.ask::<GetRole>("RoleName=CI");

        assert_eq!((text(&found, "RoleName"), text(&found, "MaxSessionDuration")), ("ci", "3600"));
        assert_eq!(text(&found, "AssumeRolePolicyDocument"), show::document(TRUST));
    }
}

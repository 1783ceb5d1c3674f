use crate::{
    iam::{
        model::{UpdateRoleRequest, UpdateRoleResponse},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UpdateRole`: changes what a role is for, and how long its sessions last.
pub struct UpdateRole;

impl Operation for UpdateRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UpdateRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UpdateRole");
    type Needs = Identities;
    type Request = Filled<UpdateRoleRequest>;
    type Response = Reply<UpdateRoleResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_UPDATE_ROLE, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let seconds = asked.max_session_duration.and_then(|seconds| u32::try_from(seconds).ok());
        identities.update_role(cx, &asked.role_name, asked.description.as_deref(), seconds).await?;
        Ok(Reply::with(cx, UpdateRoleResponse {}))
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
    fn what_is_not_named_stays_as_it_is_in_a_role() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        room.ask::<UpdateRole>("RoleName=ci&Description=builds");
        room.ask::<UpdateRole>("RoleName=ci&MaxSessionDuration=7200");
        let refused = room.ask::<UpdateRole>("RoleName=ci&MaxSessionDuration=60");

        let found = room.ask::<GetRole>("RoleName=ci");
        assert_eq!((text(&found, "Description"), text(&found, "MaxSessionDuration")), ("builds", "7200"));
        assert_eq!(text(&refused, "Code"), "ValidationError");
    }
}

use crate::{
    iam::{
        model::{ListInstanceProfilesForRoleRequest, ListInstanceProfilesForRoleResponse},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListInstanceProfilesForRole`: a role is in no profile of a machine here.
pub struct ListInstanceProfilesForRole;

impl Operation for ListInstanceProfilesForRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListInstanceProfilesForRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListInstanceProfilesForRole");
    type Needs = Identities;
    type Request = Filled<ListInstanceProfilesForRoleRequest>;
    type Response = Reply<ListInstanceProfilesForRoleResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::role(action::IAM_LIST_INSTANCE_PROFILES_FOR_ROLE, &asked.role_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.load(cx.account, IdentityKind::Role, &asked.role_name).await?;
        Ok(Reply::with(
            cx,
            ListInstanceProfilesForRoleResponse { instance_profiles: vec![], is_truncated: Some(false), marker: None },
        ))
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
    fn the_list_is_empty_for_a_role_that_is_there() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        let answer = room.ask::<ListInstanceProfilesForRole>("RoleName=ci");

        assert_eq!((text(&answer, "InstanceProfiles"), text(&answer, "IsTruncated")), ("", "false"));
        assert_eq!(text(&room.ask::<ListInstanceProfilesForRole>("RoleName=no"), "Code"), "NoSuchEntity");
    }
}

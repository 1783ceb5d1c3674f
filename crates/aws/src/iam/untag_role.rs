use crate::{
    iam::{model::UntagRoleRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UntagRole`: removes tags of a role.
pub struct UntagRole;

impl Operation for UntagRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UntagRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UntagRole");
    type Needs = Identities;
    type Request = Filled<UntagRoleRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tag_keys(resource::role(action::IAM_UNTAG_ROLE, &asked.role_name), &asked.tag_keys)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.untag(cx, IdentityKind::Role, &asked.role_name, asked.tag_keys).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        list_role_tags::ListRoleTags,
        tag_role::TagRole,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn a_role_keeps_the_tags_that_are_not_named() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        let tags = "Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=";
        room.ask::<TagRole>(&format!("RoleName=ci&{tags}"));

        room.ask::<UntagRole>("RoleName=ci&TagKeys.member.1=a&TagKeys.member.2=c");

        assert_eq!(text(&room.ask::<ListRoleTags>("RoleName=ci"), "Key"), "b");
    }
}

use crate::{
    iam::{model::TagRoleRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:TagRole`: sets tags of a role.
pub struct TagRole;

impl Operation for TagRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:TagRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=TagRole");
    type Needs = Identities;
    type Request = Filled<TagRoleRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tags(resource::role(action::IAM_TAG_ROLE, &asked.role_name), &asked.tags)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.tag(cx, IdentityKind::Role, &asked.role_name, show::read_tags(&asked.tags)?).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_role::CreateRole,
        list_role_tags::ListRoleTags,
        testing::{Room, TRUST, text},
    };

    #[test]
    fn a_key_is_set_once_whatever_its_case_on_a_role() {
        let room = Room::new();
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));

        room.ask::<TagRole>("RoleName=ci&Tags.member.1.Key=team&Tags.member.1.Value=a");
        room.ask::<TagRole>("RoleName=ci&Tags.member.1.Key=Team&Tags.member.1.Value=b");
        let refused = room.ask::<TagRole>("RoleName=ci&Tags.member.1.Key=%21&Tags.member.1.Value=b");

        let answer = room.ask::<ListRoleTags>("RoleName=ci");
        assert_eq!((answer.matches("<Key>").count(), text(&answer, "Value")), (1, "b"));
        assert_eq!(text(&refused, "Code"), "ValidationError");
    }
}

use crate::{
    iam::{model::AttachGroupPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:AttachGroupPolicy`: gives a managed policy to a group.
pub struct AttachGroupPolicy;

impl Operation for AttachGroupPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:AttachGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AttachGroupPolicy");
    type Needs = Identities;
    type Request = Filled<AttachGroupPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_policy(resource::group(action::IAM_ATTACH_GROUP_POLICY, &asked.group_name), &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.attach_policy(cx, IdentityKind::Group, &asked.group_name, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        testing::{Room, text},
    };

    #[test]
    fn only_a_policy_that_is_there_is_given_to_a_group() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");

        let given = room.ask::<AttachGroupPolicy>("GroupName=ops&PolicyArn=arn:aws:iam::aws:policy/gantry/push");
        let refused = room.ask::<AttachGroupPolicy>("GroupName=ops&PolicyArn=arn:aws:iam::000000000000:policy/none");

        assert!(!given.contains("Error"), "{given}");
        assert_eq!(text(&refused, "Code"), "NoSuchEntity");
    }
}

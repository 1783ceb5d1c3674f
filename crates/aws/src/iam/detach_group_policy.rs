use crate::{
    iam::{model::DetachGroupPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DetachGroupPolicy`: takes a managed policy from a group.
pub struct DetachGroupPolicy;

impl Operation for DetachGroupPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DetachGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DetachGroupPolicy");
    type Needs = Identities;
    type Request = Filled<DetachGroupPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_policy(resource::group(action::IAM_DETACH_GROUP_POLICY, &asked.group_name), &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.detach_policy(cx, IdentityKind::Group, &asked.group_name, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_group_policy::AttachGroupPolicy,
        create_group::CreateGroup,
        testing::{Room, text},
    };

    #[test]
    fn a_policy_is_taken_from_a_group_once() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        let form = "GroupName=ops&PolicyArn=arn:aws:iam::aws:policy/gantry/push";
        room.ask::<AttachGroupPolicy>(form);

        let taken = room.ask::<DetachGroupPolicy>(form);
        let again = room.ask::<DetachGroupPolicy>(form);

        assert!(!taken.contains("Error"), "{taken}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}

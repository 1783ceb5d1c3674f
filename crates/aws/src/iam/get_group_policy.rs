use crate::{
    iam::{
        model::{GetGroupPolicyRequest, GetGroupPolicyResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetGroupPolicy`: reads a policy that was written into a group.
pub struct GetGroupPolicy;

impl Operation for GetGroupPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetGroupPolicy");
    type Needs = Identities;
    type Request = Filled<GetGroupPolicyRequest>;
    type Response = Reply<GetGroupPolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_GET_GROUP_POLICY, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let text = identities
            .load_inline_policy(cx.account, IdentityKind::Group, &asked.group_name, &asked.policy_name)
            .await?;
        Ok(Reply::with(
            cx,
            GetGroupPolicyResponse {
                group_name: asked.group_name,
                policy_document: show::document(&text),
                policy_name: asked.policy_name,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        put_group_policy::PutGroupPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_of_a_group_comes_back_as_it_was_written() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");
        room.ask::<PutGroupPolicy>(&format!("GroupName=ops&PolicyName=pull&PolicyDocument={PULL}"));

        let answer = room.ask::<GetGroupPolicy>("GroupName=ops&PolicyName=pull");
        let other = room.ask::<GetGroupPolicy>("GroupName=ops&PolicyName=other");

        assert_eq!(text(&answer, "PolicyDocument"), show::document(PULL));
        assert_eq!(text(&other, "Code"), "NoSuchEntity");
    }
}

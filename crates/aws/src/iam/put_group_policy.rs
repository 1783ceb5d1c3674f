use crate::{
    iam::{model::PutGroupPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:PutGroupPolicy`: writes a policy into a group, in the place of one of that name.
pub struct PutGroupPolicy;

impl Operation for PutGroupPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:PutGroupPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=PutGroupPolicy");
    type Needs = Identities;
    type Request = Filled<PutGroupPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::group(action::IAM_PUT_GROUP_POLICY, &asked.group_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (name, document) = (&asked.policy_name, &asked.policy_document);
        identities.put_inline_policy(cx, IdentityKind::Group, &asked.group_name, name, document).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_group::CreateGroup,
        testing::{PULL, Room, text},
    };

    #[test]
    fn what_is_no_policy_is_not_written_into_a_group() {
        let room = Room::new();
        room.ask::<CreateGroup>("GroupName=ops");

        let written = room.ask::<PutGroupPolicy>(&format!("GroupName=ops&PolicyName=pull&PolicyDocument={PULL}"));
        let refused = room.ask::<PutGroupPolicy>("GroupName=ops&PolicyName=pull&PolicyDocument={}");

        assert!(!written.contains("Error"), "{written}");
        assert_eq!(text(&refused, "Code"), "MalformedPolicyDocument");
    }
}

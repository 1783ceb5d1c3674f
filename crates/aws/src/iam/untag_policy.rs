use crate::{
    iam::{model::UntagPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:UntagPolicy`: removes tags of a managed policy.
pub struct UntagPolicy;

impl Operation for UntagPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:UntagPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=UntagPolicy");
    type Needs = Identities;
    type Request = Filled<UntagPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tag_keys(resource::arn(action::IAM_UNTAG_POLICY, &asked.policy_arn), &asked.tag_keys)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.untag_policy(cx, &asked.policy_arn, asked.tag_keys).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        list_policy_tags::ListPolicyTags,
        tag_policy::TagPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_tag_is_taken_from_a_policy() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<TagPolicy>(&format!("PolicyArn={arn}&Tags.member.1.Key=team&Tags.member.1.Value=a"));

        room.ask::<UntagPolicy>(&format!("PolicyArn={arn}&TagKeys.member.1=team"));

        assert_eq!(text(&room.ask::<ListPolicyTags>(&format!("PolicyArn={arn}")), "Tags"), "");
    }
}

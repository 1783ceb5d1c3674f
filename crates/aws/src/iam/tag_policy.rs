use crate::{
    iam::{model::TagPolicyRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:TagPolicy`: sets tags of a managed policy.
pub struct TagPolicy;

impl Operation for TagPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:TagPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=TagPolicy");
    type Needs = Identities;
    type Request = Filled<TagPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_tags(resource::arn(action::IAM_TAG_POLICY, &asked.policy_arn), &asked.tags)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.tag_policy(cx, &asked.policy_arn, show::read_tags(&asked.tags)?).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        list_policy_tags::ListPolicyTags,
        testing::{PULL, Room, text},
    };

    #[test]
    fn tags_of_a_policy_lie_over_those_before() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");

        room.ask::<TagPolicy>(&format!("PolicyArn={arn}&Tags.member.1.Key=team&Tags.member.1.Value=a"));
        room.ask::<TagPolicy>(&format!("PolicyArn={arn}&Tags.member.1.Key=team&Tags.member.1.Value=b"));

        assert_eq!(text(&room.ask::<ListPolicyTags>(&format!("PolicyArn={arn}")), "Value"), "b");
    }
}

use crate::{
    iam::{
        model::{ListPolicyTagsRequest, ListPolicyTagsResponse},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListPolicyTags`: lists the tags of a managed policy.
pub struct ListPolicyTags;

impl Operation for ListPolicyTags {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListPolicyTags";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListPolicyTags");
    type Needs = Identities;
    type Request = Filled<ListPolicyTagsRequest>;
    type Response = Reply<ListPolicyTagsResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_LIST_POLICY_TAGS, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.load_policy(cx.account, &asked.policy_arn).await?;
        let page = paging::cut(show::tags(&found.tags), |tag| &tag.key, asked.marker.as_deref(), asked.max_items);
        let marker = paging::next(&page, |tag| tag.key.clone());
        Ok(Reply::with(cx, ListPolicyTagsResponse { is_truncated: Some(page.has_more), marker, tags: page.items }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_has_the_tags_it_was_made_with() {
        let room = Room::new();
        let form = format!("PolicyName=pull&PolicyDocument={PULL}&Tags.member.1.Key=team&Tags.member.1.Value=a");
        let made = room.ask::<CreatePolicy>(&form);

        let answer = room.ask::<ListPolicyTags>(&format!("PolicyArn={}", text(&made, "Arn")));

        assert_eq!((text(&answer, "Key"), text(&answer, "Value")), ("team", "a"));
    }
}

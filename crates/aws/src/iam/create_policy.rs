use crate::{
    iam::{
        model::{CreatePolicyRequest, CreatePolicyResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, NewPolicy};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreatePolicy`: makes a managed policy.
pub struct CreatePolicy;

impl Operation for CreatePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreatePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreatePolicy");
    type Needs = Identities;
    type Request = Filled<CreatePolicyRequest>;
    type Response = Reply<CreatePolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        let tagging = asked.tags.as_ref().map(|_| action::IAM_TAG_POLICY);
        resource::with_tags(resource::made(action::IAM_CREATE_POLICY, tagging, "policy", asked.path.as_deref(), &asked.policy_name), asked.tags.as_deref().unwrap_or_default())
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let new = NewPolicy {
            name: asked.policy_name,
            path: asked.path.unwrap_or_else(|| "/".into()),
            description: asked.description.unwrap_or_default(),
            document: asked.policy_document,
            tags: show::read_tags(&asked.tags.unwrap_or_default())?,
        };
        let made = identities.create_policy(cx, new).await?;
        Ok(Reply::with(cx, CreatePolicyResponse { policy: Some(show::policy(made)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{PULL, Room, text};

    #[test]
    fn a_policy_is_made_with_its_first_version() {
        let room = Room::new();

        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&Path=/team/&PolicyDocument={PULL}"));
        let again = room.ask::<CreatePolicy>(&format!("PolicyName=Pull&PolicyDocument={PULL}"));

        assert_eq!(text(&made, "Arn"), "arn:aws:iam::000000000000:policy/team/pull");
        assert_eq!((text(&made, "DefaultVersionId"), text(&made, "AttachmentCount")), ("v1", "0"));
        assert!(text(&made, "PolicyId").starts_with("ANPA"), "{made}");
        assert_eq!(text(&again, "Code"), "EntityAlreadyExists");
    }
}

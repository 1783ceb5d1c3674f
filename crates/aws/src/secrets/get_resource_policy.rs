use crate::{
    secrets::{
        model::{GetResourcePolicyRequest, GetResourcePolicyResponse},
        resource,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:GetResourcePolicy`: the policy of a secret, as it was written; none is left out.
pub struct GetResourcePolicy;

impl Operation for GetResourcePolicy {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:GetResourcePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.GetResourcePolicy");
    type Needs = Secrets;
    type Request = Asked<GetResourcePolicyRequest>;
    type Response = Answer<GetResourcePolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_GET_RESOURCE_POLICY, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let secret = secrets.load(cx, &input.secret_id).await?;
        Ok(Answer(GetResourcePolicyResponse {
            arn: Some(secret.arn),
            name: Some(secret.name),
            resource_policy: secret.policy,
            policy_name: None,
        }))
    }
}

use crate::{
    secrets::{
        model::{PutResourcePolicyRequest, PutResourcePolicyResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:PutResourcePolicy`: sets the policy of a secret.
pub struct PutResourcePolicy;

impl Operation for PutResourcePolicy {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:PutResourcePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.PutResourcePolicy");
    type Needs = Secrets;
    type Request = Asked<PutResourcePolicyRequest>;
    type Response = Answer<PutResourcePolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_PUT_RESOURCE_POLICY, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        if input.block_public_policy == Some(true) {
            show::refuse_public(&input.resource_policy)?;
        }
        let secret = secrets.change(cx, &input.secret_id, SecretChange::SetPolicy(Some(input.resource_policy))).await?;
        Ok(Answer(PutResourcePolicyResponse { arn: Some(secret.arn), name: Some(secret.name), policy_name: None }))
    }
}

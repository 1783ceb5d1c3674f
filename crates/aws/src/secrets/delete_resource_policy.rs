use crate::{
    secrets::{
        model::{DeleteResourcePolicyRequest, DeleteResourcePolicyResponse},
        resource,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:DeleteResourcePolicy`: removes the policy of a secret.
pub struct DeleteResourcePolicy;

impl Operation for DeleteResourcePolicy {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:DeleteResourcePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.DeleteResourcePolicy");
    type Needs = Secrets;
    type Request = Asked<DeleteResourcePolicyRequest>;
    type Response = Answer<DeleteResourcePolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_DELETE_RESOURCE_POLICY, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let secret = secrets.change(cx, &input.secret_id, SecretChange::SetPolicy(None)).await?;
        Ok(Answer(DeleteResourcePolicyResponse { arn: Some(secret.arn), name: Some(secret.name), policy_name: None }))
    }
}

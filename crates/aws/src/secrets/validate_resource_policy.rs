use crate::{
    secrets::{
        model::{ValidateResourcePolicyRequest, ValidateResourcePolicyResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:ValidateResourcePolicy`: says what is wrong with a policy.
pub struct ValidateResourcePolicy;

impl Operation for ValidateResourcePolicy {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:ValidateResourcePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.ValidateResourcePolicy");
    type Needs = Secrets;
    type Request = Asked<ValidateResourcePolicyRequest>;
    type Response = Answer<ValidateResourcePolicyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let validate = action::SECRETS_VALIDATE_RESOURCE_POLICY;
        vec![asked.input.secret_id.as_deref().map_or_else(|| Access::to(validate), |id| resource::secret(validate, id))]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        if let Some(id) = &input.secret_id {
            secrets.load(cx, id).await?;
        }
        let validation_errors = show::policy_errors(&input.resource_policy);
        let policy_validation_passed = Some(validation_errors.is_empty());
        Ok(Answer(ValidateResourcePolicyResponse { policy_validation_passed, validation_errors: Some(validation_errors) }))
    }
}

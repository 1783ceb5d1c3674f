use crate::{
    secrets::{
        model::{DeleteSecretRequest, DeleteSecretResponse, Epoch},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:DeleteSecret`: has a secret erased after 7 to 30 days, or at once; until then it tells no value.
pub struct DeleteSecret;

impl Operation for DeleteSecret {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:DeleteSecret";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.DeleteSecret");
    type Needs = Secrets;
    type Request = Asked<DeleteSecretRequest>;
    type Response = Answer<DeleteSecretResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_DELETE_SECRET, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let days = show::recovery_days(input.recovery_window_in_days, input.force_delete_without_recovery)?;
        let secret = secrets.change(cx, &input.secret_id, SecretChange::Delete(days)).await?;
        let deletion_date = secret.erased_at.map(Epoch);
        Ok(Answer(DeleteSecretResponse { arn: Some(secret.arn), name: Some(secret.name), deletion_date }))
    }
}

use crate::{
    secrets::{
        model::{RestoreSecretRequest, RestoreSecretResponse},
        resource,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:RestoreSecret`: keeps a secret that was to be erased.
pub struct RestoreSecret;

impl Operation for RestoreSecret {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:RestoreSecret";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.RestoreSecret");
    type Needs = Secrets;
    type Request = Asked<RestoreSecretRequest>;
    type Response = Answer<RestoreSecretResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_RESTORE_SECRET, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let secret = secrets.change(cx, &input.secret_id, SecretChange::Restore).await?;
        Ok(Answer(RestoreSecretResponse { arn: Some(secret.arn), name: Some(secret.name) }))
    }
}

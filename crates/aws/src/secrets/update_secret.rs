use crate::{
    secrets::{
        model::{UpdateSecretRequest, UpdateSecretResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal};
use gantry_accounts::{NewVersion, SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:UpdateSecret`: says anew what a secret is for and under which key it lies, or writes a value.
pub struct UpdateSecret;

impl Operation for UpdateSecret {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:UpdateSecret";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.UpdateSecret");
    type Needs = Secrets;
    type Request = Asked<UpdateSecretRequest>;
    type Response = Answer<UpdateSecretResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        resource::updated(&asked.input)
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_type(input.r#type.as_deref())?;
        let value = show::value(input.secret_string, input.secret_binary)?;
        let mut secret = secrets.load(cx, &input.secret_id).await?;
        if let Some(description) = input.description {
            secret = secrets.change(cx, &secret.arn, SecretChange::Describe(description)).await?;
        }
        if let Some(key) = input.kms_key_id {
            secret = secrets.change(cx, &secret.arn, SecretChange::SetKey(key)).await?;
        }
        let mut version_id = None;
        if let Some(value) = value {
            let token = show::token(secrets, input.client_request_token);
            let written = secrets.put_value(cx, &secret.arn, NewVersion { token, value, stages: Vec::new() }).await?;
            version_id = Some(written.version.id);
        }
        Ok(Answer(UpdateSecretResponse { arn: Some(secret.arn), name: Some(secret.name), version_id }))
    }
}

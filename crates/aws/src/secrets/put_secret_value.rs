use crate::{
    secrets::{
        model::{PutSecretValueRequest, PutSecretValueResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{NewVersion, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:PutSecretValue`: writes a value; what was current is what was before then.
pub struct PutSecretValue;

impl Operation for PutSecretValue {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:PutSecretValue";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.PutSecretValue");
    type Needs = Secrets;
    type Request = Asked<PutSecretValueRequest>;
    type Response = Answer<PutSecretValueResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_PUT_SECRET_VALUE, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let value = show::value(input.secret_string, input.secret_binary)?.ok_or_else(show::no_value)?;
        let token = show::token(secrets, input.client_request_token);
        let new = NewVersion { token, value, stages: input.version_stages.unwrap_or_default() };
        let written = secrets.put_value(cx, &input.secret_id, new).await?;
        Ok(Answer(PutSecretValueResponse {
            arn: Some(written.secret.arn),
            name: Some(written.secret.name),
            version_id: Some(written.version.id),
            version_stages: Some(written.version.stages),
        }))
    }
}

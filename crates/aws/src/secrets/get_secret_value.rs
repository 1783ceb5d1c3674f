use crate::{
    secrets::{
        model::{Epoch, GetSecretValueRequest, GetSecretValueResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Secrets, VersionName};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:GetSecretValue`: a value of a secret: the current one, or that of a version or stage.
pub struct GetSecretValue;

impl Operation for GetSecretValue {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:GetSecretValue";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.GetSecretValue");
    type Needs = Secrets;
    type Request = Asked<GetSecretValueRequest>;
    type Response = Answer<GetSecretValueResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_GET_SECRET_VALUE, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let wanted = VersionName { id: input.version_id, stage: input.version_stage };
        let read = secrets.value(cx, &input.secret_id, &wanted).await?;
        let (secret_string, secret_binary) = show::reveal(&read.value);
        Ok(Answer(GetSecretValueResponse {
            arn: Some(read.secret.arn),
            created_date: Some(Epoch(read.version.created_at)),
            name: Some(read.secret.name),
            secret_binary,
            secret_string,
            version_id: Some(read.version.id),
            version_stages: Some(read.version.stages),
        }))
    }
}

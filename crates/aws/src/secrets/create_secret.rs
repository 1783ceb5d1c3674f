use crate::{
    secrets::{
        model::{CreateSecretRequest, CreateSecretResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal};
use gantry_accounts::{NewSecret, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:CreateSecret`: makes a secret, with a first value or without.
pub struct CreateSecret;

impl Operation for CreateSecret {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:CreateSecret";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.CreateSecret");
    type Needs = Secrets;
    type Request = Asked<CreateSecretRequest>;
    type Response = Answer<CreateSecretResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        resource::made(&asked.input)
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_elsewhere(input.add_replica_regions.as_deref(), input.cross_account_primary_arn.as_deref())?;
        show::refuse_type(input.r#type.as_deref())?;
        let token = show::token(secrets, input.client_request_token);
        let new = NewSecret {
            name: input.name,
            description: input.description.unwrap_or_default(),
            kms_key: input.kms_key_id,
            tags: show::read_tags(input.tags.as_deref().unwrap_or_default())?,
            token: token.clone(),
            value: show::value(input.secret_string, input.secret_binary)?,
        };
        let made = secrets.create(cx, new).await?;
        let version_id = Some(token).filter(|_| !made.versions.is_empty());
        Ok(Answer(CreateSecretResponse { arn: Some(made.arn), name: Some(made.name), version_id, replication_status: None }))
    }
}

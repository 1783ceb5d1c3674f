use crate::{
    secrets::{
        model::{UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse},
        resource,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:UpdateSecretVersionStage`: gives a stage to another version, or to none.
pub struct UpdateSecretVersionStage;

impl Operation for UpdateSecretVersionStage {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:UpdateSecretVersionStage";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.UpdateSecretVersionStage");
    type Needs = Secrets;
    type Request = Asked<UpdateSecretVersionStageRequest>;
    type Response = Answer<UpdateSecretVersionStageResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_UPDATE_SECRET_VERSION_STAGE, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let change = SecretChange::MoveStage {
            stage: input.version_stage,
            from: input.remove_from_version_id,
            to: input.move_to_version_id,
        };
        let secret = secrets.change(cx, &input.secret_id, change).await?;
        Ok(Answer(UpdateSecretVersionStageResponse { arn: Some(secret.arn), name: Some(secret.name) }))
    }
}

use crate::{
    secrets::{
        model::{ListSecretVersionIdsRequest, ListSecretVersionIdsResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:ListSecretVersionIds`: the versions of a secret with their stages, the newest first.
pub struct ListSecretVersionIds;

impl Operation for ListSecretVersionIds {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:ListSecretVersionIds";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.ListSecretVersionIds");
    type Needs = Secrets;
    type Request = Asked<ListSecretVersionIdsRequest>;
    type Response = Answer<ListSecretVersionIdsResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_LIST_SECRET_VERSION_IDS, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let secret = secrets.load(cx, &input.secret_id).await?;
        let (versions, next_token) =
            show::versions(&secret, input.include_deprecated, input.max_results, input.next_token.as_deref())?;
        let versions = Some(versions);
        Ok(Answer(ListSecretVersionIdsResponse { arn: Some(secret.arn), name: Some(secret.name), versions, next_token }))
    }
}

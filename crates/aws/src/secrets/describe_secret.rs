use crate::{
    secrets::{
        model::{DescribeSecretRequest, DescribeSecretResponse},
        resource, show,
    },
    wire::{Answer, Asked, SecretsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Secrets;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:DescribeSecret`: what is known of a secret, without its values.
pub struct DescribeSecret;

impl Operation for DescribeSecret {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:DescribeSecret";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.DescribeSecret");
    type Needs = Secrets;
    type Request = Asked<DescribeSecretRequest>;
    type Response = Answer<DescribeSecretResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::secret(action::SECRETS_DESCRIBE_SECRET, &asked.input.secret_id)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let secret = secrets.load(cx, &input.secret_id).await?;
        Ok(Answer(show::secret(secret)))
    }
}

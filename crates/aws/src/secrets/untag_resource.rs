use crate::{
    secrets::{
        model::UntagResourceRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, SecretsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:UntagResource`: removes tags of a secret.
pub struct UntagResource;

impl Operation for UntagResource {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:UntagResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.UntagResource");
    type Needs = Secrets;
    type Request = Asked<UntagResourceRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let untag = resource::secret(action::SECRETS_UNTAG_RESOURCE, &asked.input.secret_id);
        vec![untag.with("aws:TagKeys", asked.input.tag_keys.iter().map(String::as_str))]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        secrets.change(cx, &input.secret_id, SecretChange::Untag(input.tag_keys)).await?;
        Ok(DONE)
    }
}

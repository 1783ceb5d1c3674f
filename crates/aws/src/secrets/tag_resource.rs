use crate::{
    secrets::{
        model::TagResourceRequest,
        resource, show,
    },
    wire::{Answer, Asked, Empty, SecretsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{SecretChange, Secrets};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `secretsmanager:TagResource`: sets tags of a secret; those of other keys stay.
pub struct TagResource;

impl Operation for TagResource {
    type Wire = SecretsJson;
    const NAME: &'static str = "secretsmanager:TagResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "secretsmanager.TagResource");
    type Needs = Secrets;
    type Request = Asked<TagResourceRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let tag = resource::secret(action::SECRETS_TAG_RESOURCE, &asked.input.secret_id);
        vec![resource::with_tags(tag, &asked.input.tags)]
    }

    async fn call(secrets: &Secrets, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let tags = show::read_tags(&input.tags)?;
        secrets.change(cx, &input.secret_id, SecretChange::Tag(tags)).await?;
        Ok(DONE)
    }
}

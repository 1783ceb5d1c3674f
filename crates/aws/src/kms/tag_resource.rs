use crate::{
    kms::{
        model::TagResourceRequest,
        resource, show,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:TagResource`: sets tags of a key; those of other keys stay.
pub struct TagResource;

impl Operation for TagResource {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:TagResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.TagResource");
    type Needs = Keyring;
    type Request = Asked<TagResourceRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let tag = resource::key(action::KMS_TAG_RESOURCE, &asked.input.key_id);
        vec![resource::with_tags(tag, &asked.input.tags)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let tags = show::read_tags(&input.tags)?;
        keyring.change(cx, &input.key_id, KeyChange::Tag(tags)).await?;
        Ok(DONE)
    }
}

use crate::{
    kms::{
        model::UntagResourceRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:UntagResource`: removes tags of a key.
pub struct UntagResource;

impl Operation for UntagResource {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:UntagResource";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.UntagResource");
    type Needs = Keyring;
    type Request = Asked<UntagResourceRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let untag = resource::key(action::KMS_UNTAG_RESOURCE, &asked.input.key_id);
        vec![untag.with("aws:TagKeys", asked.input.tag_keys.iter().map(String::as_str))]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.change(cx, &input.key_id, KeyChange::Untag(input.tag_keys)).await?;
        Ok(DONE)
    }
}

use crate::{
    kms::{
        model::UpdateKeyDescriptionRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:UpdateKeyDescription`: says anew what a key is for.
pub struct UpdateKeyDescription;

impl Operation for UpdateKeyDescription {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:UpdateKeyDescription";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.UpdateKeyDescription");
    type Needs = Keyring;
    type Request = Asked<UpdateKeyDescriptionRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_UPDATE_KEY_DESCRIPTION, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.change(cx, &input.key_id, KeyChange::Describe(input.description)).await?;
        Ok(DONE)
    }
}

use crate::{
    kms::{
        model::DisableKeyRotationRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:DisableKeyRotation`: has a key rotate by itself no longer.
pub struct DisableKeyRotation;

impl Operation for DisableKeyRotation {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:DisableKeyRotation";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.DisableKeyRotation");
    type Needs = Keyring;
    type Request = Asked<DisableKeyRotationRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_DISABLE_KEY_ROTATION, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.change(cx, &input.key_id, KeyChange::DisableRotation).await?;
        Ok(DONE)
    }
}

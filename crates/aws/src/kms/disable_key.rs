use crate::{
    kms::{
        model::DisableKeyRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:DisableKey`: lets a key be used no longer.
pub struct DisableKey;

impl Operation for DisableKey {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:DisableKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.DisableKey");
    type Needs = Keyring;
    type Request = Asked<DisableKeyRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_DISABLE_KEY, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.change(cx, &input.key_id, KeyChange::Disable).await?;
        Ok(DONE)
    }
}

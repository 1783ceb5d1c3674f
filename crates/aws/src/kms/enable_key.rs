use crate::{
    kms::{
        model::EnableKeyRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:EnableKey`: lets a key be used again.
pub struct EnableKey;

impl Operation for EnableKey {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:EnableKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.EnableKey");
    type Needs = Keyring;
    type Request = Asked<EnableKeyRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_ENABLE_KEY, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.change(cx, &input.key_id, KeyChange::Enable).await?;
        Ok(DONE)
    }
}

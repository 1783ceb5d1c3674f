use crate::{
    kms::{
        model::{CancelKeyDeletionRequest, CancelKeyDeletionResponse},
        resource,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{KeyChange, Keyring};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:CancelKeyDeletion`: keeps a key that was to be erased; it is disabled then.
pub struct CancelKeyDeletion;

impl Operation for CancelKeyDeletion {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:CancelKeyDeletion";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.CancelKeyDeletion");
    type Needs = Keyring;
    type Request = Asked<CancelKeyDeletionRequest>;
    type Response = Answer<CancelKeyDeletionResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_CANCEL_KEY_DELETION, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let key = keyring.change(cx, &input.key_id, KeyChange::CancelDeletion).await?;
        Ok(Answer(CancelKeyDeletionResponse { key_id: Some(key.arn) }))
    }
}

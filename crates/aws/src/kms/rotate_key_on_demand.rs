use crate::{
    kms::{
        model::{RotateKeyOnDemandRequest, RotateKeyOnDemandResponse},
        resource,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:RotateKeyOnDemand`: gives a key new material now; what was encrypted before still decrypts.
pub struct RotateKeyOnDemand;

impl Operation for RotateKeyOnDemand {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:RotateKeyOnDemand";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.RotateKeyOnDemand");
    type Needs = Keyring;
    type Request = Asked<RotateKeyOnDemandRequest>;
    type Response = Answer<RotateKeyOnDemandResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_ROTATE_KEY_ON_DEMAND, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let key = keyring.rotate(cx, &input.key_id).await?;
        Ok(Answer(RotateKeyOnDemandResponse { key_id: Some(key.arn) }))
    }
}

use crate::{
    kms::{
        model::{DescribeKeyRequest, DescribeKeyResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:DescribeKey`: what is known of a key, which any of its names names.
pub struct DescribeKey;

impl Operation for DescribeKey {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:DescribeKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.DescribeKey");
    type Needs = Keyring;
    type Request = Asked<DescribeKeyRequest>;
    type Response = Answer<DescribeKeyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_DESCRIBE_KEY, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        let key = keyring.load(cx, &input.key_id).await?;
        Ok(Answer(DescribeKeyResponse { key_metadata: Some(show::key(&key, cx.account)) }))
    }
}

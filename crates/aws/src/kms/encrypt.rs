use crate::{
    kms::{
        model::{Blob, EncryptRequest, EncryptResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:Encrypt`: encrypts up to 4096 bytes under a key.
pub struct Encrypt;

impl Operation for Encrypt {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:Encrypt";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.Encrypt");
    type Needs = Keyring;
    type Request = Asked<EncryptRequest>;
    type Response = Answer<EncryptResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let encrypt = resource::key(action::KMS_ENCRYPT, &asked.input.key_id);
        vec![resource::with_context(encrypt, asked.input.encryption_context.as_ref())]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_dry_run(input.dry_run)?;
        show::check_algorithm(input.encryption_algorithm)?;
        let context = resource::context(input.encryption_context)?;
        let encrypted = keyring.encrypt(cx, &input.key_id, &context, &input.plaintext.0).await?;
        Ok(Answer(EncryptResponse {
            ciphertext_blob: Some(Blob(encrypted.ciphertext.into())),
            encryption_algorithm: Some(show::ALGORITHM),
            key_id: Some(encrypted.key_arn),
        }))
    }
}

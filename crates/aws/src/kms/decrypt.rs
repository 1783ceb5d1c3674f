use crate::{
    kms::{
        model::{DecryptRequest, DecryptResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:Decrypt`: decrypts what was encrypted under a key, which the text names.
pub struct Decrypt;

impl Operation for Decrypt {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:Decrypt";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.Decrypt");
    type Needs = Keyring;
    type Request = Asked<DecryptRequest>;
    type Response = Answer<DecryptResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let decrypt = resource::key_of(action::KMS_DECRYPT, asked.input.ciphertext_blob.as_ref(), asked.input.key_id.as_deref());
        vec![resource::with_context(decrypt, asked.input.encryption_context.as_ref())]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_dry_run(input.dry_run)?;
        show::refuse_recipient(input.recipient.as_ref())?;
        show::check_algorithm(input.encryption_algorithm)?;
        let context = resource::context(input.encryption_context)?;
        let ciphertext = resource::ciphertext(input.ciphertext_blob.as_ref())?;
        let decrypted = keyring.decrypt(cx, input.key_id.as_deref(), &context, ciphertext).await?;
        Ok(Answer(DecryptResponse {
            encryption_algorithm: Some(show::ALGORITHM),
            key_id: Some(decrypted.key_arn),
            plaintext: Some(show::bytes(&decrypted.plaintext)),
            ..DecryptResponse::default()
        }))
    }
}

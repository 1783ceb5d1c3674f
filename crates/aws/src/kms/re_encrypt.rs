use crate::{
    kms::{
        model::{Blob, ReEncryptRequest, ReEncryptResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ReEncrypt`: decrypts a text and encrypts it under another key, or in another context; it is shown to nobody.
pub struct ReEncrypt;

impl Operation for ReEncrypt {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ReEncrypt";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ReEncrypt");
    type Needs = Keyring;
    type Request = Asked<ReEncryptRequest>;
    type Response = Answer<ReEncryptResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let input = &asked.input;
        let from = resource::key_of(action::KMS_RE_ENCRYPT_FROM, input.ciphertext_blob.as_ref(), input.source_key_id.as_deref());
        let to = resource::key(action::KMS_RE_ENCRYPT_TO, &input.destination_key_id);
        vec![
            resource::with_context(from, input.source_encryption_context.as_ref()),
            resource::with_context(to, input.destination_encryption_context.as_ref()),
        ]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_dry_run(input.dry_run)?;
        show::check_algorithm(input.source_encryption_algorithm)?;
        show::check_algorithm(input.destination_encryption_algorithm)?;
        let before = resource::context(input.source_encryption_context)?;
        let after = resource::context(input.destination_encryption_context)?;
        let ciphertext = resource::ciphertext(input.ciphertext_blob.as_ref())?;
        let (from, to) = ((input.source_key_id.as_deref(), &before), (input.destination_key_id.as_str(), &after));
        let (encrypted, source_arn) = keyring.re_encrypt(cx, from, to, ciphertext).await?;
        Ok(Answer(ReEncryptResponse {
            ciphertext_blob: Some(Blob(encrypted.ciphertext.into())),
            key_id: Some(encrypted.key_arn),
            source_key_id: Some(source_arn),
            source_encryption_algorithm: Some(show::ALGORITHM),
            destination_encryption_algorithm: Some(show::ALGORITHM),
            ..ReEncryptResponse::default()
        }))
    }
}

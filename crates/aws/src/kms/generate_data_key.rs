use crate::{
    kms::{
        model::{Blob, GenerateDataKeyRequest, GenerateDataKeyResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:GenerateDataKey`: draws a key, and answers it in the clear and encrypted under a key.
pub struct GenerateDataKey;

impl Operation for GenerateDataKey {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:GenerateDataKey";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.GenerateDataKey");
    type Needs = Keyring;
    type Request = Asked<GenerateDataKeyRequest>;
    type Response = Answer<GenerateDataKeyResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let draw = resource::key(action::KMS_GENERATE_DATA_KEY, &asked.input.key_id);
        vec![resource::with_context(draw, asked.input.encryption_context.as_ref())]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_dry_run(input.dry_run)?;
        show::refuse_recipient(input.recipient.as_ref())?;
        let bytes = show::data_key_bytes(input.key_spec, input.number_of_bytes)?;
        let context = resource::context(input.encryption_context)?;
        let (encrypted, plaintext) = keyring.generate_data_key(cx, &input.key_id, &context, bytes).await?;
        Ok(Answer(GenerateDataKeyResponse {
            ciphertext_blob: Some(Blob(encrypted.ciphertext.into())),
            key_id: Some(encrypted.key_arn),
            plaintext: Some(show::bytes(&plaintext)),
            ..GenerateDataKeyResponse::default()
        }))
    }
}

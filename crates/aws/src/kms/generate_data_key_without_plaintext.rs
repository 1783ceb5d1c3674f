use crate::{
    kms::{
        model::{Blob, GenerateDataKeyWithoutPlaintextRequest, GenerateDataKeyWithoutPlaintextResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:GenerateDataKeyWithoutPlaintext`: draws a key, and answers it encrypted under a key.
pub struct GenerateDataKeyWithoutPlaintext;

impl Operation for GenerateDataKeyWithoutPlaintext {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:GenerateDataKeyWithoutPlaintext";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.GenerateDataKeyWithoutPlaintext");
    type Needs = Keyring;
    type Request = Asked<GenerateDataKeyWithoutPlaintextRequest>;
    type Response = Answer<GenerateDataKeyWithoutPlaintextResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let draw = resource::key(action::KMS_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT, &asked.input.key_id);
        vec![resource::with_context(draw, asked.input.encryption_context.as_ref())]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_dry_run(input.dry_run)?;
        let bytes = show::data_key_bytes(input.key_spec, input.number_of_bytes)?;
        let context = resource::context(input.encryption_context)?;
        let (encrypted, _) = keyring.generate_data_key(cx, &input.key_id, &context, bytes).await?;
        Ok(Answer(GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: Some(Blob(encrypted.ciphertext.into())),
            key_id: Some(encrypted.key_arn),
            key_material_id: None,
        }))
    }
}

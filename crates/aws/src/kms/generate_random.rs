use crate::{
    kms::{
        model::{GenerateRandomRequest, GenerateRandomResponse},
        show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:GenerateRandom`: draws 1 to 1024 random bytes.
pub struct GenerateRandom;

impl Operation for GenerateRandom {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:GenerateRandom";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.GenerateRandom");
    type Needs = Keyring;
    type Request = Asked<GenerateRandomRequest>;
    type Response = Answer<GenerateRandomResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::KMS_GENERATE_RANDOM)]
    }

    async fn call(keyring: &Keyring, _: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        show::refuse_recipient(input.recipient.as_ref())?;
        if input.custom_key_store_id.is_some() {
            return Err(show::unsupported("There are no custom key stores here; leave CustomKeyStoreId out"));
        }
        let drawn = keyring.random(show::bytes_asked(input.number_of_bytes)?)?;
        Ok(Answer(GenerateRandomResponse { plaintext: Some(show::bytes(&drawn)), ciphertext_for_recipient: None }))
    }
}

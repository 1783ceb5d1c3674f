use crate::{
    kms::{
        model::CreateAliasRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:CreateAlias`: gives a key a name.
pub struct CreateAlias;

impl Operation for CreateAlias {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:CreateAlias";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.CreateAlias");
    type Needs = Keyring;
    type Request = Asked<CreateAliasRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_CREATE_ALIAS, &asked.input.alias_name), resource::key(action::KMS_CREATE_ALIAS, &asked.input.target_key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.create_alias(cx, &input.alias_name, &input.target_key_id).await?;
        Ok(DONE)
    }
}

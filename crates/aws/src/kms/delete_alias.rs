use crate::{
    kms::{
        model::DeleteAliasRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:DeleteAlias`: removes the name of a key; the key stays.
pub struct DeleteAlias;

impl Operation for DeleteAlias {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:DeleteAlias";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.DeleteAlias");
    type Needs = Keyring;
    type Request = Asked<DeleteAliasRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let alias = &asked.input.alias_name;
        vec![resource::key(action::KMS_DELETE_ALIAS, alias), resource::key_behind(action::KMS_DELETE_ALIAS, alias)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.delete_alias(cx, &input.alias_name).await?;
        Ok(DONE)
    }
}

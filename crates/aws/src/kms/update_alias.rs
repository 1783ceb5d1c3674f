use crate::{
    kms::{
        model::UpdateAliasRequest,
        resource,
    },
    wire::{Answer, Asked, Empty, KmsJson, DONE},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:UpdateAlias`: gives the name of a key to another one.
pub struct UpdateAlias;

impl Operation for UpdateAlias {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:UpdateAlias";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.UpdateAlias");
    type Needs = Keyring;
    type Request = Asked<UpdateAliasRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        let (alias, key) = (&asked.input.alias_name, &asked.input.target_key_id);
        let on = |name: &str| resource::key(action::KMS_UPDATE_ALIAS, name);
        vec![on(alias), resource::key_behind(action::KMS_UPDATE_ALIAS, alias), on(key)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.update_alias(cx, &input.alias_name, &input.target_key_id).await?;
        Ok(DONE)
    }
}

use crate::{
    kms::{
        model::RevokeGrantRequest,
        resource, show,
    },
    wire::{Answer, Asked, Empty, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:RevokeGrant`: there is none that could be.
pub struct RevokeGrant;

impl Operation for RevokeGrant {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:RevokeGrant";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.RevokeGrant");
    type Needs = Keyring;
    type Request = Asked<RevokeGrantRequest>;
    type Response = Answer<Empty>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_REVOKE_GRANT, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.load_by_id(cx, &input.key_id).await?;
        Err(show::no_grant(&input.grant_id))
    }
}

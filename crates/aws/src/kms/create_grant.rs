use crate::{
    kms::{
        model::{CreateGrantRequest, CreateGrantResponse},
        resource, show,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:CreateGrant`: refused: nobody is let in but by policies.
pub struct CreateGrant;

impl Operation for CreateGrant {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:CreateGrant";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.CreateGrant");
    type Needs = Keyring;
    type Request = Asked<CreateGrantRequest>;
    type Response = Answer<CreateGrantResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_CREATE_GRANT, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.load_by_id(cx, &input.key_id).await?;
        Err(show::unsupported("Grants are not kept here; name the principal in the key's policy (PutKeyPolicy)"))
    }
}

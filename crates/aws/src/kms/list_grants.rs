use crate::{
    kms::{
        model::{ListGrantsRequest, ListGrantsResponse},
        resource,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ListGrants`: none: nobody is let in but by policies.
pub struct ListGrants;

impl Operation for ListGrants {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ListGrants";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ListGrants");
    type Needs = Keyring;
    type Request = Asked<ListGrantsRequest>;
    type Response = Answer<ListGrantsResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_LIST_GRANTS, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.load_by_id(cx, &input.key_id).await?;
        Ok(Answer(ListGrantsResponse { grants: Some(Vec::new()), truncated: Some(false), next_marker: None }))
    }
}

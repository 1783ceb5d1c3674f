use crate::{
    kms::{
        model::{ListKeyPoliciesRequest, ListKeyPoliciesResponse},
        resource,
    },
    wire::{Answer, Asked, KmsJson},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Keyring;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `kms:ListKeyPolicies`: the names of the policies of a key: `default`.
pub struct ListKeyPolicies;

impl Operation for ListKeyPolicies {
    type Wire = KmsJson;
    const NAME: &'static str = "kms:ListKeyPolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "TrentService.ListKeyPolicies");
    type Needs = Keyring;
    type Request = Asked<ListKeyPoliciesRequest>;
    type Response = Answer<ListKeyPoliciesResponse>;

    fn access(asked: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![resource::key(action::KMS_LIST_KEY_POLICIES, &asked.input.key_id)]
    }

    async fn call(keyring: &Keyring, cx: &Cx, _: &Principal, asked: Self::Request) -> Result<Self::Response, Fault> {
        let input = asked.input;
        keyring.load_by_id(cx, &input.key_id).await?;
        let policy_names = Some(vec![resource::POLICY_NAME.into()]);
        Ok(Answer(ListKeyPoliciesResponse { policy_names, truncated: Some(false), next_marker: None }))
    }
}

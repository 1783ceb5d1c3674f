use crate::{
    iam::model::{GetContextKeysForCustomPolicyRequest, GetContextKeysForPolicyResponse},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, SimulatedPolicies};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetContextKeysForCustomPolicy`: lists the keys that the conditions of policies ask for.
pub struct GetContextKeysForCustomPolicy;

impl Operation for GetContextKeysForCustomPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetContextKeysForCustomPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetContextKeysForCustomPolicy");
    type Needs = Accounts;
    type Request = Filled<GetContextKeysForCustomPolicyRequest>;
    type Response = Reply<GetContextKeysForPolicyResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_GET_CONTEXT_KEYS_FOR_CUSTOM_POLICY)]
    }

    async fn call(_: &Accounts, cx: &Cx, _: &Principal, Filled(asked): Self::Request) -> Result<Self::Response, Fault> {
        let keys = SimulatedPolicies::compile(&asked.policy_input_list, &[], None)?.context_keys();
        Ok(Reply::with(cx, GetContextKeysForPolicyResponse { context_key_names: Some(keys) }))
    }
}

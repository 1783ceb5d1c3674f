use crate::{
    iam::{
        model::{GetContextKeysForPolicyResponse, GetContextKeysForPrincipalPolicyRequest},
        resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, SimulatedPolicies, SimulatedSource};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetContextKeysForPrincipalPolicy`: lists the keys that the conditions of somebody's policies ask for, and of others given.
pub struct GetContextKeysForPrincipalPolicy;

impl Operation for GetContextKeysForPrincipalPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetContextKeysForPrincipalPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetContextKeysForPrincipalPolicy");
    type Needs = Accounts;
    type Request = Filled<GetContextKeysForPrincipalPolicyRequest>;
    type Response = Reply<GetContextKeysForPolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_GET_CONTEXT_KEYS_FOR_PRINCIPAL_POLICY, &asked.policy_source_arn)
    }

    async fn call(
        accounts: &Accounts,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let more = SimulatedPolicies::compile(&asked.policy_input_list.unwrap_or_default(), &[], None)?;
        let source = SimulatedSource::parse(&asked.policy_source_arn, cx.account)?;
        let mut keys = accounts.context_keys_of(cx.account, &source)?;
        let new = more.context_keys().into_iter();
        let new: Vec<String> = new.filter(|key| !keys.iter().any(|known| known.eq_ignore_ascii_case(key))).collect();
        keys.extend(new);
        Ok(Reply::with(cx, GetContextKeysForPolicyResponse { context_key_names: Some(keys) }))
    }
}

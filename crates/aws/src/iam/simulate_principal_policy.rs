use crate::{
    iam::{
        model::{SimulatePolicyResponse, SimulatePrincipalPolicyRequest},
        resource,
        simulation::{Question, refuse},
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, SimulatedPolicies, SimulatedSource};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:SimulatePrincipalPolicy`: decides what a user, group or role may, or might with more policies, as requests are decided.
pub struct SimulatePrincipalPolicy;

impl Operation for SimulatePrincipalPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:SimulatePrincipalPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=SimulatePrincipalPolicy");
    type Needs = Accounts;
    type Request = Filled<SimulatePrincipalPolicyRequest>;
    type Response = Reply<SimulatePolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_SIMULATE_PRINCIPAL_POLICY, &asked.policy_source_arn)
    }

    async fn call(
        accounts: &Accounts,
        cx: &Cx,
        asker: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let is_other = asked.caller_arn.as_ref().is_some_and(|arn| *arn != asked.policy_source_arn);
        refuse("A CallerArn besides PolicySourceArn", is_other)?;
        refuse("PolicyExclusionList", asked.policy_exclusion_list.is_some_and(|list| !list.is_empty()))?;
        let question = Question {
            source: SimulatedSource::parse(&asked.policy_source_arn, cx.account)?,
            policies: SimulatedPolicies::compile(
                &asked.policy_input_list.unwrap_or_default(),
                &asked.permissions_boundary_policy_input_list.unwrap_or_default(),
                asked.resource_policy.as_deref(),
            )?,
            actions: asked.action_names,
            resources: asked.resource_arns.unwrap_or_default(),
            context: asked.context_entries.unwrap_or_default(),
            marker: asked.marker,
            max_items: asked.max_items,
        };
        question.answer(accounts, asker, cx).map(|answer| Reply::with(cx, answer))
    }
}

use crate::{
    iam::{
        model::{SimulateCustomPolicyRequest, SimulatePolicyResponse},
        simulation::{Question, refuse},
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Accounts, SimulatedPolicies, SimulatedSource};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:SimulateCustomPolicy`: decides what a user might who had these policies and no others, as requests are decided.
pub struct SimulateCustomPolicy;

impl Operation for SimulateCustomPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:SimulateCustomPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=SimulateCustomPolicy");
    type Needs = Accounts;
    type Request = Filled<SimulateCustomPolicyRequest>;
    type Response = Reply<SimulatePolicyResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_SIMULATE_CUSTOM_POLICY)]
    }

    async fn call(
        accounts: &Accounts,
        cx: &Cx,
        asker: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let organization = asked.ordered_organization_policy_input_list;
        refuse("OrderedOrganizationPolicyInputList", organization.is_some_and(|list| !list.is_empty()))?;
        let question = Question {
            source: SimulatedSource::Nobody(asked.caller_arn),
            policies: SimulatedPolicies::compile(
                &asked.policy_input_list,
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

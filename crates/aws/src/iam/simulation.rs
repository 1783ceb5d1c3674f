//! What the simulations of policies have in common.

use super::{
    model::{
        ContextEntry, EvaluationResult, PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType,
        PolicySourceType, SimulatePolicyResponse, Statement,
    },
    paging,
};
use gantry_access::{Access, Arrival, Principal};
use gantry_accounts::{
    Accounts, ExplainedStatement, Simulated, SimulatedPolicies, SimulatedSource, explained_accesses, explained_resource,
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Cx, Page};

/// The most questions of one request: actions times resources.
const QUESTIONS_MAX: usize = 1_000;

/// What a simulation is asked.
pub(crate) struct Question {
    pub(crate) source: SimulatedSource,
    pub(crate) policies: SimulatedPolicies,
    pub(crate) actions: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) context: Vec<ContextEntry>,
    pub(crate) marker: Option<String>,
    pub(crate) max_items: Option<i32>,
}

impl Question {
    /// Answers a page of it, action by action and resource by resource.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`]: there is no such action or resource, or too much is asked at once;
    /// [`FaultKind::NoSuchEntity`].
    pub(crate) fn answer(
        self,
        accounts: &Accounts,
        asker: &Principal,
        cx: &Cx,
    ) -> Result<SimulatePolicyResponse, Fault> {
        let resources = if self.resources.is_empty() { vec!["*".into()] } else { self.resources };
        if self.actions.len().saturating_mul(resources.len()) > QUESTIONS_MAX {
            let message = format!("Actions times resources are more than {QUESTIONS_MAX}; ask in parts");
            return Err(Fault::new(FaultKind::InvalidInput, message));
        }
        let pairs = self.actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        let behind = self.marker.as_deref().map_or(Ok(0), str::parse::<usize>);
        let behind = behind.map_err(|_| Fault::new(FaultKind::InvalidInput, "Marker is none of an answer"))?;
        let page = Page::cut(pairs.enumerate().skip(behind).collect(), paging::count(self.max_items));
        let marker = paging::next(&page, |(number, _)| (number + 1).to_string());
        let arrival = Arrival { source: None, is_secure: asker.arrival.is_secure, at: cx.now, ..Arrival::default() };
        let mut results = Vec::with_capacity(page.items.len());
        for (_, (action, resource)) in page.items {
            let access = access(accounts, cx, action, resource, &self.context)?;
            let found = accounts.simulate(cx.account, &self.source, &self.policies, &access, arrival.clone())?;
            results.push(show(found, &self.source));
        }
        Ok(SimulatePolicyResponse { evaluation_results: Some(results), is_truncated: Some(page.has_more), marker })
    }
}

fn access(
    accounts: &Accounts,
    cx: &Cx,
    action: &str,
    resource: &str,
    context: &[ContextEntry],
) -> Result<Access, Fault> {
    let invalid = |fault: Fault| Fault::new(FaultKind::InvalidInput, fault.message);
    let resource = explained_resource(resource, action, cx.account, &accounts.site().region).map_err(invalid)?;
    let found = match action.contains(':') {
        true => explained_accesses(action, &resource).map_err(invalid)?.pop(),
        false => None,
    };
    let access = found.ok_or_else(|| {
        Fault::new(FaultKind::InvalidInput, format!("{action:?} is no action; one is a service and what is done"))
    })?;
    let with = |access: Access, entry: &ContextEntry| match (&entry.context_key_name, &entry.context_key_values) {
        (Some(key), Some(values)) => access.with(key.clone(), values.iter().map(String::as_str)),
        _ => access,
    };
    Ok(context.iter().fold(access, with))
}

fn show(found: Simulated, source: &SimulatedSource) -> EvaluationResult {
    let Simulated { action, resource, is_allowed, is_denied_by_statement, statements, boundary_allows, missing_keys } =
        found;
    EvaluationResult {
        eval_action_name: action,
        eval_decision: match (is_allowed, is_denied_by_statement) {
            (true, _) => PolicyEvaluationDecisionType::Allowed,
            (false, true) => PolicyEvaluationDecisionType::ExplicitDeny,
            (false, false) => PolicyEvaluationDecisionType::ImplicitDeny,
        },
        eval_decision_details: None,
        eval_resource_name: Some(resource),
        matched_statements: Some(statements.into_iter().map(|statement| show_statement(statement, source)).collect()),
        missing_context_values: Some(missing_keys),
        organizations_decision_detail: None,
        permissions_boundary_decision_detail: boundary_allows
            .map(|allows| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allows) }),
        resource_specific_results: None,
    }
}

fn show_statement(statement: ExplainedStatement, source: &SimulatedSource) -> Statement {
    let ExplainedStatement { side, policy, .. } = statement;
    let kind = match (side, source) {
        ("repository policy" | "registry policy" | "key policy" | "role trust policy", _) => PolicySourceType::Resource,
        _ if policy.starts_with("arn:aws:iam::aws:") => PolicySourceType::AwsManaged,
        _ if policy.starts_with("arn:") => PolicySourceType::UserManaged,
        (_, SimulatedSource::Person(arn)) if arn.contains(":role/") => PolicySourceType::Role,
        (_, SimulatedSource::Person(_)) => PolicySourceType::User,
        (_, SimulatedSource::Group(_)) => PolicySourceType::Group,
        (_, SimulatedSource::Nobody(_)) => PolicySourceType::None,
    };
    Statement {
        source_policy_id: Some(policy),
        source_policy_type: Some(kind),
        start_position: None,
        end_position: None,
    }
}

/// Refuses what would be left out of account.
///
/// # Errors
/// [`FaultKind::InvalidInput`]: it is given.
pub(crate) fn refuse(name: &str, is_given: bool) -> Result<(), Fault> {
    match is_given {
        true => Err(Fault::new(FaultKind::InvalidInput, format!("{name} is not taken here; leave it out"))),
        false => Ok(()),
    }
}

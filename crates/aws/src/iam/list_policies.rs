use crate::{
    iam::{
        model::{ListPoliciesRequest, ListPoliciesResponse, PolicyScopeType},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, ManagedPolicy, PolicyScope};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListPolicies`: lists managed policies: those of the account, then the built-in ones.
pub struct ListPolicies;

impl Operation for ListPolicies {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListPolicies";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListPolicies");
    type Needs = Identities;
    type Request = Filled<ListPoliciesRequest>;
    type Response = Reply<ListPoliciesResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::made(action::IAM_LIST_POLICIES, None, "policy", asked.path_prefix.as_deref(), "")
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let scope = match asked.scope {
            None | Some(PolicyScopeType::All) => PolicyScope::All,
            Some(PolicyScopeType::Aws) => PolicyScope::BuiltIn,
            Some(PolicyScopeType::Local) => PolicyScope::Local,
        };
        resource::refuse_boundary_usage(asked.policy_usage_filter)?;
        let (path, after) = (asked.path_prefix.as_deref().unwrap_or("/"), asked.marker.as_deref().unwrap_or_default());
        let (is_attached, count) = (asked.only_attached.unwrap_or(false), paging::count(asked.max_items));
        let page = identities.list_policies(cx.account, scope, is_attached, path, after, count).await?;
        let marker = paging::next(&page, ManagedPolicy::marker);
        let policies = page.items.into_iter().map(show::policy_in_list).collect();
        Ok(Reply::with(
            cx,
            ListPoliciesResponse { is_truncated: Some(page.has_more), marker, policies: Some(policies) },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn policies_come_in_pages_and_by_scope() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");

        let local = room.ask::<ListPolicies>("Scope=Local");
        let first = room.ask::<ListPolicies>("MaxItems=1");
        let second = room.ask::<ListPolicies>(&format!("MaxItems=1&Marker={}", text(&first, "Marker")));
        let attached = room.ask::<ListPolicies>("OnlyAttached=true");

        assert_eq!((local.matches("<PolicyName>").count(), text(&local, "Arn")), (1, arn));
        assert_eq!(text(&first, "PolicyName"), "pull");
        assert!(text(&second, "Arn").starts_with("arn:aws:iam::aws:policy/gantry/"), "{second}");
        assert_eq!(text(&attached, "Policies"), "");
    }
}

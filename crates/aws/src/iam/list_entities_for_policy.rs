use crate::{
    iam::{
        model::{
            EntityType, ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse, PolicyGroup, PolicyRole,
            PolicyUser,
        },
        paging, resource,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Holder, Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListEntitiesForPolicy`: lists who has a managed policy.
pub struct ListEntitiesForPolicy;

impl Operation for ListEntitiesForPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListEntitiesForPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListEntitiesForPolicy");
    type Needs = Identities;
    type Request = Filled<ListEntitiesForPolicyRequest>;
    type Response = Reply<ListEntitiesForPolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_LIST_ENTITIES_FOR_POLICY, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        resource::refuse_boundary_usage(asked.policy_usage_filter)?;
        let (after, count) = (asked.marker.as_deref().unwrap_or_default(), paging::count(asked.max_items));
        let page = identities.list_policy_holders(cx.account, &asked.policy_arn, after, count).await?;
        let marker = paging::next(&page, |holder| holder.id.clone());
        let is_asked = |kind: IdentityKind| match asked.entity_filter {
            None => true,
            Some(EntityType::User) => kind == IdentityKind::User,
            Some(EntityType::Group) => kind == IdentityKind::Group,
            Some(EntityType::Role) => kind == IdentityKind::Role,
            Some(EntityType::LocalManagedPolicy | EntityType::AwsManagedPolicy) => false,
        };
        let (mut groups, mut roles, mut users) = (vec![], vec![], vec![]);
        for Holder { kind, id, name } in page.items.into_iter().filter(|holder| is_asked(holder.kind)) {
            let (id, name) = (Some(id), Some(name));
            match kind {
                IdentityKind::User => users.push(PolicyUser { user_id: id, user_name: name }),
                IdentityKind::Group => groups.push(PolicyGroup { group_id: id, group_name: name }),
                IdentityKind::Role => roles.push(PolicyRole { role_id: id, role_name: name }),
            }
        }
        Ok(Reply::with(
            cx,
            ListEntitiesForPolicyResponse {
                is_truncated: Some(page.has_more),
                marker,
                policy_groups: Some(groups),
                policy_roles: Some(roles),
                policy_users: Some(users),
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_role_policy::AttachRolePolicy,
        attach_user_policy::AttachUserPolicy,
        create_policy::CreatePolicy,
        create_role::CreateRole,
        create_user::CreateUser,
        testing::{PULL, Room, TRUST, text},
    };

    #[test]
    fn who_has_a_policy_is_listed_by_kind() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<CreateRole>(&format!("RoleName=ci&AssumeRolePolicyDocument={TRUST}"));
        room.ask::<AttachUserPolicy>(&format!("UserName=ann&PolicyArn={arn}"));
        room.ask::<AttachRolePolicy>(&format!("RoleName=ci&PolicyArn={arn}"));

        let all = room.ask::<ListEntitiesForPolicy>(&format!("PolicyArn={arn}"));
        let roles = room.ask::<ListEntitiesForPolicy>(&format!("PolicyArn={arn}&EntityFilter=Role"));

        assert_eq!((text(&all, "UserName"), text(&all, "RoleName"), text(&all, "PolicyGroups")), ("ann", "ci", ""));
        assert_eq!((text(&roles, "RoleName"), text(&roles, "PolicyUsers")), ("ci", ""));
    }
}

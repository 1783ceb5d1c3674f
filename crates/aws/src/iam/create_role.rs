use crate::{
    iam::{
        model::{CreateRoleRequest, CreateRoleResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, NewIdentity};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreateRole`: makes a role.
pub struct CreateRole;

impl Operation for CreateRole {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreateRole";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreateRole");
    type Needs = Identities;
    type Request = Filled<CreateRoleRequest>;
    type Response = Reply<CreateRoleResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        let tagging = asked.tags.as_ref().map(|_| action::IAM_TAG_ROLE);
        resource::with_tags(resource::with_boundary(resource::made(action::IAM_CREATE_ROLE, tagging, "role", asked.path.as_deref(), &asked.role_name), asked.permissions_boundary.as_deref()), asked.tags.as_deref().unwrap_or_default())
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let plain = NewIdentity::role(&asked.role_name, &asked.assume_role_policy_document);
        let seconds = asked.max_session_duration.and_then(|seconds| u32::try_from(seconds).ok());
        let new = NewIdentity {
            path: asked.path.unwrap_or_else(|| "/".into()),
            description: asked.description.unwrap_or_default(),
            boundary: asked.permissions_boundary,
            tags: show::read_tags(&asked.tags.unwrap_or_default())?,
            session_seconds_max: seconds.unwrap_or(plain.session_seconds_max),
            ..plain
        };
        let made = identities.create(cx, new).await?;
        Ok(Reply::with(cx, CreateRoleResponse { role: show::role(made) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::testing::{Room, TRUST, text};

    #[test]
    fn a_role_has_what_it_was_made_with() {
        let room = Room::new();

        let form = format!("RoleName=ci&Description=builds&MaxSessionDuration=7200&AssumeRolePolicyDocument={TRUST}");
        let made = room.ask::<CreateRole>(&form);
        let refused = room.ask::<CreateRole>("RoleName=other&AssumeRolePolicyDocument={}");

        assert_eq!(text(&made, "Arn"), "arn:aws:iam::000000000000:role/ci");
        assert_eq!((text(&made, "Description"), text(&made, "MaxSessionDuration")), ("builds", "7200"));
        assert_eq!(text(&made, "AssumeRolePolicyDocument"), show::document(TRUST));
        assert_eq!(text(&refused, "Code"), "MalformedPolicyDocument");
    }
}

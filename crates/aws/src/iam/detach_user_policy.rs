use crate::{
    iam::{model::DetachUserPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DetachUserPolicy`: takes a managed policy from a user.
pub struct DetachUserPolicy;

impl Operation for DetachUserPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DetachUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DetachUserPolicy");
    type Needs = Identities;
    type Request = Filled<DetachUserPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_policy(resource::user(action::IAM_DETACH_USER_POLICY, &asked.user_name), &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.detach_policy(cx, IdentityKind::User, &asked.user_name, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_user_policy::AttachUserPolicy,
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn a_policy_is_taken_from_a_user_once() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        let form = "UserName=ann&PolicyArn=arn:aws:iam::aws:policy/gantry/push";
        room.ask::<AttachUserPolicy>(form);

        let taken = room.ask::<DetachUserPolicy>(form);
        let again = room.ask::<DetachUserPolicy>(form);

        assert!(!taken.contains("Error"), "{taken}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}

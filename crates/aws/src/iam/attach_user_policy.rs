use crate::{
    iam::{model::AttachUserPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:AttachUserPolicy`: gives a managed policy to a user.
pub struct AttachUserPolicy;

impl Operation for AttachUserPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:AttachUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=AttachUserPolicy");
    type Needs = Identities;
    type Request = Filled<AttachUserPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::with_policy(resource::user(action::IAM_ATTACH_USER_POLICY, &asked.user_name), &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.attach_policy(cx, IdentityKind::User, &asked.user_name, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        testing::{Room, text},
    };

    #[test]
    fn only_a_policy_that_is_there_is_given_to_a_user() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let given = room.ask::<AttachUserPolicy>("UserName=ann&PolicyArn=arn:aws:iam::aws:policy/gantry/push");
        let refused = room.ask::<AttachUserPolicy>("UserName=ann&PolicyArn=arn:aws:iam::000000000000:policy/none");

        assert!(!given.contains("Error"), "{given}");
        assert_eq!(text(&refused, "Code"), "NoSuchEntity");
    }
}

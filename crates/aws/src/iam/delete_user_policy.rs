use crate::{
    iam::{model::DeleteUserPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeleteUserPolicy`: removes a policy that was written into a user.
pub struct DeleteUserPolicy;

impl Operation for DeleteUserPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeleteUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeleteUserPolicy");
    type Needs = Identities;
    type Request = Filled<DeleteUserPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_DELETE_USER_POLICY, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete_inline_policy(cx, IdentityKind::User, &asked.user_name, &asked.policy_name).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        put_user_policy::PutUserPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_that_a_user_does_not_have_is_not_removed() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<PutUserPolicy>(&format!("UserName=ann&PolicyName=pull&PolicyDocument={PULL}"));

        let gone = room.ask::<DeleteUserPolicy>("UserName=ann&PolicyName=pull");
        let again = room.ask::<DeleteUserPolicy>("UserName=ann&PolicyName=pull");

        assert!(!gone.contains("Error"), "{gone}");
        assert_eq!(text(&again, "Code"), "NoSuchEntity");
    }
}

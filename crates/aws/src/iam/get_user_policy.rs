use crate::{
    iam::{
        model::{GetUserPolicyRequest, GetUserPolicyResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetUserPolicy`: reads a policy that was written into a user.
pub struct GetUserPolicy;

impl Operation for GetUserPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetUserPolicy");
    type Needs = Identities;
    type Request = Filled<GetUserPolicyRequest>;
    type Response = Reply<GetUserPolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_GET_USER_POLICY, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let text =
            identities.load_inline_policy(cx.account, IdentityKind::User, &asked.user_name, &asked.policy_name).await?;
        Ok(Reply::with(
            cx,
            GetUserPolicyResponse {
                user_name: asked.user_name,
                policy_document: show::document(&text),
                policy_name: asked.policy_name,
            },
        ))
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
    fn a_policy_of_a_user_comes_back_as_it_was_written() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<PutUserPolicy>(&format!("UserName=ann&PolicyName=pull&PolicyDocument={PULL}"));

        let answer = room.ask::<GetUserPolicy>("UserName=ann&PolicyName=pull");
        let other = room.ask::<GetUserPolicy>("UserName=ann&PolicyName=other");

        assert_eq!(text(&answer, "PolicyDocument"), show::document(PULL));
        assert_eq!(text(&other, "Code"), "NoSuchEntity");
    }
}

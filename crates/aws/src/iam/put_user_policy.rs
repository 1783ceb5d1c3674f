use crate::{
    iam::{model::PutUserPolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{Identities, IdentityKind};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:PutUserPolicy`: writes a policy into a user, in the place of one of that name.
pub struct PutUserPolicy;

impl Operation for PutUserPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:PutUserPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=PutUserPolicy");
    type Needs = Identities;
    type Request = Filled<PutUserPolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::user(action::IAM_PUT_USER_POLICY, &asked.user_name)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let (name, document) = (&asked.policy_name, &asked.policy_document);
        identities.put_inline_policy(cx, IdentityKind::User, &asked.user_name, name, document).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_user::CreateUser,
        testing::{PULL, Room, text},
    };

    #[test]
    fn what_is_no_policy_is_not_written_into_a_user() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let written = room.ask::<PutUserPolicy>(&format!("UserName=ann&PolicyName=pull&PolicyDocument={PULL}"));
        let refused = room.ask::<PutUserPolicy>("UserName=ann&PolicyName=pull&PolicyDocument={}");

        assert!(!written.contains("Error"), "{written}");
        assert_eq!(text(&refused, "Code"), "MalformedPolicyDocument");
    }
}

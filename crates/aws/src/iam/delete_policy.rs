use crate::{
    iam::{model::DeletePolicyRequest, resource},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeletePolicy`: removes a managed policy that nobody has.
pub struct DeletePolicy;

impl Operation for DeletePolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeletePolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeletePolicy");
    type Needs = Identities;
    type Request = Filled<DeletePolicyRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_DELETE_POLICY, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        identities.delete_policy(cx, &asked.policy_arn).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_user_policy::AttachUserPolicy,
        create_policy::CreatePolicy,
        create_user::CreateUser,
        detach_user_policy::DetachUserPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_that_somebody_has_stays() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<CreateUser>("UserName=ann");
        let attachment = format!("UserName=ann&PolicyArn={arn}");
        room.ask::<AttachUserPolicy>(&attachment);

        let early = room.ask::<DeletePolicy>(&format!("PolicyArn={arn}"));
        room.ask::<DetachUserPolicy>(&attachment);
        let removed = room.ask::<DeletePolicy>(&format!("PolicyArn={arn}"));
        let built_in = room.ask::<DeletePolicy>("PolicyArn=arn:aws:iam::aws:policy/gantry/push");

        assert_eq!((text(&early, "Code"), text(&built_in, "Code")), ("DeleteConflict", "UnmodifiableEntity"));
        assert!(!removed.contains("Error"), "{removed}");
    }
}

use crate::{
    iam::{
        model::{GetPolicyRequest, GetPolicyResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetPolicy`: reads what is known of a managed policy; its text is that of a version.
pub struct GetPolicy;

impl Operation for GetPolicy {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetPolicy";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetPolicy");
    type Needs = Identities;
    type Request = Filled<GetPolicyRequest>;
    type Response = Reply<GetPolicyResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_GET_POLICY, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let found = identities.load_policy(cx.account, &asked.policy_arn).await?;
        Ok(Reply::with(cx, GetPolicyResponse { policy: Some(show::policy(found)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        attach_user_policy::AttachUserPolicy,
        create_policy::CreatePolicy,
        create_user::CreateUser,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_counts_who_has_it() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<CreateUser>("UserName=ann");
        room.ask::<AttachUserPolicy>(&format!("UserName=ann&PolicyArn={arn}"));

        let found = room.ask::<GetPolicy>(&format!("PolicyArn={arn}"));
        let built_in = room.ask::<GetPolicy>("PolicyArn=arn:aws:iam::aws:policy/gantry/push");
        let nobodys = room.ask::<GetPolicy>("PolicyArn=arn:aws:iam::000000000000:policy/none");

        assert_eq!((text(&found, "AttachmentCount"), text(&found, "PolicyName")), ("1", "pull"));
        assert_eq!(text(&built_in, "PolicyName"), "push");
        assert_eq!(text(&nobodys, "Code"), "NoSuchEntity");
    }
}

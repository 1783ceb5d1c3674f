use crate::{
    iam::{
        model::{CreatePolicyVersionRequest, CreatePolicyVersionResponse},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:CreatePolicyVersion`: writes a managed policy anew; the text counts with SetAsDefault.
pub struct CreatePolicyVersion;

impl Operation for CreatePolicyVersion {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:CreatePolicyVersion";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=CreatePolicyVersion");
    type Needs = Identities;
    type Request = Filled<CreatePolicyVersionRequest>;
    type Response = Reply<CreatePolicyVersionResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_CREATE_POLICY_VERSION, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let is_default = asked.set_as_default.unwrap_or(false);
        let made = identities.create_policy_version(cx, &asked.policy_arn, &asked.policy_document, is_default).await?;
        Ok(Reply::with(cx, CreatePolicyVersionResponse { policy_version: Some(show::version(&made)) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        get_policy::GetPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn a_policy_has_five_versions_at_most() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        let form = format!("PolicyArn={arn}&PolicyDocument={PULL}");

        let second = room.ask::<CreatePolicyVersion>(&format!("{form}&SetAsDefault=true"));
        (3..=5).for_each(|_| drop(room.ask::<CreatePolicyVersion>(&form)));
        let sixth = room.ask::<CreatePolicyVersion>(&form);

        assert_eq!((text(&second, "VersionId"), text(&second, "IsDefaultVersion")), ("v2", "true"));
        assert_eq!(text(&room.ask::<GetPolicy>(&format!("PolicyArn={arn}")), "DefaultVersionId"), "v2");
        assert_eq!(text(&sixth, "Code"), "LimitExceeded");
    }
}

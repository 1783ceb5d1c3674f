use crate::{
    iam::{model::SetDefaultPolicyVersionRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:SetDefaultPolicyVersion`: sets which text of a managed policy counts.
pub struct SetDefaultPolicyVersion;

impl Operation for SetDefaultPolicyVersion {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:SetDefaultPolicyVersion";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=SetDefaultPolicyVersion");
    type Needs = Identities;
    type Request = Filled<SetDefaultPolicyVersionRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_SET_DEFAULT_POLICY_VERSION, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let number = show::read_version_id(&asked.policy_arn, &asked.version_id)?;
        identities.set_default_policy_version(cx, &asked.policy_arn, number).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        create_policy_version::CreatePolicyVersion,
        get_policy::GetPolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn another_version_counts_from_now_on() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<CreatePolicyVersion>(&format!("PolicyArn={arn}&PolicyDocument={PULL}"));

        room.ask::<SetDefaultPolicyVersion>(&format!("PolicyArn={arn}&VersionId=v2"));
        let none = room.ask::<SetDefaultPolicyVersion>(&format!("PolicyArn={arn}&VersionId=v3"));

        assert_eq!(text(&room.ask::<GetPolicy>(&format!("PolicyArn={arn}")), "DefaultVersionId"), "v2");
        assert_eq!(text(&none, "Code"), "NoSuchEntity");
    }
}

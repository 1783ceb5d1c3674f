use crate::{
    iam::{
        model::{GetPolicyVersionRequest, GetPolicyVersionResponse, PolicyVersion},
        resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetPolicyVersion`: reads the text of a managed policy.
pub struct GetPolicyVersion;

impl Operation for GetPolicyVersion {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetPolicyVersion";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetPolicyVersion");
    type Needs = Identities;
    type Request = Filled<GetPolicyVersionRequest>;
    type Response = Reply<GetPolicyVersionResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_GET_POLICY_VERSION, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let number = show::read_version_id(&asked.policy_arn, &asked.version_id)?;
        let found = identities.load_policy_version(cx.account, &asked.policy_arn, number).await?;
        let version = PolicyVersion { document: Some(show::document(&found.document)), ..show::version(&found) };
        Ok(Reply::with(cx, GetPolicyVersionResponse { policy_version: Some(version) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        testing::{PULL, Room, text},
    };

    #[test]
    fn the_text_of_a_policy_comes_back_as_it_was_written() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");

        let found = room.ask::<GetPolicyVersion>(&format!("PolicyArn={arn}&VersionId=v1"));
        let none = room.ask::<GetPolicyVersion>(&format!("PolicyArn={arn}&VersionId=v2"));

        assert_eq!(text(&found, "Document"), show::document(PULL));
        assert_eq!(text(&none, "Code"), "NoSuchEntity");
    }
}

use crate::{
    iam::{model::DeletePolicyVersionRequest, resource, show},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:DeletePolicyVersion`: removes a text of a managed policy that does not count.
pub struct DeletePolicyVersion;

impl Operation for DeletePolicyVersion {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:DeletePolicyVersion";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=DeletePolicyVersion");
    type Needs = Identities;
    type Request = Filled<DeletePolicyVersionRequest>;
    type Response = Reply<()>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_DELETE_POLICY_VERSION, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let number = show::read_version_id(&asked.policy_arn, &asked.version_id)?;
        identities.delete_policy_version(cx, &asked.policy_arn, number).await?;
        Ok(Reply::done(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{
        create_policy::CreatePolicy,
        create_policy_version::CreatePolicyVersion,
        testing::{PULL, Room, text},
    };

    #[test]
    fn the_version_that_counts_stays() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<CreatePolicyVersion>(&format!("PolicyArn={arn}&PolicyDocument={PULL}"));

        let counts = room.ask::<DeletePolicyVersion>(&format!("PolicyArn={arn}&VersionId=v1"));
        let other = room.ask::<DeletePolicyVersion>(&format!("PolicyArn={arn}&VersionId=v2"));

        assert_eq!(text(&counts, "Code"), "DeleteConflict");
        assert!(!other.contains("Error"), "{other}");
    }
}

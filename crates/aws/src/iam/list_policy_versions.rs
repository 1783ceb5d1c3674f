use crate::{
    iam::{
        model::{ListPolicyVersionsRequest, ListPolicyVersionsResponse, PolicyVersion},
        paging, resource, show,
    },
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::Identities;
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:ListPolicyVersions`: lists the texts that a managed policy has, the newest first.
pub struct ListPolicyVersions;

impl Operation for ListPolicyVersions {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:ListPolicyVersions";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=ListPolicyVersions");
    type Needs = Identities;
    type Request = Filled<ListPolicyVersionsRequest>;
    type Response = Reply<ListPolicyVersionsResponse>;

    fn access(Filled(asked): &Self::Request, _: &Cx) -> Vec<Access> {
        resource::arn(action::IAM_LIST_POLICY_VERSIONS, &asked.policy_arn)
    }

    async fn call(
        identities: &Identities,
        cx: &Cx,
        _: &Principal,
        Filled(asked): Self::Request,
    ) -> Result<Self::Response, Fault> {
        let versions = identities.list_policy_versions(cx.account, &asked.policy_arn).await?;
        let versions: Vec<_> = versions.iter().map(show::version).collect();
        let page = paging::cut(versions, id, asked.marker.as_deref(), asked.max_items);
        let marker = paging::next(&page, |version| id(version).into());
        Ok(Reply::with(
            cx,
            ListPolicyVersionsResponse { is_truncated: Some(page.has_more), marker, versions: Some(page.items) },
        ))
    }
}

fn id(version: &PolicyVersion) -> &str {
    version.version_id.as_deref().unwrap_or_default()
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
    fn versions_come_in_pages_from_the_newest_on() {
        let room = Room::new();
        let made = room.ask::<CreatePolicy>(&format!("PolicyName=pull&PolicyDocument={PULL}"));
        let arn = text(&made, "Arn");
        room.ask::<CreatePolicyVersion>(&format!("PolicyArn={arn}&PolicyDocument={PULL}"));

        let first = room.ask::<ListPolicyVersions>(&format!("PolicyArn={arn}&MaxItems=1"));
        let last = room.ask::<ListPolicyVersions>(&format!("PolicyArn={arn}&Marker=v2"));

        assert_eq!((text(&first, "VersionId"), text(&first, "Marker")), ("v2", "v2"));
        assert_eq!((text(&last, "VersionId"), text(&last, "IsDefaultVersion")), ("v1", "true"));
    }
}

use crate::{
    iam::model::{Entries, GetAccountSummaryResponse, Nothing, SummaryKeyType},
    wire::{Filled, IamQuery, Reply},
};
use gantry_access::{Access, Principal, action};
use gantry_accounts::{ACCESS_KEYS_MAX, ATTACHED_POLICIES_MAX, Identities, POLICY_VERSIONS_MAX};
use gantry_api::Operation;
use gantry_fault::Fault;
use gantry_words::Cx;

/// `iam:GetAccountSummary`: counts what the account has, and may have.
pub struct GetAccountSummary;

impl Operation for GetAccountSummary {
    type Wire = IamQuery;
    const NAME: &'static str = "iam:GetAccountSummary";
    const ROUTE: (&'static str, &'static str) = ("POST", "/?Action=GetAccountSummary");
    type Needs = Identities;
    type Request = Filled<Nothing>;
    type Response = Reply<GetAccountSummaryResponse>;

    fn access(_: &Self::Request, _: &Cx) -> Vec<Access> {
        vec![Access::to(action::IAM_GET_ACCOUNT_SUMMARY)]
    }

    async fn call(identities: &Identities, cx: &Cx, _: &Principal, _: Self::Request) -> Result<Self::Response, Fault> {
        let found = identities.account_summary(cx.account).await?;
        let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        let summary_map = Entries(vec![
            (SummaryKeyType::Users, count(found.users)),
            (SummaryKeyType::Groups, count(found.groups)),
            (SummaryKeyType::Roles, count(found.roles)),
            (SummaryKeyType::Policies, count(found.policies)),
            (SummaryKeyType::Providers, count(found.oidc_providers)),
            (SummaryKeyType::AccessKeysPerUserQuota, count(ACCESS_KEYS_MAX as u64)),
            (SummaryKeyType::AttachedPoliciesPerUserQuota, count(ATTACHED_POLICIES_MAX as u64)),
            (SummaryKeyType::AttachedPoliciesPerGroupQuota, count(ATTACHED_POLICIES_MAX as u64)),
            (SummaryKeyType::AttachedPoliciesPerRoleQuota, count(ATTACHED_POLICIES_MAX as u64)),
            (SummaryKeyType::VersionsPerPolicyQuota, count(POLICY_VERSIONS_MAX as u64)),
            (SummaryKeyType::AccountAccessKeysPresent, 1),
            (SummaryKeyType::AccountMfaEnabled, 0),
        ]);
        Ok(Reply::with(cx, GetAccountSummaryResponse { summary_map: Some(summary_map) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{create_user::CreateUser, testing::Room};

    #[test]
    fn what_is_there_is_counted() {
        let room = Room::new();
        room.ask::<CreateUser>("UserName=ann");

        let answer = room.ask::<GetAccountSummary>("");

        assert!(answer.contains("<entry><key>Users</key><value>1</value></entry>"), "{answer}");
        assert!(answer.contains("<entry><key>Roles</key><value>0</value></entry>"), "{answer}");
    }
}

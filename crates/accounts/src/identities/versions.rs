use super::{
    Identities,
    built_in::BuiltIn,
    document::check_managed,
    done, lock,
    policies::{load, refuse_built_in},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Tx,
    identities::policies::{self, PolicyRow, VersionRow},
};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The most versions of a managed policy.
pub const POLICY_VERSIONS_MAX: usize = 5;

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number, from 1; IAM calls it `v1`.
    pub number: u32,
    /// Its text, as it was written.
    pub document: String,
    /// Whether it is the one that counts.
    pub is_default: bool,
    /// When it was written.
    pub created_at: Timestamp,
}

impl PolicyVersion {
    fn read(row: VersionRow, default_version: i64) -> Result<Self, Fault> {
        Ok(PolicyVersion {
            number: u32::try_from(row.number).map_err(Fault::internal)?,
            is_default: row.number == default_version,
            document: row.document,
            created_at: row.created_at,
        })
    }
}

impl Identities {
    /// Adds a version to a managed policy, which counts from then on with `is_default`.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::UnmodifiableEntity`], [`FaultKind::MalformedPolicyDocument`];
    /// [`FaultKind::IdentityLimitExceeded`] beyond [`POLICY_VERSIONS_MAX`].
    pub async fn create_policy_version(
        &self,
        cx: &Cx,
        arn: &str,
        document: &str,
        is_default: bool,
    ) -> Result<PolicyVersion, Fault> {
        check_managed(document)?;
        let change = Change::Add { document: document.into(), is_default };
        let added = self.change_versions(cx, arn, change).await?;
        added.ok_or_else(|| Fault::internal("a version was added and not told"))
    }

    /// Makes a version the one that counts.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::UnmodifiableEntity`].
    pub async fn set_default_policy_version(&self, cx: &Cx, arn: &str, number: u32) -> Result<(), Fault> {
        self.change_versions(cx, arn, Change::Choose(number.into())).await.map(drop)
    }

    /// Deletes a version that is not the one that counts.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::UnmodifiableEntity`], [`FaultKind::DeleteConflict`].
    pub async fn delete_policy_version(&self, cx: &Cx, arn: &str, number: u32) -> Result<(), Fault> {
        self.change_versions(cx, arn, Change::Delete(number.into())).await.map(drop)
    }

    /// Returns the versions of a managed policy, the newest first: at most [`POLICY_VERSIONS_MAX`].
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_policy_versions(&self, account: AccountId, arn: &str) -> Result<Vec<PolicyVersion>, Fault> {
        if let Some(built_in) = BuiltIn::find(arn) {
            let (document, created_at) = (built_in.text(account), Timestamp::default());
            return Ok(vec![PolicyVersion { number: 1, document, is_default: true, created_at }]);
        }
        let arn = arn.to_string();
        let look = move |rows: &mut Reader| {
            Ok((load(rows, account, &arn)?.default_version, policies::versions(rows, account, &arn)?))
        };
        let (default_version, rows) = self.0.metadata.read(look).await?;
        rows.into_iter().map(|row| PolicyVersion::read(row, default_version)).collect()
    }

    /// Returns a version of a managed policy.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn load_policy_version(
        &self,
        account: AccountId,
        arn: &str,
        number: u32,
    ) -> Result<PolicyVersion, Fault> {
        let versions = self.list_policy_versions(account, arn).await?;
        versions.into_iter().find(|version| version.number == number).ok_or_else(|| no_version(arn, number))
    }

    async fn change_versions(&self, cx: &Cx, arn: &str, change: Change) -> Result<Option<PolicyVersion>, Fault> {
        refuse_built_in(arn)?;
        let act = ChangeVersions { account: cx.account, arn: arn.into(), change, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

fn no_version(arn: &str, number: impl std::fmt::Display) -> Fault {
    let message = format!("Policy {arn} version v{number} does not exist or is not attachable.");
    Fault::new(FaultKind::NoSuchEntity, message)
}

enum Change {
    Add { document: String, is_default: bool },
    Choose(i64),
    Delete(i64),
}

struct ChangeVersions {
    account: AccountId,
    arn: String,
    change: Change,
    actor: Arc<str>,
}

/// What becomes of a policy.
struct Plan {
    row: PolicyRow,
    added: Option<VersionRow>,
    deleted: Option<i64>,
}

impl Act for ChangeVersions {
    type Seen = (PolicyRow, Vec<VersionRow>);
    type Plan = Plan;
    /// The version that was added.
    type Answer = Option<PolicyVersion>;
    const NAME: &'static str = "accounts.change_policy_versions";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        Ok((load(rows, self.account, &self.arn)?, policies::versions(rows, self.account, &self.arn)?))
    }

    fn decide(&self, (mut row, versions): Self::Seen, now: Timestamp) -> Result<Plan, Fault> {
        let is_there = |number: i64| versions.iter().any(|version| version.number == number);
        let (mut added, mut deleted) = (None, None);
        match &self.change {
            Change::Add { .. } if versions.len() >= POLICY_VERSIONS_MAX => {
                let message = format!(
                    "A managed policy can have up to {POLICY_VERSIONS_MAX} versions. Before you create a new version, you must \
                     delete an existing version."
                );
                return Err(Fault::new(FaultKind::IdentityLimitExceeded, message));
            }
            Change::Add { document, is_default } => {
                row.last_version += 1;
                if *is_default {
                    row.default_version = row.last_version;
                }
                added = Some(VersionRow { number: row.last_version, document: document.clone(), created_at: now });
            }
            Change::Choose(number) | Change::Delete(number) if !is_there(*number) => {
                return Err(no_version(&self.arn, number));
            }
            Change::Choose(number) => row.default_version = *number,
            Change::Delete(number) if row.default_version == *number => {
                let message = "Cannot delete the default version of a policy.";
                return Err(Fault::new(FaultKind::DeleteConflict, message));
            }
            Change::Delete(number) => deleted = Some(*number),
        }
        row.changed_at = now;
        Ok(Plan { row, added, deleted })
    }

    fn apply(&self, tx: &mut Tx, Plan { row, added, deleted }: Plan) -> Result<Self::Answer, Fault> {
        policies::put(tx, self.account, &row)?;
        if let Some(added) = &added {
            policies::put_version(tx, self.account, &row.arn, added)?;
        }
        if let Some(number) = deleted {
            policies::delete_version(tx, self.account, &row.arn, number)?;
        }
        let body = json!({
            "arn": row.arn,
            "id": row.id,
            "default_version": row.default_version,
            "added": added.as_ref().map(|version| version.number),
            "deleted": deleted,
        });
        done(tx, self.account, "policy.changed", &self.actor, body)?;
        added.map(|version| PolicyVersion::read(version, row.default_version)).transpose()
    }
}

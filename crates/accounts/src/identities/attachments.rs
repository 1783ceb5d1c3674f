use super::{
    Identities, IdentityKind,
    built_in::BuiltIn,
    done,
    faults::{no_policy, quota},
    identity, lock,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, identities::policies};
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The most managed policies of a user, group or role.
pub const ATTACHED_POLICIES_MAX: usize = 10;

/// A managed policy that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPolicy {
    /// Its ARN.
    pub arn: String,
    /// Its name: the last part of the ARN.
    pub name: String,
}

/// Somebody who has a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What he is.
    pub kind: IdentityKind,
    /// His unique id.
    pub id: String,
    /// His name.
    pub name: String,
}

/// Whether an ARN is that of a managed policy that this account may use.
pub(super) fn is_policy(rows: &mut Reader, account: AccountId, arn: &str) -> Result<bool, Fault> {
    Ok(BuiltIn::find(arn).is_some() || policies::find(rows, account, arn)?.is_some())
}

pub(super) fn no_boundary(arn: &str) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("Scope ARN: {arn} does not exist or is not attachable."))
}

impl Identities {
    /// Gives a managed policy to a user, group or role; one that it has already stays.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`]; [`FaultKind::IdentityLimitExceeded`] beyond [`ATTACHED_POLICIES_MAX`].
    pub async fn attach_policy(&self, cx: &Cx, kind: IdentityKind, name: &str, arn: &str) -> Result<(), Fault> {
        self.change_attachment(cx, kind, name, arn, true).await
    }

    /// Takes a managed policy from a user, group or role.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], also where it does not have the policy.
    pub async fn detach_policy(&self, cx: &Cx, kind: IdentityKind, name: &str, arn: &str) -> Result<(), Fault> {
        self.change_attachment(cx, kind, name, arn, false).await
    }

    async fn change_attachment(
        &self,
        cx: &Cx,
        kind: IdentityKind,
        name: &str,
        arn: &str,
        attached: bool,
    ) -> Result<(), Fault> {
        let (account, actor) = (cx.account, cx.actor.clone());
        let act = ChangeAttachment { account, kind, name: name.into(), arn: arn.into(), attached, actor };
        self.0.metadata.perform(cx, act).await
    }

    /// Returns up to `count` managed policies of a user, group or role whose ARN comes after `after`.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_attached_policies(
        &self,
        account: AccountId,
        kind: IdentityKind,
        name: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<AttachedPolicy>, Fault> {
        let (name, after) = (name.to_string(), after.to_string());
        let look = move |rows: &mut Reader| {
            let identity = identity::load(rows, account, kind, &name)?;
            policies::attached(rows, account, &identity.id, &after, count + 1)
        };
        let attached = |arn: String| {
            let name = arn.rsplit_once('/').map_or(arn.as_str(), |(_, name)| name).to_string();
            AttachedPolicy { arn, name }
        };
        Ok(Page::cut(self.0.metadata.read(look).await?, count).map(attached))
    }

    /// Returns up to `count` of those that have a managed policy, whose unique id comes after `after`: groups, then roles and
    /// users, as their ids go.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_policy_holders(
        &self,
        account: AccountId,
        arn: &str,
        after: &str,
        count: usize,
    ) -> Result<Page<Holder>, Fault> {
        let (arn, after) = (arn.to_string(), after.to_string());
        let look = move |rows: &mut Reader| {
            if !is_policy(rows, account, &arn)? {
                return Err(no_policy(&arn));
            }
            policies::holders(rows, account, &arn, &after, count + 1)
        };
        let holders = self
            .0
            .metadata
            .read_long(look)
            .await?
            .into_iter()
            .map(|[id, kind, name, _]| Ok(Holder { kind: IdentityKind::parse(&kind)?, id, name }));
        Ok(Page::cut(holders.collect::<Result<_, Fault>>()?, count))
    }
}

pub(super) struct ChangeAttachment {
    pub(super) account: AccountId,
    pub(super) kind: IdentityKind,
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) attached: bool,
    pub(super) actor: Arc<str>,
}

pub(super) struct AttachmentSeen {
    identity: identity::Identity,
    has_policy: bool,
    attached: Vec<String>,
}

impl Act for ChangeAttachment {
    type Seen = AttachmentSeen;
    /// Whom it is about, where there is something to do.
    type Plan = Option<identity::Identity>;
    type Answer = ();
    const NAME: &'static str = "accounts.change_attachment";

    fn gather(&self, rows: &mut Reader) -> Result<AttachmentSeen, Fault> {
        lock(rows, self.account)?;
        let identity = identity::load(rows, self.account, self.kind, &self.name)?;
        Ok(AttachmentSeen {
            has_policy: is_policy(rows, self.account, &self.arn)?,
            attached: policies::attached(rows, self.account, &identity.id, "", ATTACHED_POLICIES_MAX + 1)?,
            identity,
        })
    }

    fn decide(&self, seen: AttachmentSeen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let has = seen.attached.contains(&self.arn);
        if !self.attached {
            let not_attached = || Fault::new(FaultKind::NoSuchEntity, format!("Policy {} was not found.", self.arn));
            return if has { Ok(Some(seen.identity)) } else { Err(not_attached()) };
        }
        if !seen.has_policy {
            return Err(no_policy(&self.arn));
        }
        if has {
            return Ok(None);
        }
        if seen.attached.len() >= ATTACHED_POLICIES_MAX {
            return Err(quota(&format!("PoliciesPer{}", self.kind.title()), ATTACHED_POLICIES_MAX));
        }
        Ok(Some(seen.identity))
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<(), Fault> {
        let Some(identity) = plan else { return Ok(()) };
        let kind = match self.attached {
            true => "identity.policy_attached",
            false => "identity.policy_detached",
        };
        match self.attached {
            true => policies::attach(tx, self.account, &identity.id, &self.arn)?,
            false => policies::detach(tx, self.account, &identity.id, &self.arn)?,
        }
        let body = json!({"arn": identity.arn(), "id": identity.id, "policy": self.arn});
        done(tx, self.account, kind, &self.actor, body)
    }
}

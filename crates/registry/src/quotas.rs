//! How much repositories may hold together. What is used is kept with every change (`metadata::quotas`), and whether there is room is
//! decided in the transaction that takes it: [`decide`].

mod decide;
mod scope;

pub use gantry_metadata::quotas::{Measure as QuotaMeasure, QuotaLimits, QuotaRow as Quota};
pub use scope::{QuotaScope, QuotaScopeError};

pub(crate) use decide::{Adds, Reached, decide, reached, room};
pub(crate) use scope::scopes_of;

use crate::ports::Ports;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx,
    quotas::{self, Measure, QuotaOf},
    repositories::RepositoryRow,
};
use gantry_words::{AccountId, Cx, Region, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// Quotas that an account may have.
pub const QUOTAS_MAX: usize = 1_000;

/// A blob that quotas are asked about.
#[derive(Clone, Copy)]
pub(crate) struct Blob<'a> {
    pub(crate) digest: &'a str,
    /// Its encryption; empty where it is plain.
    pub(crate) domain: &'a str,
}

impl Blob<'static> {
    /// One of which nobody knows yet which it is: no quota counts it already.
    pub(crate) const UNKNOWN: Blob<'static> = Blob { digest: "", domain: "" };
}

/// Locks and reads the quotas that mean a repository. Most have none, and pay nothing for it.
pub(crate) fn gather(rows: &mut Reader, repository: &RepositoryRow, blob: Blob<'_>) -> Result<Vec<Quota>, Fault> {
    if repository.quota_count == 0 {
        return Ok(vec![]);
    }
    quotas::of_repository(rows, repository.id, (blob.digest, blob.domain))
}

/// The room for quotas.
#[derive(Clone)]
pub struct Quotas {
    ports: Arc<Ports>,
}

impl Quotas {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Quotas { ports }
    }

    /// Returns all quotas of the account, with what is used of them, in the order of their scopes.
    pub async fn list(&self, cx: &Cx) -> Result<Vec<Quota>, Fault> {
        let (account, region) = (cx.account, self.ports.region.clone());
        let list = move |rows: &mut Reader| quotas::list(rows, account, &region, QUOTAS_MAX);
        let mut found = self.ports.metadata.read_long(list).await?;
        found.sort_unstable_by(|one, other| one.scope.cmp(&other.scope));
        Ok(found)
    }

    /// Returns up to `count` quotas of all accounts, each with its account, those first that are nearest to a limit.
    pub async fn fullest(&self, count: usize) -> Result<Vec<(String, Quota)>, Fault> {
        let region = self.ports.region.clone();
        self.ports.metadata.read_long(move |rows| quotas::fullest(rows, &region, count)).await
    }

    /// Sets what repositories may hold together, in the place of what was set before; returns the quota, with what is used of it. What
    /// there is already stays, however much it is.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where nothing is limited, or the soft limit is above the hard one;
    /// [`FaultKind::LimitExceeded`] where there are [`QUOTAS_MAX`].
    pub async fn set(&self, cx: &Cx, scope: &QuotaScope, limits: QuotaLimits) -> Result<Quota, Fault> {
        let act = SetQuota {
            id: self.ports.env.fresh_id(),
            account: cx.account,
            region: self.ports.region.clone(),
            scope: scope.clone(),
            limits,
            actor: cx.actor.clone(),
        };
        let set = self.ports.metadata.perform(cx, act).await;
        // Even where the answer is a failure the commit may stand.
        self.forget_repositories();
        set?;
        let found = self.list(cx).await?.into_iter().find(|quota| quota.scope == scope.as_str());
        found.ok_or_else(|| not_found(scope))
    }

    /// Removes a quota.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn remove(&self, cx: &Cx, scope: &QuotaScope) -> Result<(), Fault> {
        let (account, region) = (cx.account, self.ports.region.clone());
        let removed = self.ports.metadata.perform(cx, RemoveQuota { account, region, scope: scope.clone() }).await;
        self.forget_repositories();
        removed
    }

    /// What is remembered of repositories says whether quotas mean them. Who looked one up before does not reserve, but is counted.
    fn forget_repositories(&self) {
        if let Some(caches) = &self.ports.caches {
            caches.repositories.clear();
        }
    }
}

fn not_found(scope: &QuotaScope) -> Fault {
    Fault::new(
        FaultKind::NoSuchEntity,
        format!("There is no quota of '{scope}'. See which there are with: gantry quota ls"),
    )
}

/// Checks that a quota limits something, and that its soft limits come before its hard ones.
fn check(limits: QuotaLimits) -> Result<(), Fault> {
    let QuotaLimits { measure: _, bytes_hard, bytes_soft, images_hard, images_soft } = limits;
    let wrong = |message: &str| Err(Fault::new(FaultKind::InvalidParameter, message));
    if [bytes_hard, bytes_soft, images_hard, images_soft] == [None; 4] {
        return wrong("A quota limits bytes or images; remove it where it is to limit nothing");
    }
    let is_above = |soft: Option<u64>, hard: Option<u64>| soft.zip(hard).is_some_and(|(soft, hard)| soft > hard);
    if is_above(bytes_soft, bytes_hard) || is_above(images_soft, images_hard) {
        return wrong("A soft limit is at most as high as the hard one");
    }
    if [bytes_hard, bytes_soft, images_hard, images_soft]
        .into_iter()
        .flatten()
        .any(|limit| i64::try_from(limit).is_err())
    {
        return wrong("A limit is at most 8 EiB");
    }
    Ok(())
}

/// What is locked by who makes or removes quotas of an account, or a repository that they may be for.
pub(crate) fn lock_of_all(account: AccountId) -> String {
    format!("quotas {account}")
}

/// The act that sets a quota.
struct SetQuota {
    id: i64,
    account: AccountId,
    region: Region,
    scope: QuotaScope,
    limits: QuotaLimits,
    actor: Arc<str>,
}

/// What there is: the quota with its measure, and how many.
struct SetSeen {
    quota: Option<(i64, Measure)>,
    count: u64,
}

/// What is done: to which quota, and when.
struct SetPlan {
    /// The number of the one that is there, and whether it must be counted again.
    quota: Option<(i64, bool)>,
    at: Timestamp,
}

impl Act for SetQuota {
    type Seen = SetSeen;
    type Plan = SetPlan;
    type Answer = ();
    const NAME: &'static str = "registry.set_quota";

    fn gather(&self, rows: &mut Reader) -> Result<SetSeen, Fault> {
        rows.lock(&lock_of_all(self.account))?;
        let of = QuotaOf { account: self.account, region: &self.region, scope: self.scope.as_str() };
        let quota = quotas::find(rows, of)?;
        if let Some((id, _)) = quota {
            rows.lock(&quotas::lock_of(id))?;
        }
        Ok(SetSeen { quota, count: quotas::count(rows, self.account, &self.region)? })
    }

    fn decide(&self, seen: SetSeen, now: Timestamp) -> Result<SetPlan, Fault> {
        check(self.limits)?;
        if seen.quota.is_none() && seen.count >= QUOTAS_MAX as u64 {
            let message = format!("There are {QUOTAS_MAX} quotas, and there may be no more; remove one first");
            return Err(Fault::new(FaultKind::LimitExceeded, message));
        }
        let quota = seen.quota.map(|(id, measure)| (id, measure != self.limits.measure));
        Ok(SetPlan { quota, at: now })
    }

    fn apply(&self, tx: &mut Tx, SetPlan { quota, at }: SetPlan) -> Result<(), Fault> {
        let by = (at, &*self.actor);
        match quota {
            Some((id, is_counted_again)) => {
                quotas::set_limits(tx, id, self.limits, by)?;
                if is_counted_again {
                    quotas::recount(tx, id)?;
                }
            }
            None => {
                let of = QuotaOf { account: self.account, region: &self.region, scope: self.scope.as_str() };
                let (first, end) = self.scope.range();
                quotas::insert(tx, self.id, of, (&first, &end), self.limits, by)?;
            }
        }
        let QuotaLimits { measure, bytes_hard, bytes_soft, images_hard, images_soft } = self.limits;
        let body = json!({
            "scope": self.scope.as_str(), "measure": measure.as_str(), "bytesHard": bytes_hard, "bytesSoft": bytes_soft,
            "imagesHard": images_hard, "imagesSoft": images_soft,
        });
        tx.event(Event { kind: "quota.changed", repository: None, body })
    }
}

/// The act that removes a quota.
struct RemoveQuota {
    account: AccountId,
    region: Region,
    scope: QuotaScope,
}

impl Act for RemoveQuota {
    type Seen = Option<i64>;
    type Plan = i64;
    type Answer = ();
    const NAME: &'static str = "registry.remove_quota";

    fn gather(&self, rows: &mut Reader) -> Result<Option<i64>, Fault> {
        rows.lock(&lock_of_all(self.account))?;
        let of = QuotaOf { account: self.account, region: &self.region, scope: self.scope.as_str() };
        let id = quotas::find(rows, of)?.map(|(id, _)| id);
        if let Some(id) = id {
            rows.lock(&quotas::lock_of(id))?;
        }
        Ok(id)
    }

    fn decide(&self, seen: Option<i64>, _: Timestamp) -> Result<i64, Fault> {
        seen.ok_or_else(|| not_found(&self.scope))
    }

    fn apply(&self, tx: &mut Tx, id: i64) -> Result<(), Fault> {
        quotas::remove(tx, id)?;
        tx.event(Event { kind: "quota.removed", repository: None, body: json!({"scope": self.scope.as_str()}) })
    }
}

#[cfg(test)]
mod tests;

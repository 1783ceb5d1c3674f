use super::{
    CURRENT, KeptSecret, KeptVersion, Secrets,
    create::check_description,
    done,
    faults::{invalid, limit, no_value},
    lock,
    name::{Realm, SecretName},
    secret::{Rows, load},
    stages,
};
use crate::KeyTags;
use gantry_access::policy::{Policy, PolicyPlace};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, secrets, secrets::VersionRow};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// The shortest and longest wait before a secret is erased, in days (Secrets Manager API, `DeleteSecret`).
pub const RECOVERY_DAYS: std::ops::RangeInclusive<u32> = 7..=30;
/// How long it is where nobody says.
pub const RECOVERY_DAYS_DEFAULT: u32 = 30;
/// The longest policy, in bytes (Secrets Manager API, `NonEmptyResourcePolicyType`).
const POLICY_BYTES_MAX: usize = 20_480;

/// What is to become of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretChange {
    /// What it is for, in its owner's words.
    Describe(String),
    /// The key that its values are encrypted under, by any of its names: those at a stage at once, and new ones.
    SetKey(String),
    /// Who may do what with it; nobody by this policy where there is none.
    SetPolicy(Option<String>),
    /// These tags over those it has.
    Tag(KeyTags),
    /// Without the tags of these keys.
    Untag(Vec<String>),
    /// It is erased after so many days, 7 to 30, and tells no value until then; at once where none are said.
    Delete(Option<u32>),
    /// It is not erased.
    Restore,
    /// A stage goes from one version to another, or from one to none.
    MoveStage {
        /// The stage.
        stage: String,
        /// The version that has it.
        from: Option<String>,
        /// The version that gets it.
        to: Option<String>,
    },
}

impl SecretChange {
    /// The event it makes.
    const fn event(&self) -> &'static str {
        match self {
            SecretChange::Describe(_) => "secret.described",
            SecretChange::SetKey(_) => "secret.key_changed",
            SecretChange::SetPolicy(_) => "secret.policy_changed",
            SecretChange::Tag(_) | SecretChange::Untag(_) => "secret.tags_changed",
            SecretChange::Delete(_) => "secret.deleted",
            SecretChange::Restore => "secret.restored",
            SecretChange::MoveStage { .. } => "secret.stage_moved",
        }
    }

    /// Checks what can be known without the secret.
    fn check(&self) -> Result<(), Fault> {
        match self {
            SecretChange::Describe(text) => check_description(text),
            SecretChange::SetPolicy(Some(text)) => check_policy(text),
            SecretChange::Delete(Some(days)) if !RECOVERY_DAYS.contains(days) => {
                Err(invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."))
            }
            SecretChange::SetKey(_)
            | SecretChange::SetPolicy(None)
            | SecretChange::Tag(_)
            | SecretChange::Untag(_)
            | SecretChange::Delete(_)
            | SecretChange::Restore
            | SecretChange::MoveStage { .. } => Ok(()),
        }
    }

    /// Makes of the rows what they are after it.
    fn make(&self, rows: Rows, key: Option<&NewKey>, now: Timestamp) -> Result<Rows, Fault> {
        let mut rows = match self {
            SecretChange::Restore | SecretChange::Delete(_) => rows,
            _ => rows.alive()?,
        };
        let secret = &mut rows.secret;
        match self {
            SecretChange::Describe(text) => secret.description.clone_from(text),
            SecretChange::SetKey(_) => {
                let key = key.ok_or_else(|| Fault::internal("a key is looked up before it is set"))?;
                key.apply(&mut rows)?;
            }
            SecretChange::SetPolicy(text) => {
                secret.policy.clone_from(text);
                secret.policy_at = now;
            }
            SecretChange::Tag(tags) => secret.tags = KeyTags::read(&secret.tags)?.with(tags)?.print(),
            SecretChange::Untag(keys) => secret.tags = KeyTags::read(&secret.tags)?.without(keys).print(),
            SecretChange::Delete(days) => {
                let wait = days.map_or(Duration::ZERO, |days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
                if days.is_some() && secret.deleted_at.is_some() {
                    return Err(super::faults::deleted());
                }
                secret.deleted_at = Some(now);
                secret.erased_at = Some(now.plus(wait));
            }
            SecretChange::Restore => {
                secret.deleted_at = None;
                secret.erased_at = None;
            }
            SecretChange::MoveStage { stage, from, to } => {
                let mut kept = rows.kept()?;
                move_stage(&mut kept, stage, from.as_deref(), to.as_deref())?;
                rows.stage(&kept);
            }
        }
        rows.secret.changed_at = now;
        Ok(rows)
    }
}

/// Moves a stage. Whoever says where it comes from must be right.
fn move_stage(kept: &mut [KeptVersion], stage: &str, from: Option<&str>, to: Option<&str>) -> Result<(), Fault> {
    /// How many stages a version may have.
    const STAGES_MAX: usize = 20;
    for id in [from, to].into_iter().flatten() {
        if !kept.iter().any(|version| version.id == id) {
            return Err(no_value(&format!("VersionId: {id}")));
        }
    }
    let holder = stages::holder(kept, stage).map(|version| version.id.clone());
    if let Some(holder) = &holder
        && from != Some(holder.as_str())
        && to != Some(holder.as_str())
    {
        return Err(invalid(format!(
            "The staging label {stage} is currently attached to version {holder}, so you must explicitly reference that \
             version in RemoveFromVersionId."
        )));
    }
    match to {
        None if stage == CURRENT => Err(invalid(format!(
            "You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        ))),
        None => {
            if holder.is_some() && holder.as_deref() == from {
                stages::take(kept, stage);
            }
            Ok(())
        }
        Some(to) => {
            stages::give(kept, stage, to);
            match kept.iter().find(|version| version.stages.len() > STAGES_MAX) {
                Some(_) => Err(limit("stages of a version", STAGES_MAX as u64)),
                None => Ok(()),
            }
        }
    }
}

/// Checks the policy of a secret.
///
/// # Errors
/// [`FaultKind::MalformedPolicyDocument`].
pub(super) fn check_policy(text: &str) -> Result<(), Fault> {
    let malformed = |message: String| Err(Fault::new(FaultKind::MalformedPolicyDocument, message));
    if text.len() > POLICY_BYTES_MAX {
        return malformed(format!("The policy has {} bytes; it may have {POLICY_BYTES_MAX}", text.len()));
    }
    Policy::parse(text, PolicyPlace::Key).map(drop).or_else(|error| malformed(error.to_string()))
}

/// The key that a secret gets, and its values encrypted under it.
struct NewKey {
    arn: Option<String>,
    /// Of each value how it was, and how it will be.
    sealed: Vec<(Vec<u8>, VersionRow)>,
}

impl NewKey {
    fn apply(&self, rows: &mut Rows) -> Result<(), Fault> {
        rows.secret.kms_key.clone_from(&self.arn);
        for row in rows.versions.iter_mut().filter(|row| row.stages != "[]") {
            let fresh = self.sealed.iter().find(|(before, _)| *before == row.sealed);
            let (_, fresh) = fresh.ok_or_else(|| {
                let message = "Another request changed the secret; try again";
                Fault::new(FaultKind::ConcurrentModification, message)
            })?;
            row.wrapped_key.clone_from(&fresh.wrapped_key);
            row.key_arn.clone_from(&fresh.key_arn);
            row.sealed.clone_from(&fresh.sealed);
        }
        Ok(())
    }
}

impl Secrets {
    /// Changes a secret, and returns what it is then. One that is deleted without a wait is gone when this returns.
    ///
    /// # Errors
    /// [`FaultKind::SecretNotFound`], [`FaultKind::InvalidParameter`], [`FaultKind::LimitExceeded`],
    /// [`FaultKind::MalformedPolicyDocument`]; [`FaultKind::SecretInvalidRequest`] for a secret that is to be deleted;
    /// [`FaultKind::SecretEncryptionFailed`], [`FaultKind::SecretDecryptionFailed`] where a key cannot be used.
    pub async fn change(&self, cx: &Cx, id: &str, change: SecretChange) -> Result<KeptSecret, Fault> {
        change.check()?;
        let realm = self.realm(cx);
        let name = realm.read(id)?;
        let key = match &change {
            SecretChange::SetKey(key) => Some(self.new_key(cx, &realm, &name, key).await?),
            _ => None,
        };
        let act = ChangeSecret { realm, name, change, key, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }

    /// Encrypts the values at a stage under another key.
    async fn new_key(&self, cx: &Cx, realm: &Realm, name: &SecretName, key: &str) -> Result<NewKey, Fault> {
        let (place, looked_for) = (realm.clone(), name.clone());
        let rows = self.0.metadata.read(move |rows| load(rows, &place, &looked_for)?.alive()).await?;
        let arn = self.key_arn(cx, Some(key)).await?;
        let secret = realm.arn(&rows.secret.name, &rows.secret.suffix);
        let mut sealed = Vec::new();
        for row in rows.versions.into_iter().filter(|row| row.stages != "[]") {
            let value = self.open(cx, &secret, &row).await?;
            let fresh = self.seal(cx, (&secret, &row.id), arn.as_deref(), &value).await?;
            sealed.push((row.sealed, fresh));
        }
        Ok(NewKey { arn, sealed })
    }
}

struct ChangeSecret {
    realm: Realm,
    name: SecretName,
    change: SecretChange,
    key: Option<NewKey>,
    actor: Arc<str>,
}

impl Act for ChangeSecret {
    type Seen = Rows;
    type Plan = Rows;
    type Answer = KeptSecret;
    const NAME: &'static str = "accounts.change_secret";

    fn gather(&self, rows: &mut Reader) -> Result<Rows, Fault> {
        lock(rows, self.realm.account)?;
        load(rows, &self.realm, &self.name)
    }

    fn decide(&self, seen: Rows, now: Timestamp) -> Result<Rows, Fault> {
        self.change.make(seen, self.key.as_ref(), now)
    }

    fn apply(&self, tx: &mut Tx, plan: Rows) -> Result<KeptSecret, Fault> {
        match self.change {
            SecretChange::Delete(None) => secrets::erase(tx, self.realm.account, &plan.secret.name)?,
            _ => plan.write(tx, self.realm.account)?,
        }
        let shown = plan.show(&self.realm)?;
        done(tx, self.change.event(), &self.actor, json!({"arn": shown.arn}))?;
        Ok(shown)
    }
}

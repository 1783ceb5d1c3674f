use super::{
    Key, KeyState, KeyTags, Keyring, done,
    faults::{invalid, not_pending_deletion},
    key, lock,
    name::Realm,
    rotation::{ROTATION_DAYS_MAX, ROTATION_DAYS_MIN, days},
};
use gantry_access::policy::{Policy, PolicyPlace};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, kms};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The shortest and longest wait before a key is erased, in days (KMS API, `ScheduleKeyDeletion`).
pub const DELETION_DAYS: std::ops::RangeInclusive<u32> = 7..=30;
/// How long it is where nobody says.
pub const DELETION_DAYS_DEFAULT: u32 = 30;
const DESCRIPTION_CHARS_MAX: usize = 8192;

/// What is to become of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// It encrypts and decrypts again.
    Enable,
    /// It does neither until it is enabled.
    Disable,
    /// It is erased after this many days, 7 to 30, and does neither until then.
    ScheduleDeletion(u32),
    /// It is not erased, and is disabled.
    CancelDeletion,
    /// It rotates by itself, every so many days, 90 to 2560.
    EnableRotation(u32),
    /// It no longer rotates by itself.
    DisableRotation,
    /// What it is for, in its owner's words.
    Describe(String),
    /// Who may do what with it.
    SetPolicy(String),
    /// These tags over those it has.
    Tag(KeyTags),
    /// Without the tags of these keys.
    Untag(Vec<String>),
}

impl KeyChange {
    /// The event it makes.
    const fn event(&self) -> &'static str {
        match self {
            KeyChange::Enable => "key.enabled",
            KeyChange::Disable => "key.disabled",
            KeyChange::ScheduleDeletion(_) => "key.deletion_scheduled",
            KeyChange::CancelDeletion => "key.deletion_cancelled",
            KeyChange::EnableRotation(_) | KeyChange::DisableRotation => "key.rotation_changed",
            KeyChange::Describe(_) => "key.described",
            KeyChange::SetPolicy(_) => "key.policy_changed",
            KeyChange::Tag(_) | KeyChange::Untag(_) => "key.tags_changed",
        }
    }

    /// Checks what can be known without the key.
    fn check(&self) -> Result<(), Fault> {
        let within = |name: &str, days: u32, min: u32, max: u32| match (min..=max).contains(&days) {
            true => Ok(()),
            false => Err(invalid(format!("{name} is {days}; it must be {min} to {max}"))),
        };
        match self {
            KeyChange::ScheduleDeletion(days) => {
                within("PendingWindowInDays", *days, *DELETION_DAYS.start(), *DELETION_DAYS.end())
            }
            KeyChange::EnableRotation(days) => {
                within("RotationPeriodInDays", *days, ROTATION_DAYS_MIN, ROTATION_DAYS_MAX)
            }
            KeyChange::Describe(text) => check_description(text),
            KeyChange::SetPolicy(text) => check_policy(text),
            KeyChange::Enable
            | KeyChange::Disable
            | KeyChange::CancelDeletion
            | KeyChange::DisableRotation
            | KeyChange::Tag(_)
            | KeyChange::Untag(_) => Ok(()),
        }
    }

    /// Returns what the key is after it.
    fn to(&self, mut key: Key, now: Timestamp) -> Result<Key, Fault> {
        key.of_customer()?;
        match self {
            KeyChange::CancelDeletion if key.state != KeyState::PendingDeletion => {
                return Err(not_pending_deletion(&key.arn));
            }
            KeyChange::CancelDeletion => (),
            KeyChange::EnableRotation(_) | KeyChange::DisableRotation => key.enabled()?,
            _ => key.kept()?,
        }
        match self {
            KeyChange::Enable => key.state = KeyState::Enabled,
            KeyChange::Disable => key.state = KeyState::Disabled,
            KeyChange::ScheduleDeletion(count) => {
                key.state = KeyState::PendingDeletion;
                key.deletion_at = Some(now.plus(days(*count)));
            }
            KeyChange::CancelDeletion => {
                key.state = KeyState::Disabled;
                key.deletion_at = None;
            }
            // Said again, it changes nothing: otherwise who says it daily would never have it rotated.
            KeyChange::EnableRotation(count) if key.next_rotation_at.is_some() && key.rotation_days == *count => (),
            KeyChange::EnableRotation(count) => {
                key.rotation_days = *count;
                key.next_rotation_at = Some(now.plus(days(*count)));
            }
            KeyChange::DisableRotation => key.next_rotation_at = None,
            KeyChange::Describe(text) => key.description.clone_from(text),
            KeyChange::SetPolicy(text) => {
                key.policy.clone_from(text);
                key.policy_at = now;
            }
            KeyChange::Tag(tags) => key.tags = key.tags.with(tags)?,
            KeyChange::Untag(keys) => key.tags = key.tags.without(keys),
        }
        Ok(key)
    }
}

pub(super) fn check_description(text: &str) -> Result<(), Fault> {
    match text.chars().count() {
        0..=DESCRIPTION_CHARS_MAX => Ok(()),
        _ => Err(invalid(format!("Description may have {DESCRIPTION_CHARS_MAX} characters"))),
    }
}

pub(super) fn check_policy(text: &str) -> Result<(), Fault> {
    let malformed = |error: &dyn std::fmt::Display| Fault::new(FaultKind::MalformedPolicyDocument, error.to_string());
    Policy::parse(text, PolicyPlace::Key).map(|_| ()).map_err(|error| malformed(&error))
}

impl Keyring {
    /// Changes the key of an id or ARN, and returns what it is then. A key that is disabled or to be deleted encrypts and
    /// decrypts nothing from then on, on any replica.
    ///
    /// # Errors
    /// [`FaultKind::KmsNotFound`], [`FaultKind::KmsInvalidArn`]; [`FaultKind::ValidationFailed`],
    /// [`FaultKind::MalformedPolicyDocument`]; [`FaultKind::KmsKeyDisabled`], [`FaultKind::KmsInvalidState`] where its state
    /// does not allow it; [`FaultKind::KmsUnsupportedOperation`] for a key that was made for a service.
    pub async fn change(&self, cx: &Cx, key: &str, change: KeyChange) -> Result<Key, Fault> {
        change.check()?;
        let realm = self.realm(cx);
        let id = realm.read_id(key)?;
        let act = ChangeKey { realm, id, change, actor: cx.actor.clone() };
        let changed = self.0.metadata.perform(cx, act).await?;
        if changed.state != KeyState::Enabled {
            self.forget(cx.account, &changed.id);
        }
        Ok(changed)
    }
}

struct ChangeKey {
    realm: Realm,
    id: String,
    change: KeyChange,
    actor: Arc<str>,
}

impl Act for ChangeKey {
    type Seen = Key;
    type Plan = Key;
    type Answer = Key;
    const NAME: &'static str = "accounts.change_key";

    fn gather(&self, rows: &mut Reader) -> Result<Key, Fault> {
        lock(rows, self.realm.account)?;
        key::load(rows, &self.realm, &self.id)
    }

    fn decide(&self, seen: Key, now: Timestamp) -> Result<Key, Fault> {
        self.change.to(seen, now)
    }

    fn apply(&self, tx: &mut Tx, plan: Key) -> Result<Key, Fault> {
        kms::put(tx, self.realm.account, &plan.to_row())?;
        done(tx, self.change.event(), &self.actor, json!({"arn": plan.arn, "state": plan.state.as_str()}))?;
        Ok(plan)
    }
}

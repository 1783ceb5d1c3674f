use super::{
    Identities, Identity, IdentityKind, done,
    faults::{invalid, no_access_key, quota},
    identity, lock,
};
use crate::RootCredentials;
use gantry_access::sealed;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Trail, Tx, Write,
    identities::access_keys::{self, AccessKeyRow},
};
use gantry_words::{AccountId, Cx, Secret, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// The most access keys of a user: one in use, and one to move to.
pub const ACCESS_KEYS_MAX: usize = 2;
/// How long an old secret may stay good beside a new one.
const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// An access key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id, `AKIA…`.
    pub id: String,
    /// Whether it may be used.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until when the secret before the present one is good; `None` where there is none.
    pub previous_until: Option<Timestamp>,
}

/// An access key with its secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct NewAccessKey {
    /// The key.
    pub key: AccessKey,
    /// The name of its user.
    pub user: String,
    /// Its secret: 40 letters and digits.
    pub secret: Secret<String>,
}

/// When an access key was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyUse {
    /// The name of its user.
    pub user: String,
    /// When, with which service and in which region; `None` where no use is noted.
    pub used: Option<(Timestamp, String, String)>,
}

impl AccessKey {
    fn read(row: &AccessKeyRow) -> Self {
        AccessKey {
            id: row.id.clone(),
            is_active: row.is_active,
            created_at: row.created_at,
            previous_until: row.previous_until,
        }
    }
}

/// What a sealed secret is for: of another user or key it does not open.
pub(super) fn purpose(account: AccountId, user_id: &str, key_id: &str) -> String {
    format!("access key {account} {user_id} {key_id}")
}

impl Identities {
    /// Creates an access key for a user.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`]; [`FaultKind::IdentityLimitExceeded`] beyond [`ACCESS_KEYS_MAX`].
    pub async fn create_access_key(&self, cx: &Cx, user: &str) -> Result<NewAccessKey, Fault> {
        let drawn = RootCredentials::generate(&self.0.env);
        let user = self.load(cx.account, IdentityKind::User, user).await?;
        let row = AccessKeyRow {
            secret: self.seal(&purpose(cx.account, &user.id, &drawn.access_key_id), &drawn.secret_access_key)?,
            id: drawn.access_key_id,
            user_id: user.id,
            previous: None,
            previous_until: None,
            is_active: true,
            created_at: cx.now,
            used_at: None,
            used_service: None,
            used_region: None,
        };
        let change = Change::Create(row);
        let key = self.change_key(cx, &user.name, change).await?;
        Ok(NewAccessKey { key, user: user.name, secret: drawn.secret_access_key })
    }

    /// Gives an access key another secret, and leaves the one that it had good for `overlap`, at most seven days.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], [`FaultKind::InvalidInput`].
    pub async fn rotate_access_key(
        &self,
        cx: &Cx,
        user: &str,
        key_id: &str,
        overlap: Duration,
    ) -> Result<NewAccessKey, Fault> {
        if overlap > OVERLAP_MAX {
            return Err(invalid("An old secret stays good for at most seven days beside a new one"));
        }
        let secret = RootCredentials::generate(&self.0.env).secret_access_key;
        let user = self.load(cx.account, IdentityKind::User, user).await?;
        let sealed = self.seal(&purpose(cx.account, &user.id, key_id), &secret)?;
        let change = Change::Rotate { id: key_id.into(), user_id: user.id, sealed, until: cx.now.plus(overlap) };
        let key = self.change_key(cx, &user.name, change).await?;
        Ok(NewAccessKey { key, user: user.name, secret })
    }

    /// Switches an access key on or off.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], also where it is another user's.
    pub async fn set_access_key_status(&self, cx: &Cx, user: &str, key_id: &str, is_active: bool) -> Result<(), Fault> {
        self.change_key(cx, user, Change::Switch { id: key_id.into(), is_active }).await.map(drop)
    }

    /// Deletes an access key.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`], also where it is another user's.
    pub async fn delete_access_key(&self, cx: &Cx, user: &str, key_id: &str) -> Result<(), Fault> {
        self.change_key(cx, user, Change::Delete(key_id.into())).await.map(drop)
    }

    /// Returns the access keys of a user: at most [`ACCESS_KEYS_MAX`].
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn list_access_keys(&self, account: AccountId, user: &str) -> Result<Vec<AccessKey>, Fault> {
        let user = user.to_string();
        let look = move |rows: &mut Reader| {
            let user = identity::load(rows, account, IdentityKind::User, &user)?;
            access_keys::list(rows, account, &user.id)
        };
        Ok(self.0.metadata.read(look).await?.iter().map(AccessKey::read).collect())
    }

    /// Returns when an access key was last used, and whose it is.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn access_key_last_used(&self, account: AccountId, key_id: &str) -> Result<AccessKeyUse, Fault> {
        let id = key_id.to_string();
        let look = move |rows: &mut Reader| {
            let found = access_keys::find(rows, account, &id)?;
            Ok(found.zip(access_keys::owner(rows, account, &id)?))
        };
        let (row, user) = self.0.metadata.read(look).await?.ok_or_else(|| no_access_key(key_id))?;
        let used =
            row.used_at.map(|at| (at, row.used_service.unwrap_or_default(), row.used_region.unwrap_or_default()));
        Ok(AccessKeyUse { user, used })
    }

    /// Notes that an access key was used at `cx.now`. To be called now and then, not with every request.
    ///
    /// # Errors
    /// The metadata cannot be written.
    pub async fn note_access_key_use(&self, cx: &Cx, key_id: &str, service: &str, region: &str) -> Result<(), Fault> {
        let (account, id) = (cx.account, key_id.to_string());
        let act = NoteAccessKeyUse { account, id, service: service.into(), region: region.into() };
        self.0.metadata.perform(cx, act).await
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`]: the site has no key to seal with.
    pub(crate) fn seal(&self, purpose: &str, secret: &Secret<String>) -> Result<String, Fault> {
        let Some(key) = self.0.keys.first() else {
            return Err(invalid(
                "This site has no master key to seal the secrets of access keys with. Set encryption.master_key, the same on \
                 every server that shares the database, and start them again",
            ));
        };
        Ok(sealed::seal(key, purpose, secret.reveal().as_bytes(), self.0.env.random()))
    }

    async fn change_key(&self, cx: &Cx, user: &str, change: Change) -> Result<AccessKey, Fault> {
        let act = ChangeAccessKey { account: cx.account, user: user.into(), change, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

enum Change {
    Create(AccessKeyRow),
    /// The user's unique id is part of what was sealed for.
    Rotate {
        id: String,
        user_id: String,
        sealed: String,
        until: Timestamp,
    },
    Switch {
        id: String,
        is_active: bool,
    },
    Delete(String),
}

struct ChangeAccessKey {
    account: AccountId,
    user: String,
    change: Change,
    actor: Arc<str>,
}

struct Plan {
    user: Identity,
    key: AccessKeyRow,
    /// What is said of it; `None` where nothing becomes other.
    event: Option<&'static str>,
}

impl Act for ChangeAccessKey {
    type Seen = (Identity, Vec<AccessKeyRow>);
    type Plan = Plan;
    type Answer = AccessKey;
    const NAME: &'static str = "accounts.change_access_key";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.account)?;
        let user = identity::load(rows, self.account, IdentityKind::User, &self.user)?;
        let keys = access_keys::list(rows, self.account, &user.id)?;
        Ok((user, keys))
    }

    fn decide(&self, (user, keys): Self::Seen, now: Timestamp) -> Result<Plan, Fault> {
        let load = |id: &str| keys.iter().find(|key| key.id == id).cloned().ok_or_else(|| no_access_key(id));
        // The secret was sealed for whom the name meant a moment ago.
        let check = |sealed_for: &str| match user.id == sealed_for {
            true => Ok(()),
            false => Err(Fault::new(
                FaultKind::ConcurrentModification,
                format!("The user {} was made anew meanwhile; try again", user.name),
            )),
        };
        let (key, event) = match &self.change {
            Change::Create(row) => {
                check(&row.user_id)?;
                if keys.len() >= ACCESS_KEYS_MAX {
                    return Err(quota("AccessKeysPerUser", ACCESS_KEYS_MAX));
                }
                (row.clone(), Some("access_key.created"))
            }
            Change::Rotate { id, user_id, sealed, until } => {
                check(user_id)?;
                let mut key = load(id)?;
                let before = std::mem::replace(&mut key.secret, sealed.clone());
                let is_kept = *until > now;
                key.previous = is_kept.then_some(before);
                key.previous_until = is_kept.then_some(*until);
                (key, Some("access_key.rotated"))
            }
            Change::Switch { id, is_active } => {
                let mut key = load(id)?;
                let event = match (key.is_active, is_active) {
                    (true, false) => Some("access_key.deactivated"),
                    (false, true) => Some("access_key.activated"),
                    (true, true) | (false, false) => None,
                };
                key.is_active = *is_active;
                (key, event)
            }
            Change::Delete(id) => (load(id)?, Some("access_key.deleted")),
        };
        Ok(Plan { user, key, event })
    }

    fn apply(&self, tx: &mut Tx, Plan { user, key, event }: Plan) -> Result<AccessKey, Fault> {
        let answer = AccessKey::read(&key);
        let Some(event) = event else { return Ok(answer) };
        match &self.change {
            Change::Delete(id) => access_keys::delete(tx, self.account, id)?,
            Change::Create(_) | Change::Rotate { .. } | Change::Switch { .. } => {
                access_keys::put(tx, self.account, &key)?;
            }
        }
        let body = json!({"arn": user.arn(), "id": user.id, "access_key": key.id});
        done(tx, self.account, event, &self.actor, body)?;
        Ok(answer)
    }
}

struct NoteAccessKeyUse {
    account: AccountId,
    id: String,
    service: String,
    region: String,
}

impl Write for NoteAccessKeyUse {
    type Answer = ();
    const NAME: &'static str = "accounts.note_access_key_use";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = "it asks nothing, and its one statement keeps the later of two uses";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        access_keys::note_use(tx, self.account, &self.id, now, &self.service, &self.region)
    }
}

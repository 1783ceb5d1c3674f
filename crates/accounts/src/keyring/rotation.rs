use super::{Key, KeyState, Keyring, ciphertext, done, faults::limit, key, lock, name::Realm};
use gantry_access::material::{KeyBytes, NONCE_BYTES, WrappingKey};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, kms, kms::MaterialRow};
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// The shortest and longest time from one rotation to the next, in days (KMS API, `EnableKeyRotation`).
pub(super) const ROTATION_DAYS_MIN: u32 = 90;
pub(super) const ROTATION_DAYS_MAX: u32 = 2560;
/// How long it is where nobody says.
pub const ROTATION_DAYS_DEFAULT: u32 = 365;
/// How often somebody may ask for one (KMS API, `RotateKeyOnDemand`).
const ON_DEMAND_MAX: u64 = 25;

pub(super) fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 24 * 60 * 60)
}

/// Material drawn for one version of a key. An act may run more than once, and draws nothing itself.
pub(super) struct Fresh {
    pub(super) bytes: KeyBytes,
    pub(super) nonce: [u8; NONCE_BYTES],
    /// What it is wrapped under.
    pub(super) master: Arc<WrappingKey>,
}

impl Fresh {
    pub(super) fn material(&self, account: AccountId, key_id: &str, version: u32, now: Timestamp) -> MaterialRow {
        let associated = ciphertext::of_material(account, key_id, version);
        MaterialRow {
            version: version.into(),
            wrapped: self.master.wrap(self.nonce, &associated, self.bytes.reveal()),
            is_on_demand: false,
            created_at: now,
        }
    }
}

/// A rotation that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The version it made, from 2.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// Whether somebody asked for it; it was time otherwise.
    pub is_on_demand: bool,
}

impl Keyring {
    /// Gives a key new material at once. What was encrypted before still decrypts; when it rotates by itself stays as it is.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::KmsNotFound`], [`gantry_fault::FaultKind::KmsInvalidArn`];
    /// [`gantry_fault::FaultKind::KmsKeyDisabled`], [`gantry_fault::FaultKind::KmsInvalidState`];
    /// [`gantry_fault::FaultKind::KmsLimitExceeded`] from the 26th time on; [`gantry_fault::FaultKind::KmsUnsupportedOperation`]
    /// for a key that was made for a service.
    pub async fn rotate(&self, cx: &Cx, key: &str) -> Result<Key, Fault> {
        let realm = self.realm(cx);
        let id = realm.read_id(key)?;
        self.rotate_key(cx, realm, id, true).await
    }

    pub(super) async fn rotate_key(&self, cx: &Cx, realm: Realm, id: String, is_asked: bool) -> Result<Key, Fault> {
        let fresh = self.draw(cx).await?;
        self.0.metadata.perform(cx, RotateKey { realm, id, fresh, is_asked, actor: cx.actor.clone() }).await
    }

    /// Returns up to `count` rotations of a key after the one that made the version `after`, the oldest first.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::KmsNotFound`], [`gantry_fault::FaultKind::KmsInvalidArn`].
    pub async fn rotations(&self, cx: &Cx, key: &str, after: u32, count: usize) -> Result<Page<Rotation>, Fault> {
        let realm = self.realm(cx);
        let id = realm.read_id(key)?;
        let look = move |rows: &mut Reader| {
            let key = key::load(rows, &realm, &id)?;
            // The first version is the creation.
            kms::materials(rows, realm.account, &key.id, after.max(1).into(), count + 1)
        };
        let found = self.0.metadata.read_long(look).await?;
        let read = |row: MaterialRow| {
            let version = u32::try_from(row.version).map_err(Fault::internal)?;
            Ok(Rotation { version, at: row.created_at, is_on_demand: row.is_on_demand })
        };
        Ok(Page::cut(found.into_iter().map(read).collect::<Result<Vec<_>, Fault>>()?, count))
    }
}

struct RotateKey {
    realm: Realm,
    id: String,
    fresh: Fresh,
    /// Whether somebody asked; otherwise it rotates only where it is time.
    is_asked: bool,
    actor: Arc<str>,
}

impl Act for RotateKey {
    /// The key, and how often somebody asked for a rotation.
    type Seen = (Key, u64);
    /// The key as it will be, with its new material; as it is where there is nothing to do.
    type Plan = (Key, Option<MaterialRow>);
    type Answer = Key;
    const NAME: &'static str = "accounts.rotate_key";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.realm.account)?;
        Ok((key::load(rows, &self.realm, &self.id)?, kms::count_on_demand(rows, self.realm.account, &self.id)?))
    }

    fn decide(&self, (mut key, asked): Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        if self.is_asked {
            key.of_customer()?;
            key.enabled()?;
            if asked >= ON_DEMAND_MAX {
                return Err(limit("rotations of a key on demand", ON_DEMAND_MAX));
            }
        } else if key.state != KeyState::Enabled || key.next_rotation_at.is_none_or(|at| at > now) {
            return Ok((key, None));
        } else {
            key.next_rotation_at = Some(now.plus(days(key.rotation_days)));
        }
        key.version += 1;
        let material = self.fresh.material(self.realm.account, &key.id, key.version, now);
        Ok((key, Some(MaterialRow { is_on_demand: self.is_asked, ..material })))
    }

    fn apply(&self, tx: &mut Tx, (key, material): Self::Plan) -> Result<Key, Fault> {
        let Some(material) = material else { return Ok(key) };
        kms::add_material(tx, self.realm.account, &key.id, &material)?;
        kms::put(tx, self.realm.account, &key.to_row())?;
        done(tx, "key.rotated", &self.actor, json!({"arn": key.arn, "version": key.version}))?;
        Ok(key)
    }
}

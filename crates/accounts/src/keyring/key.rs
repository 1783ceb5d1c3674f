use super::{
    KeyTags, Keyring,
    faults::{disabled, no_alias, no_key, of_service, pending_deletion},
    name::{KeyName, Realm},
};
use gantry_fault::Fault;
use gantry_metadata::{Reader, kms, kms::KeyRow};
use gantry_words::{Cx, Page, Timestamp};

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It encrypts and decrypts.
    Enabled,
    /// It does neither, until somebody enables it.
    Disabled,
    /// It does neither, and will be erased.
    PendingDeletion,
}

impl KeyState {
    /// Returns the word that KMS has for it. It is stored: it never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion => "PendingDeletion",
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "Enabled" => Ok(KeyState::Enabled),
            "Disabled" => Ok(KeyState::Disabled),
            "PendingDeletion" => Ok(KeyState::PendingDeletion),
            other => Err(Fault::internal(format!("{other:?} is stored as the state of a key"))),
        }
    }
}

/// Who may change a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManager {
    /// The account it is of.
    Customer,
    /// Nobody: it was made on first use, for a service.
    Aws,
}

impl KeyManager {
    /// Returns the word that KMS has for it. It is stored: it never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyManager::Customer => "CUSTOMER",
            KeyManager::Aws => "AWS",
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "CUSTOMER" => Ok(KeyManager::Customer),
            "AWS" => Ok(KeyManager::Aws),
            other => Err(Fault::internal(format!("{other:?} is stored as the manager of a key"))),
        }
    }
}

/// A key that encrypts short texts and data keys: AES-256, whose material never leaves the keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id, a UUID: never used again.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// Whose it is.
    pub manager: KeyManager,
    /// What it is for now.
    pub state: KeyState,
    /// When it is erased: there if and only if it is to be deleted.
    pub deletion_at: Option<Timestamp>,
    /// How many days pass from one rotation to the next; kept while rotation is off.
    pub rotation_days: u32,
    /// When it rotates next; none while rotation is off.
    pub next_rotation_at: Option<Timestamp>,
    /// The newest version of its material, from 1.
    pub version: u32,
    /// Who may do what with it: a policy, as it was written.
    pub policy: String,
    /// When that was written.
    pub policy_at: Timestamp,
    /// Its tags.
    pub tags: KeyTags,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What keys are; there is one kind.
const SPEC: &str = "SYMMETRIC_DEFAULT";
const USAGE: &str = "ENCRYPT_DECRYPT";

impl Key {
    pub(super) fn read(realm: &Realm, row: KeyRow) -> Result<Self, Fault> {
        Ok(Key {
            arn: realm.key_arn(&row.id),
            id: row.id,
            description: row.description,
            manager: KeyManager::parse(&row.manager)?,
            state: KeyState::parse(&row.state)?,
            deletion_at: row.deletion_at,
            rotation_days: u32::try_from(row.rotation_days).map_err(Fault::internal)?,
            next_rotation_at: row.next_rotation_at,
            version: u32::try_from(row.version).map_err(Fault::internal)?,
            policy: row.policy,
            policy_at: row.policy_at,
            tags: KeyTags::read(&row.tags)?,
            created_at: row.created_at,
        })
    }

    pub(super) fn to_row(&self) -> KeyRow {
        KeyRow {
            id: self.id.clone(),
            description: self.description.clone(),
            spec: SPEC.into(),
            usage: USAGE.into(),
            manager: self.manager.as_str().into(),
            state: self.state.as_str().into(),
            deletion_at: self.deletion_at,
            rotation_days: self.rotation_days.into(),
            next_rotation_at: self.next_rotation_at,
            version: self.version.into(),
            policy: self.policy.clone(),
            policy_at: self.policy_at,
            tags: self.tags.print(),
            created_at: self.created_at,
        }
    }

    /// Refuses what only an enabled key does.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::KmsKeyDisabled`], [`gantry_fault::FaultKind::KmsInvalidState`].
    pub(super) fn enabled(&self) -> Result<(), Fault> {
        match self.state {
            KeyState::Enabled => Ok(()),
            KeyState::Disabled => Err(disabled(&self.arn)),
            KeyState::PendingDeletion => Err(pending_deletion(&self.arn)),
        }
    }

    /// Refuses what cannot be done with a key that was made for a service.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::KmsUnsupportedOperation`].
    pub(super) fn of_customer(&self) -> Result<(), Fault> {
        if self.manager == KeyManager::Aws { Err(of_service(&self.arn)) } else { Ok(()) }
    }

    /// Refuses what cannot be done with a key that is to be deleted.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::KmsInvalidState`].
    pub(super) fn kept(&self) -> Result<(), Fault> {
        if self.state == KeyState::PendingDeletion { Err(pending_deletion(&self.arn)) } else { Ok(()) }
    }
}

/// Reads the key of an id from the rows.
///
/// # Errors
/// [`gantry_fault::FaultKind::KmsNotFound`].
pub(super) fn load(rows: &mut Reader, realm: &Realm, id: &str) -> Result<Key, Fault> {
    let row = kms::find(rows, realm.account, id)?.ok_or_else(|| no_key(&realm.key_arn(id)))?;
    Key::read(realm, row)
}

/// Reads the key of a name from the rows.
///
/// # Errors
/// [`gantry_fault::FaultKind::KmsNotFound`].
pub(super) fn load_named(rows: &mut Reader, realm: &Realm, name: &KeyName) -> Result<Key, Fault> {
    match name {
        KeyName::Id(id) => load(rows, realm, id),
        KeyName::Alias(name) => {
            let alias = kms::find_alias(rows, realm.account, name)?;
            load(rows, realm, &alias.ok_or_else(|| no_alias(&realm.alias_arn(name)))?.key_id)
        }
    }
}

impl Keyring {
    /// Returns the key of an id, an ARN, an alias or the ARN of one.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::KmsNotFound`], [`gantry_fault::FaultKind::KmsInvalidArn`].
    pub async fn load(&self, cx: &Cx, key: &str) -> Result<Key, Fault> {
        let realm = self.realm(cx);
        let name = realm.read(key)?;
        self.0.metadata.read(move |rows| load_named(rows, &realm, &name)).await
    }

    /// Returns the key of a name as [`Keyring::load`] does, where it encrypts now.
    ///
    /// # Errors
    /// As of [`Keyring::load`]; [`gantry_fault::FaultKind::KmsKeyDisabled`], [`gantry_fault::FaultKind::KmsInvalidState`].
    pub async fn load_enabled(&self, cx: &Cx, key: &str) -> Result<Key, Fault> {
        let found = self.load(cx, key).await?;
        found.enabled().map(|()| found)
    }

    /// Returns the key of an id or ARN, where no alias is taken.
    ///
    /// # Errors
    /// As of [`Keyring::load`].
    pub async fn load_by_id(&self, cx: &Cx, key: &str) -> Result<Key, Fault> {
        let realm = self.realm(cx);
        let id = realm.read_id(key)?;
        self.0.metadata.read(move |rows| load(rows, &realm, &id)).await
    }

    /// Returns up to `count` keys whose ids come after `after`, by their ids. The next page begins after the last id.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn list(&self, cx: &Cx, after: &str, count: usize) -> Result<Page<Key>, Fault> {
        let (realm, after) = (self.realm(cx), after.to_string());
        let look = move |rows: &mut Reader| {
            let found = kms::list(rows, realm.account, &after, count + 1)?;
            found.into_iter().map(|row| Key::read(&realm, row)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Page::cut(self.0.metadata.read_long(look).await?, count))
    }
}

use super::{
    Key, Keyring, done,
    faults::{limit, no_alias},
    key, lock,
    name::{Realm, check_alias},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, kms, kms::AliasRow};
use gantry_words::{Cx, Page, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// How many aliases a key may have.
pub const ALIASES_MAX: u64 = 50;

/// A name of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name, with `alias/` before it.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The key's id.
    pub key_id: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last given to a key.
    pub changed_at: Timestamp,
}

impl Keyring {
    /// Gives the key of an id or ARN a new alias.
    ///
    /// # Errors
    /// [`FaultKind::KmsInvalidAliasName`], [`FaultKind::KmsAliasExists`]; [`FaultKind::KmsNotFound`],
    /// [`FaultKind::KmsInvalidArn`]; [`FaultKind::KmsInvalidState`] for a key that is to be deleted;
    /// [`FaultKind::KmsLimitExceeded`]; [`FaultKind::KmsUnsupportedOperation`] for a key that was made for a service.
    pub async fn create_alias(&self, cx: &Cx, name: &str, key: &str) -> Result<(), Fault> {
        self.change_alias(cx, name, Some(key), true).await
    }

    /// Gives an alias to another key. What was encrypted under the one before still decrypts with that.
    ///
    /// # Errors
    /// As of [`Keyring::create_alias`]; [`FaultKind::KmsNotFound`] where there is no such alias.
    pub async fn update_alias(&self, cx: &Cx, name: &str, key: &str) -> Result<(), Fault> {
        self.change_alias(cx, name, Some(key), false).await
    }

    /// Removes an alias; the key stays.
    ///
    /// # Errors
    /// [`FaultKind::KmsInvalidAliasName`], [`FaultKind::KmsNotFound`].
    pub async fn delete_alias(&self, cx: &Cx, name: &str) -> Result<(), Fault> {
        self.change_alias(cx, name, None, false).await
    }

    async fn change_alias(&self, cx: &Cx, name: &str, key: Option<&str>, is_new: bool) -> Result<(), Fault> {
        check_alias(name)?;
        let realm = self.realm(cx);
        let key_id = key.map(|key| realm.read_id(key)).transpose()?;
        let act = ChangeAlias { realm, name: name.into(), key_id, is_new, actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }

    /// Returns up to `count` aliases after the name `after`, by their names: those of the account, or of the key of an id or
    /// ARN. The next page begins after the last name.
    ///
    /// # Errors
    /// [`FaultKind::KmsNotFound`], [`FaultKind::KmsInvalidArn`].
    pub async fn aliases(&self, cx: &Cx, key: Option<&str>, after: &str, count: usize) -> Result<Page<Alias>, Fault> {
        let (realm, after) = (self.realm(cx), after.to_string());
        let id = key.map(|key| realm.read_id(key)).transpose()?;
        let look = move |rows: &mut Reader| {
            if let Some(id) = &id {
                key::load(rows, &realm, id)?;
            }
            let found = kms::aliases(rows, realm.account, id.as_deref(), &after, count + 1)?;
            Ok(found.into_iter().map(|row| shown(&realm, row)).collect::<Vec<_>>())
        };
        Ok(Page::cut(self.0.metadata.read_long(look).await?, count))
    }
}

fn shown(realm: &Realm, row: AliasRow) -> Alias {
    let AliasRow { name, key_id, created_at, changed_at } = row;
    Alias { arn: realm.alias_arn(&name), name, key_id, created_at, changed_at }
}

struct ChangeAlias {
    realm: Realm,
    name: String,
    /// The key that gets it; none where it is removed.
    key_id: Option<String>,
    is_new: bool,
    actor: Arc<str>,
}

struct AliasSeen {
    held: Option<AliasRow>,
    key: Option<Key>,
    /// How many aliases that key has.
    count: u64,
}

impl Act for ChangeAlias {
    type Seen = AliasSeen;
    /// The alias as it will be; none where it goes.
    type Plan = Option<AliasRow>;
    type Answer = ();
    const NAME: &'static str = "accounts.change_key_alias";

    fn gather(&self, rows: &mut Reader) -> Result<AliasSeen, Fault> {
        let account = self.realm.account;
        lock(rows, account)?;
        let key = self.key_id.as_deref().map(|id| key::load(rows, &self.realm, id)).transpose()?;
        let count = key.as_ref().map_or(Ok(0), |key| kms::count_aliases(rows, account, &key.id))?;
        Ok(AliasSeen { held: kms::find_alias(rows, account, &self.name)?, key, count })
    }

    fn decide(&self, seen: AliasSeen, now: Timestamp) -> Result<Option<AliasRow>, Fault> {
        let arn = self.realm.alias_arn(&self.name);
        if self.is_new && seen.held.is_some() {
            return Err(Fault::new(FaultKind::KmsAliasExists, format!("An alias with the name {arn} already exists")));
        }
        if !self.is_new && seen.held.is_none() {
            return Err(no_alias(&arn));
        }
        let Some(key) = seen.key else { return Ok(None) };
        key.of_customer()?;
        key.kept()?;
        let has_it = seen.held.as_ref().is_some_and(|held| held.key_id == key.id);
        if !has_it && seen.count >= ALIASES_MAX {
            return Err(limit("aliases of a key", ALIASES_MAX));
        }
        let created_at = seen.held.map_or(now, |held| held.created_at);
        Ok(Some(AliasRow { name: self.name.clone(), key_id: key.id, created_at, changed_at: now }))
    }

    fn apply(&self, tx: &mut Tx, plan: Option<AliasRow>) -> Result<(), Fault> {
        let account = self.realm.account;
        match &plan {
            Some(alias) => kms::put_alias(tx, account, alias)?,
            None => kms::remove_alias(tx, account, &self.name)?,
        }
        let key = plan.map(|alias| self.realm.key_arn(&alias.key_id));
        done(tx, "key.alias_changed", &self.actor, json!({"alias": self.name, "key": key}))
    }
}

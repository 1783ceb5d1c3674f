use super::{
    Key, KeyManager, KeyState, KeyTags, Keyring,
    change::{check_description, check_policy},
    done,
    faults::limit,
    key, lock,
    name::Realm,
    rotation::{Fresh, ROTATION_DAYS_DEFAULT},
};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Tx, kms,
    kms::{AliasRow, MaterialRow},
};
use gantry_words::{AccountId, Cx, RequestId, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// How many keys an account may have.
pub const KEYS_MAX: u64 = 10_000;

/// A key to be created.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    /// What it is for, in its owner's words.
    pub description: String,
    /// Who may do what with it; where it says nothing, the account decides by its own policies.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: KeyTags,
}

impl Keyring {
    /// Creates a key. Where nothing was encrypted yet and nobody gave a master key, one is made.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::MalformedPolicyDocument`], [`gantry_fault::FaultKind::ValidationFailed`],
    /// [`gantry_fault::FaultKind::KmsLimitExceeded`]; the master key cannot be made or is another.
    pub async fn create(&self, cx: &Cx, new: NewKey) -> Result<Key, Fault> {
        check_description(&new.description)?;
        new.policy.as_deref().map_or(Ok(()), check_policy)?;
        self.create_named(cx, new, None).await
    }

    /// Returns the key that protects what `service` keeps where nobody names another, `alias/aws/<service>`; makes it on
    /// first use.
    ///
    /// # Errors
    /// As of [`Keyring::create`].
    pub async fn service_key(&self, cx: &Cx, service: &'static str) -> Result<Key, Fault> {
        let (realm, name) = (self.realm(cx), format!("alias/aws/{service}"));
        let looked_for = name.clone();
        let look = move |rows: &mut Reader| find_alias(rows, &realm, &looked_for);
        if let Some(found) = self.0.metadata.read(look).await? {
            return Ok(found);
        }
        let description = format!("Protects what {service} keeps where no other key is named");
        self.create_named(cx, NewKey { description, ..NewKey::default() }, Some(name)).await
    }

    async fn create_named(&self, cx: &Cx, new: NewKey, alias: Option<String>) -> Result<Key, Fault> {
        let (realm, id) = (self.realm(cx), self.draw_id());
        let key = Key {
            arn: realm.key_arn(&id),
            id,
            description: new.description,
            manager: if alias.is_some() { KeyManager::Aws } else { KeyManager::Customer },
            state: KeyState::Enabled,
            deletion_at: None,
            rotation_days: ROTATION_DAYS_DEFAULT,
            next_rotation_at: None,
            version: 1,
            policy: new.policy.unwrap_or_else(|| default_policy(cx.account)),
            policy_at: cx.now,
            tags: new.tags,
            created_at: cx.now,
        };
        let fresh = self.draw(cx).await?;
        self.0.metadata.perform(cx, CreateKey { realm, key, fresh, alias, actor: cx.actor.clone() }).await
    }

    /// Draws a UUID of version 4 (RFC 9562).
    fn draw_id(&self) -> String {
        let mut bytes: [u8; 16] = self.0.env.random();
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        RequestId::new(bytes).to_string()
    }
}

/// The policy of a key whose creator gave none: the account's own policies decide (KMS Developer Guide, "Default key policy").
fn default_policy(account: AccountId) -> String {
    let policy = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    serde_json::to_string_pretty(&policy).expect("texts become JSON")
}

fn find_alias(rows: &mut Reader, realm: &Realm, name: &str) -> Result<Option<Key>, Fault> {
    let alias = kms::find_alias(rows, realm.account, name)?;
    alias.map(|alias| key::load(rows, realm, &alias.key_id)).transpose()
}

struct CreateKey {
    realm: Realm,
    key: Key,
    fresh: Fresh,
    /// Its name, if it has one from the beginning: then a key that has the name already is as good.
    alias: Option<String>,
    actor: Arc<str>,
}

impl Act for CreateKey {
    /// The key that has the name, and how many keys there are.
    type Seen = (Option<Key>, u64);
    /// Nothing where there is such a key already.
    type Plan = Result<MaterialRow, Box<Key>>;
    type Answer = Key;
    const NAME: &'static str = "accounts.create_key";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        lock(rows, self.realm.account)?;
        let held = match &self.alias {
            Some(name) => find_alias(rows, &self.realm, name)?,
            None => None,
        };
        Ok((held, kms::count(rows, self.realm.account)?))
    }

    fn decide(&self, (held, count): Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        match held {
            Some(held) => Ok(Err(Box::new(held))),
            None if count >= KEYS_MAX => Err(limit("keys of an account", KEYS_MAX)),
            None => Ok(Ok(self.fresh.material(self.realm.account, &self.key.id, self.key.version, now))),
        }
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<Key, Fault> {
        let material = match plan {
            Ok(material) => material,
            Err(held) => return Ok(*held),
        };
        let (account, key) = (self.realm.account, &self.key);
        kms::put(tx, account, &key.to_row())?;
        kms::add_material(tx, account, &key.id, &material)?;
        if let Some(name) = &self.alias {
            let (name, key_id, now) = (name.clone(), key.id.clone(), tx.now());
            kms::put_alias(tx, account, &AliasRow { name, key_id, created_at: now, changed_at: now })?;
        }
        done(tx, "key.created", &self.actor, json!({"arn": key.arn}))?;
        Ok(key.clone())
    }
}

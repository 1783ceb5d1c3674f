use super::{
    CURRENT, KeptSecret, SecretValue, Secrets, done,
    faults::{exists, invalid, limit},
    lock, name,
    name::{Realm, SecretName},
    secret::{Rows, find},
};
use crate::KeyTags;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Tx, secrets,
    secrets::{SecretRow, VersionRow},
};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// How many secrets an account may have.
pub const SECRETS_MAX: u64 = 10_000;
const DESCRIPTION_CHARS_MAX: usize = 2048;

/// A secret to be created.
#[derive(Clone, Debug, Default)]
pub struct NewSecret {
    /// Its name.
    pub name: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// The key that its values are encrypted under, by any of its names.
    pub kms_key: Option<String>,
    /// Its tags.
    pub tags: KeyTags,
    /// The id of its first version: who sends the same request again sends the same.
    pub token: String,
    /// Its first value.
    pub value: Option<SecretValue>,
}

impl Secrets {
    /// Creates a secret, with its first value where there is one. The same request sent again changes nothing.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`], [`FaultKind::SecretExists`], [`FaultKind::LimitExceeded`];
    /// [`FaultKind::SecretInvalidRequest`] while one of that name is to be deleted; [`FaultKind::SecretEncryptionFailed`].
    pub async fn create(&self, cx: &Cx, new: NewSecret) -> Result<KeptSecret, Fault> {
        name::check(&new.name)?;
        check_description(&new.description)?;
        check_token(&new.token)?;
        let realm = self.realm(cx);
        if let Some(held) = self.already(cx, &realm, &new).await? {
            return Ok(held);
        }
        let suffix = name::suffix(self.0.env.random());
        let arn = realm.arn(&new.name, &suffix);
        let kms_key = self.key_arn(cx, new.kms_key.as_deref()).await?;
        let version = match &new.value {
            None => None,
            Some(value) => {
                value.check()?;
                let sealed = self.seal(cx, (&arn, &new.token), kms_key.as_deref(), value).await?;
                Some(VersionRow { stages: json!([CURRENT]).to_string(), ..sealed })
            }
        };
        let secret = SecretRow {
            name: new.name,
            suffix,
            description: new.description,
            kms_key,
            policy: None,
            policy_at: cx.now,
            tags: new.tags.print(),
            created_at: cx.now,
            changed_at: cx.now,
            deleted_at: None,
            erased_at: None,
        };
        let rows = Rows { secret, versions: version.into_iter().collect() };
        self.0.metadata.perform(cx, CreateSecret { realm, rows, actor: cx.actor.clone() }).await
    }

    /// Returns the secret that an earlier try of the same request made.
    async fn already(&self, cx: &Cx, realm: &Realm, new: &NewSecret) -> Result<Option<KeptSecret>, Fault> {
        let (place, name) = (realm.clone(), SecretName { candidates: vec![(new.name.clone(), None)] });
        let found = self.0.metadata.read(move |rows| find(rows, &place, &name)).await?;
        let Some(found) = found.filter(|found| found.secret.deleted_at.is_none()) else { return Ok(None) };
        let shown = found.show(realm)?;
        match (found.versions.iter().find(|version| version.id == new.token), &new.value) {
            (Some(version), Some(value)) if self.open(cx, &shown.arn, version).await?.is_same(value) => Ok(Some(shown)),
            _ => Err(exists(&new.name)),
        }
    }

    /// Returns the ARN of the key of a name.
    pub(super) async fn key_arn(&self, cx: &Cx, key: Option<&str>) -> Result<Option<String>, Fault> {
        let Some(key) = key.filter(|key| *key != "alias/aws/secretsmanager") else { return Ok(None) };
        self.0.keyring.load(cx, key).await.map(|key| Some(key.arn)).map_err(super::faults::encryption)
    }
}

pub(super) fn check_description(text: &str) -> Result<(), Fault> {
    match text.chars().count() {
        0..=DESCRIPTION_CHARS_MAX => Ok(()),
        _ => Err(invalid(format!("Description may have {DESCRIPTION_CHARS_MAX} characters"))),
    }
}

/// Checks the id of a version (Secrets Manager API, `ClientRequestTokenType`).
pub(super) fn check_token(token: &str) -> Result<(), Fault> {
    match token.len() {
        32..=64 if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(()),
        _ => Err(invalid("ClientRequestToken must be 32-64 characters long.")),
    }
}

struct CreateSecret {
    realm: Realm,
    rows: Rows,
    actor: Arc<str>,
}

impl Act for CreateSecret {
    /// The secret that has the name, and how many there are.
    type Seen = (Option<SecretRow>, u64);
    type Plan = ();
    type Answer = KeptSecret;
    const NAME: &'static str = "accounts.create_secret";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        let account = self.realm.account;
        lock(rows, account)?;
        Ok((secrets::find(rows, account, &self.rows.secret.name)?, secrets::count(rows, account)?))
    }

    fn decide(&self, (held, count): Self::Seen, _: Timestamp) -> Result<(), Fault> {
        match held {
            Some(held) if held.deleted_at.is_some() => {
                let message =
                    "You can't create this secret because a secret with this name is already scheduled for deletion.";
                Err(Fault::new(FaultKind::SecretInvalidRequest, message))
            }
            Some(held) => Err(exists(&held.name)),
            None if count >= SECRETS_MAX => Err(limit("secrets of an account", SECRETS_MAX)),
            None => Ok(()),
        }
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<KeptSecret, Fault> {
        let account = self.realm.account;
        secrets::put(tx, account, &self.rows.secret)?;
        for version in &self.rows.versions {
            secrets::put_version(tx, account, &self.rows.secret.name, version)?;
        }
        let shown = self.rows.show(&self.realm)?;
        done(tx, "secret.created", &self.actor, json!({"arn": shown.arn}))?;
        Ok(shown)
    }
}

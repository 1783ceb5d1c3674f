use super::{
    Secrets,
    faults::{deleted, no_secret},
    name::{Realm, SecretName},
};
use crate::KeyTags;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, secrets,
    secrets::{SecretRow, VersionRow},
};
use gantry_words::{Cx, Page, Timestamp};

/// A secret without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSecret {
    /// Its name.
    pub name: String,
    /// Its ARN, which ends in six characters of its own.
    pub arn: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// The ARN of the key that new values are encrypted under; none where nobody named one.
    pub kms_key: Option<String>,
    /// Who may do what with it: a policy, as it was written.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: KeyTags,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything of it was last changed.
    pub changed_at: Timestamp,
    /// When somebody wanted it deleted; none where nobody does.
    pub deleted_at: Option<Timestamp>,
    /// When it is erased.
    pub erased_at: Option<Timestamp>,
    /// Its versions, the oldest first.
    pub versions: Vec<KeptVersion>,
}

/// A version of a secret without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptVersion {
    /// Its id.
    pub id: String,
    /// Its stages.
    pub stages: Vec<String>,
    /// The ARN of the key that its value is encrypted under.
    pub key_arn: String,
    /// When it was written.
    pub created_at: Timestamp,
}

impl KeptVersion {
    pub(super) fn read(row: &VersionRow) -> Result<Self, Fault> {
        let stages = serde_json::from_str(&row.stages).map_err(Fault::internal)?;
        Ok(KeptVersion { id: row.id.clone(), stages, key_arn: row.key_arn.clone(), created_at: row.created_at })
    }

    pub(super) fn print_stages(&self) -> String {
        serde_json::to_string(&self.stages).expect("texts become JSON")
    }
}

/// A secret as rows: what acts decide on.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) secret: SecretRow,
    /// The oldest first.
    pub(super) versions: Vec<VersionRow>,
}

impl Rows {
    pub(super) fn kept(&self) -> Result<Vec<KeptVersion>, Fault> {
        self.versions.iter().map(KeptVersion::read).collect()
    }

    pub(super) fn show(&self, realm: &Realm) -> Result<KeptSecret, Fault> {
        let row = &self.secret;
        Ok(KeptSecret {
            name: row.name.clone(),
            arn: realm.arn(&row.name, &row.suffix),
            description: row.description.clone(),
            kms_key: row.kms_key.clone(),
            policy: row.policy.clone(),
            tags: KeyTags::read(&row.tags)?,
            created_at: row.created_at,
            changed_at: row.changed_at,
            deleted_at: row.deleted_at,
            erased_at: row.erased_at,
            versions: self.kept()?,
        })
    }

    /// Refuses what cannot be done with a secret that is to be deleted.
    pub(super) fn alive(self) -> Result<Self, Fault> {
        if self.secret.deleted_at.is_some() { Err(deleted()) } else { Ok(self) }
    }
}

/// Reads the secret of a name from the rows.
pub(super) fn find(rows: &mut Reader, realm: &Realm, name: &SecretName) -> Result<Option<Rows>, Fault> {
    for (name, suffix) in &name.candidates {
        let found = secrets::find(rows, realm.account, name)?;
        let found = found.filter(|found| suffix.as_ref().is_none_or(|suffix| *suffix == found.suffix));
        if let Some(secret) = found {
            let versions = secrets::versions(rows, realm.account, name)?;
            return Ok(Some(Rows { secret, versions }));
        }
    }
    Ok(None)
}

/// The same; it must be there.
///
/// # Errors
/// [`gantry_fault::FaultKind::SecretNotFound`].
pub(super) fn load(rows: &mut Reader, realm: &Realm, name: &SecretName) -> Result<Rows, Fault> {
    find(rows, realm, name)?.ok_or_else(no_secret)
}

impl Secrets {
    /// Returns the secret of a name, an ARN, or an ARN without its last six characters; also one that is to be deleted.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::SecretNotFound`], [`gantry_fault::FaultKind::InvalidParameter`].
    pub async fn load(&self, cx: &Cx, id: &str) -> Result<KeptSecret, Fault> {
        let realm = self.realm(cx);
        let name = realm.read(id)?;
        self.0.metadata.read(move |rows| load(rows, &realm, &name)?.show(&realm)).await
    }

    /// Returns up to `count` secrets for which `is_wanted` holds, of those whose names come after `after`, by their names. The
    /// next page begins after the last name.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn list(
        &self,
        cx: &Cx,
        after: &str,
        count: usize,
        is_wanted: impl Fn(&KeptSecret) -> bool + Send + 'static,
    ) -> Result<Page<KeptSecret>, Fault> {
        /// How many are read at a time.
        const CHUNK: usize = 200;
        let (realm, mut after) = (self.realm(cx), after.to_string());
        let look = move |rows: &mut Reader| {
            let mut found = Vec::new();
            while found.len() <= count {
                let chunk = secrets::list(rows, realm.account, &after, CHUNK)?;
                let is_last = chunk.len() < CHUNK;
                for secret in chunk {
                    after.clone_from(&secret.name);
                    let versions = secrets::versions(rows, realm.account, &secret.name)?;
                    found.extend(Some(Rows { secret, versions }.show(&realm)?).filter(&is_wanted));
                }
                if is_last {
                    break;
                }
            }
            Ok(found)
        };
        Ok(Page::cut(self.0.metadata.read_long(look).await?, count))
    }
}

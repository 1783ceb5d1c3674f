#[cfg(test)]
mod tests;

use crate::{
    ports::Ports,
    repositories::Repository,
    rules::{EncryptionKind, RepositoryRules},
};
use gantry_env::BoxFuture;
use gantry_fault::{Detail, Fault, FaultKind};
use gantry_metadata::blobs::SealedRow;
use gantry_store::sealed::DataKey;
use gantry_words::{AccountId, Cx};
use std::sync::Arc;

/// Under which key blobs lie on the disk, and with whose they may be shared: a blob has one copy in each of these.
///
/// Stored as it is printed, and never changed for a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDomain {
    /// Whose key: the site's for the account, one of the account's own, or both, one within the other.
    pub kind: EncryptionKind,
    /// The account.
    pub account: AccountId,
    /// The ARN of its own key; `None` with [`EncryptionKind::Aes256`].
    pub key: Option<String>,
}

/// Who wraps the data keys of blobs. Each blob has one of its own, and only its wrapped form is stored.
///
/// What they refuse with a kind of KMS (no such key, disabled, to be deleted) makes the repositories of that key unreadable,
/// and no others.
pub trait BlobKeys: Send + Sync + 'static {
    /// Whether a new repository is encrypted for which nothing was asked.
    fn encrypts_by_default(&self) -> bool;

    /// Returns the ARN of the account's key for repositories that are to have one and name none; makes it on first use.
    fn own_key<'a>(&'a self, cx: &'a Cx) -> BoxFuture<'a, Result<String, Fault>>;

    /// Returns the ARN of the key that a name (an id, an ARN, an alias or the ARN of one) leads to.
    ///
    /// # Errors
    /// There is no such key, or it does not encrypt now.
    fn named_key<'a>(&'a self, cx: &'a Cx, name: &'a str) -> BoxFuture<'a, Result<String, Fault>>;

    /// Says whether blobs of a domain can be read and written just now.
    fn check<'a>(&'a self, cx: &'a Cx, domain: &'a KeyDomain) -> BoxFuture<'a, Result<(), Fault>>;

    /// Wraps a data key, bound to a name: it is unwrapped for the same name only.
    fn wrap<'a>(
        &'a self,
        cx: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, Fault>>;

    /// Unwraps what [`BlobKeys::wrap`] made.
    fn unwrap<'a>(
        &'a self,
        cx: &'a Cx,
        domain: &'a KeyDomain,
        name: &'a str,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, Fault>>;

    /// Says under which versions of its keys a domain wraps now: a text that changes with each rotation.
    fn version<'a>(&'a self, cx: &'a Cx, domain: &'a KeyDomain) -> BoxFuture<'a, Result<String, Fault>>;
}

/// A data key as it is stored does not open: its row was changed, or belongs to another blob. That is damage; whatever else
/// keeps a data key from being had says nothing of the blob.
#[derive(Debug, thiserror::Error)]
#[error("a data key of {domain} does not open: its row was changed, or belongs to another blob")]
pub(crate) struct Unopened {
    domain: String,
}

impl KeyDomain {
    /// Returns that of a repository of an account; `None` where its blobs are plain.
    pub fn of(account: AccountId, rules: &RepositoryRules) -> Option<KeyDomain> {
        let encryption = rules.encryption.as_ref()?;
        Some(KeyDomain { kind: encryption.kind, account, key: encryption.key.clone() })
    }

    /// Prints it to be stored.
    pub fn print(&self) -> String {
        match (self.kind, self.key.as_deref().unwrap_or_default()) {
            (EncryptionKind::Aes256, _) => format!("AES256 {}", self.account),
            (EncryptionKind::Kms, key) => format!("KMS {} {key}", self.account),
            (EncryptionKind::KmsDsse, key) => format!("KMS_DSSE {} {key}", self.account),
        }
    }

    /// Reads what [`KeyDomain::print`] printed.
    pub(crate) fn parse(text: &str) -> Result<KeyDomain, Fault> {
        let wrong = || Fault::internal(format!("{text:?} is stored as the encryption of a blob"));
        let mut parts = text.splitn(3, ' ');
        let kind = match parts.next() {
            Some("AES256") => EncryptionKind::Aes256,
            Some("KMS") => EncryptionKind::Kms,
            Some("KMS_DSSE") => EncryptionKind::KmsDsse,
            _ => return Err(wrong()),
        };
        let account = parts.next().and_then(|account| account.parse().ok()).ok_or_else(wrong)?;
        let key = parts.next().map(str::to_string);
        if key.is_none() == (kind == EncryptionKind::Aes256) {
            Ok(KeyDomain { kind, account, key })
        } else {
            Err(wrong())
        }
    }

    /// In how many layers blobs are sealed, each with a key of its own.
    pub fn layers(&self) -> usize {
        if self.kind == EncryptionKind::KmsDsse { 2 } else { 1 }
    }
}

/// What an upload's data key is bound to.
fn name_of_upload(id: &str) -> String {
    format!("upload {id}")
}

impl Ports {
    fn keys(&self) -> Result<&Arc<dyn BlobKeys>, Fault> {
        self.keys.get().ok_or_else(|| {
            let message = "Its blobs are encrypted, and there is no keyring here";
            Fault::new(FaultKind::RepositoryKeyUnavailable, message)
        })
    }

    /// Whether a new repository is encrypted for which nothing was asked.
    pub(crate) fn encrypts_by_default(&self) -> bool {
        self.keys.get().is_some_and(|keys| keys.encrypts_by_default())
    }

    /// Returns the ARN of the account's own key for repositories.
    pub(crate) async fn own_key(&self, cx: &Cx) -> Result<String, Fault> {
        self.keys()?.own_key(cx).await
    }

    /// Returns the ARN of the key that a name leads to, for a new repository.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryKeyRefused`].
    pub(crate) async fn named_key(&self, cx: &Cx, name: &str) -> Result<String, Fault> {
        self.keys()?.named_key(cx, name).await.map_err(refused_key)
    }

    /// Refuses what a repository cannot do whose key is off or gone.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryKeyUnavailable`].
    pub(crate) async fn check_key(&self, cx: &Cx, repository: &Repository) -> Result<(), Fault> {
        match KeyDomain::of(cx.account, &repository.rules) {
            // The site's own key has no switch.
            None | Some(KeyDomain { kind: EncryptionKind::Aes256, .. }) => Ok(()),
            Some(domain) => self.keys()?.check(cx, &domain).await.map_err(|fault| unavailable(&domain, fault)),
        }
    }

    /// Draws the data key of an upload, and wraps it to be stored; `None` where the repository is plain.
    pub(crate) async fn key_of_upload(
        &self,
        cx: &Cx,
        repository: &Repository,
        id: &str,
    ) -> Result<Option<(Arc<DataKey>, String, Vec<u8>)>, Fault> {
        let Some(domain) = KeyDomain::of(cx.account, &repository.rules) else { return Ok(None) };
        let data_key = Arc::new(DataKey::draw(&self.env, domain.layers()));
        let wrapped = self.wrap(cx, &domain, &name_of_upload(id), &data_key).await?;
        Ok(Some((data_key, domain.print(), wrapped)))
    }

    /// Returns the data key of an upload that is taken up again.
    pub(crate) async fn unwrap_of_upload(
        &self,
        cx: &Cx,
        id: &str,
        (domain, wrapped): (&str, &[u8]),
    ) -> Result<Arc<DataKey>, Fault> {
        self.unwrap(cx, domain, &name_of_upload(id), wrapped).await
    }

    /// Wraps a data key for its blob, and says what is stored of it.
    pub(crate) async fn seal_row(
        &self,
        cx: &Cx,
        domain: &KeyDomain,
        digest: &str,
        (data_key, stored_bytes): (&DataKey, u64),
    ) -> Result<SealedRow, Fault> {
        let wrapped = self.wrap(cx, domain, digest, data_key).await?;
        let stored_size = i64::try_from(stored_bytes).map_err(Fault::internal)?;
        Ok(SealedRow { domain: domain.print(), data_key: wrapped, stored_size })
    }

    /// Returns the data key of a blob.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryKeyUnavailable`]; what is stored does not open.
    pub(crate) async fn data_key(&self, cx: &Cx, digest: &str, sealed: &SealedRow) -> Result<Arc<DataKey>, Fault> {
        self.unwrap(cx, &sealed.domain, digest, &sealed.data_key).await
    }

    /// Wraps the data key of a blob anew.
    pub(crate) async fn rewrap(&self, cx: &Cx, domain: &str, digest: &str, wrapped: &[u8]) -> Result<Vec<u8>, Fault> {
        let data_key = self.unwrap(cx, domain, digest, wrapped).await?;
        self.wrap(cx, &KeyDomain::parse(domain)?, digest, &data_key).await
    }

    /// Says under which versions of its keys a domain wraps now.
    pub(crate) async fn key_version(&self, cx: &Cx, domain: &str) -> Result<String, Fault> {
        let domain = KeyDomain::parse(domain)?;
        let cx = Cx { account: domain.account, ..cx.clone() };
        self.keys()?.version(&cx, &domain).await.map_err(|fault| unavailable(&domain, fault))
    }

    async fn wrap(&self, cx: &Cx, domain: &KeyDomain, name: &str, data_key: &DataKey) -> Result<Vec<u8>, Fault> {
        let cx = Cx { account: domain.account, ..cx.clone() };
        self.keys()?.wrap(&cx, domain, name, data_key).await.map_err(|fault| unavailable(domain, fault))
    }

    async fn unwrap(&self, cx: &Cx, domain: &str, name: &str, wrapped: &[u8]) -> Result<Arc<DataKey>, Fault> {
        let domain = KeyDomain::parse(domain)?;
        let cx = Cx { account: domain.account, ..cx.clone() };
        let unwrapped = self.keys()?.unwrap(&cx, &domain, name, wrapped).await;
        unwrapped.map(Arc::new).map_err(|fault| unavailable(&domain, fault))
    }
}

/// What KMS says of a key that a new repository is to have, as ECR says it: `kmsError` has the exception.
pub fn refused_key(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::KmsNotFound | FaultKind::KmsInvalidArn | FaultKind::KmsKeyDisabled | FaultKind::KmsInvalidState => {
            let told = Detail::Text(fault.kind.row().aws.into());
            Fault { kind: FaultKind::RepositoryKeyRefused, ..fault }.with("kmsError", told)
        }
        _ => fault,
    }
}

/// Says what a refusal of the keys means for a repository.
fn unavailable(domain: &KeyDomain, fault: Fault) -> Fault {
    let state = match fault.kind {
        FaultKind::KmsNotFound => "does not exist any more",
        FaultKind::KmsKeyDisabled => "is disabled",
        FaultKind::KmsInvalidState => "is pending deletion",
        // What is stored is not what was wrapped: that is nothing the client can mend.
        FaultKind::KmsInvalidCiphertext => return Fault::internal(Unopened { domain: domain.print() }),
        _ => return fault,
    };
    let key = domain.key.as_deref().unwrap_or("of the site");
    let message = format!(
        "The blobs of this repository are encrypted under the key {key}, which {state}; nothing can be read or pushed until it is enabled"
    );
    let error = fault.kind.row().aws.to_string();
    Fault::new(FaultKind::RepositoryKeyUnavailable, message).with("kmsError", Detail::Text(error)).because(fault)
}

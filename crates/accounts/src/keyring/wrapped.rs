use super::{KeyringError, MasterKey, done};
use gantry_fault::Fault;
use gantry_metadata::{Act, Metadata, Reader, Tx, kms};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// The master key as it lies in the database, where a service outside (Vault) holds the key that it is wrapped under. What is
/// wrapped is [`MasterKey::print`].
pub struct WrappedMasterKey(Metadata);

/// What the database knows of the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedSeen {
    /// The key, wrapped; none where it lies elsewhere, or there is none yet.
    pub wrapped: Option<String>,
    /// Whether something is encrypted under a master key.
    pub is_used: bool,
}

impl WrappedMasterKey {
    /// In this database.
    pub fn new(metadata: Metadata) -> Self {
        WrappedMasterKey(metadata)
    }

    /// Returns what the database knows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self) -> Result<WrappedSeen, Fault> {
        let look = |rows: &mut Reader| {
            Ok(WrappedSeen { wrapped: kms::wrapped_master_key(rows)?, is_used: kms::check_value(rows)?.is_some() })
        };
        self.0.read(look).await
    }

    /// Writes a master key down, wrapped. Returns what lies there now: another's, if he was faster.
    ///
    /// # Errors
    /// [`KeyringError::MasterKeyOther`] where something is encrypted under another one; those of the database.
    pub async fn keep(&self, cx: &Cx, key: &MasterKey, wrapped: &str) -> Result<String, KeyringError> {
        let act = KeepWrapped { check_value: key.check_value(), wrapped: wrapped.into(), actor: cx.actor.clone() };
        self.0.perform(cx, act).await?.ok_or(KeyringError::MasterKeyOther)
    }

    /// Puts the same master key, wrapped anew, in the place of `before`. Says whether that still lay there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn replace(&self, cx: &Cx, before: &str, wrapped: &str) -> Result<bool, Fault> {
        let act = ReplaceWrapped { before: before.into(), wrapped: wrapped.into(), actor: cx.actor.clone() };
        self.0.perform(cx, act).await
    }
}

struct KeepWrapped {
    check_value: String,
    wrapped: String,
    actor: Arc<str>,
}

/// What becomes of a wrapped master key.
enum Kept {
    /// It is the first.
    Fresh,
    /// There is one.
    There(String),
    /// Something is encrypted under another key.
    Other,
}

impl Act for KeepWrapped {
    /// The check value, and the wrapped key.
    type Seen = (Option<String>, Option<String>);
    type Plan = Kept;
    type Answer = Option<String>;
    const NAME: &'static str = "accounts.keep_wrapped_master_key";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("master key")?;
        Ok((kms::check_value(rows)?, kms::wrapped_master_key(rows)?))
    }

    fn decide(&self, (known, wrapped): Self::Seen, _: Timestamp) -> Result<Kept, Fault> {
        Ok(match (wrapped, known) {
            (Some(wrapped), _) => Kept::There(wrapped),
            (None, Some(known)) if known != self.check_value => Kept::Other,
            (None, _) => Kept::Fresh,
        })
    }

    fn apply(&self, tx: &mut Tx, plan: Kept) -> Result<Option<String>, Fault> {
        match plan {
            Kept::There(wrapped) => Ok(Some(wrapped)),
            Kept::Other => Ok(None),
            Kept::Fresh => {
                kms::set_wrapped_master_key(tx, &self.wrapped)?;
                kms::set_check_value(tx, &self.check_value)?;
                done(tx, "key.master_wrapped", &self.actor, json!({}))?;
                Ok(Some(self.wrapped.clone()))
            }
        }
    }
}

struct ReplaceWrapped {
    before: String,
    wrapped: String,
    actor: Arc<str>,
}

impl Act for ReplaceWrapped {
    type Seen = Option<String>;
    /// Whether the one that is to be replaced still lies there.
    type Plan = bool;
    type Answer = bool;
    const NAME: &'static str = "accounts.replace_wrapped_master_key";

    fn gather(&self, rows: &mut Reader) -> Result<Option<String>, Fault> {
        rows.lock("master key")?;
        kms::wrapped_master_key(rows)
    }

    fn decide(&self, seen: Option<String>, _: Timestamp) -> Result<bool, Fault> {
        Ok(seen.as_ref() == Some(&self.before))
    }

    fn apply(&self, tx: &mut Tx, is_there: bool) -> Result<bool, Fault> {
        if is_there {
            kms::set_wrapped_master_key(tx, &self.wrapped)?;
            done(tx, "key.master_wrapped", &self.actor, json!({}))?;
        }
        Ok(is_there)
    }
}

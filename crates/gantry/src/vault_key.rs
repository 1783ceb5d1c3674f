//! The master key where Vault or OpenBao holds the key that it is wrapped under: wrapped it lies in the database, unwrapped only
//! in memory.

use crate::output::Failure;
use gantry_accounts::{KeyringError, MasterKey, WrappedMasterKey};
use gantry_env::Env;
use gantry_vault::{Vault, VaultError, Wrapped};
use gantry_words::Cx;
use std::time::Duration;

/// Unwraps the master key; makes and wraps one where there is none yet. `given` is one from another place: where the database has
/// none that is wrapped, it is wrapped now, and no longer needed where it came from.
///
/// # Errors
/// Vault does not answer within `patience`, or refuses; what is encrypted needs another master key.
pub(crate) async fn find(
    vault: &Vault,
    wrapped: &WrappedMasterKey,
    given: Option<MasterKey>,
    (env, cx): (&Env, &Cx),
    patience: Duration,
) -> Result<MasterKey, Failure> {
    let seen = wrapped.find().await.map_err(unkept)?;
    if let Some(text) = seen.wrapped {
        if given.is_some() {
            tracing::warn!(
                "the master key is taken from Vault; remove the one in encryption.master_key, in systemd's credential or in the file master-key"
            );
        }
        return unwrap(vault, &text, patience).await;
    }
    let key = match given {
        Some(given) => given,
        None if seen.is_used => return Err(unkept(KeyringError::MasterKeyMissing)),
        None => MasterKey::generate(env),
    };
    let fresh = vault.patiently(patience, async |vault| vault.wrap(key.print().as_bytes()).await).await;
    let fresh = fresh.map_err(of_vault)?;
    // Before anything hangs on it, it is seen to open.
    let opened = unwrap(vault, fresh.as_str(), patience).await?;
    let kept = wrapped.keep(cx, &opened, fresh.as_str()).await.map_err(unkept)?;
    match kept == fresh.as_str() {
        true => {
            tracing::info!(key = %vault.key(), "the master key is wrapped under {}; without it nothing encrypted can be read", vault.key());
            Ok(opened)
        }
        // Another server was faster.
        false => unwrap(vault, &kept, patience).await,
    }
}

async fn unwrap(vault: &Vault, text: &str, patience: Duration) -> Result<MasterKey, Failure> {
    let wrapped = parse(text)?;
    let opened = vault.patiently(patience, async |vault| vault.unwrap(&wrapped).await).await.map_err(of_vault)?;
    let key = std::str::from_utf8(&opened).ok().and_then(|text| MasterKey::parse(text).ok());
    key.ok_or_else(|| {
        let problem = format!("what {} unwraps is no master key", vault.key());
        Failure::failed(
            problem,
            "Name the transit key that the master key was wrapped under, with encryption.vault.key",
        )
    })
}

/// Reads what lies in the database.
pub(crate) fn parse(text: &str) -> Result<Wrapped, Failure> {
    text.parse().map_err(|error| {
        let problem = format!("the row master-key-wrapped of table setting is no wrapped master key: {error}");
        Failure::failed(problem, "Restore the row from a backup")
    })
}

/// Says what Vault says, and what can be done.
pub(crate) fn of_vault(error: VaultError) -> Failure {
    Failure::failed(format!("the master key cannot be had: {error}"), error.remedy())
}

fn unkept(error: impl Into<KeyringError>) -> Failure {
    Failure::failed(error.into().to_string(), "")
}

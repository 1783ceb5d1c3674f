//! Tokens of identity providers, verified with keys that are fetched when they are needed.
//!
//! | file | what |
//! |---|---|
//! | `providers/slot.rs` | what is kept of a provider, and when it is asked again |
//! | `providers/fetch.rs` | asking it: discovery, then keys |

mod fetch;
mod slot;

use fetch::fetch;
use gantry_access::oidc::{Expected, IdentityToken, KeySet, TokenProblem, UnverifiedToken};
use gantry_outbound::Client;
use gantry_words::Timestamp;
use slot::Slot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::warn;

/// Of how many providers keys are kept; of more, those asked for longest ago are let go.
const SLOTS_MAX: usize = 1000;
/// How long a provider may take for discovery, and again for its keys.
const DEADLINE: Duration = Duration::from_secs(5);

/// Verifies tokens, and keeps the keys of their providers. One per process; shared by reference.
pub struct Providers {
    client: Client,
    deadline: Duration,
    slots: Mutex<HashMap<SlotKey, (Timestamp, Arc<Slot>)>>,
}

/// What is registered of a provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Its URL, which tokens and discovery repeat character by character.
    pub issuer: Box<str>,
    /// Whom its tokens may be for.
    pub client_ids: Box<[Box<str>]>,
    /// Where its keys come from.
    pub keys: KeySource,
}

/// Where the keys of a provider come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// From the provider, by discovery.
    Discovered {
        /// Certificates in PEM that are believed in place of the machine's.
        authorities: Option<Box<str>>,
    },
    /// From whoever registered it, such as for a cluster that cannot be asked from here.
    Uploaded(Arc<KeySet>),
}

/// Why a token could not be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderProblem {
    /// It is none that is taken.
    #[error(transparent)]
    Token(#[from] TokenProblem),
    /// The provider does not give its keys, and there are none of before.
    #[error(
        "Couldn't retrieve verification key from your identity provider {issuer}; try again in half a minute, and have \
         your administrator look at the log"
    )]
    KeysUnavailable {
        /// Which.
        issuer: Box<str>,
    },
}

/// Whoever brings certificates of his own has keys of his own: what he fetched is nothing to other accounts with the same
/// issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SlotKey {
    issuer: Box<str>,
    authorities: Option<Box<str>>,
}

impl ProviderProblem {
    /// Returns the exception of STS (AWS STS API, `AssumeRoleWithWebIdentity`).
    pub const fn aws_type(&self) -> &'static str {
        match self {
            ProviderProblem::Token(problem) => problem.aws_type(),
            ProviderProblem::KeysUnavailable { .. } => "InvalidIdentityToken",
        }
    }
}

impl Providers {
    /// Verifies tokens with keys that `client` fetches.
    pub fn new(client: Client) -> Self {
        Providers { client, deadline: DEADLINE, slots: Mutex::default() }
    }

    /// Verifies a token of `provider`.
    ///
    /// Keys are kept as long as the provider says, 5 minutes to 24 hours, and for 24 hours more while it cannot be asked. For
    /// a key that is not known it is asked again, once in 30 seconds, by one of all that wait.
    ///
    /// # Errors
    /// [`ProviderProblem`].
    pub async fn verify(
        &self,
        token: &str,
        provider: &ProviderSettings,
        now: Timestamp,
    ) -> Result<IdentityToken, ProviderProblem> {
        let token = UnverifiedToken::parse(token)?;
        // Checked again with the signature; here it keeps tokens of others from asking this provider.
        if token.issuer() != Some(&*provider.issuer) {
            return Err(TokenProblem::Issuer { expected: provider.issuer.to_string() }.into());
        }
        let expected = Expected { issuer: &provider.issuer, client_ids: &provider.client_ids };
        let authorities = match &provider.keys {
            KeySource::Uploaded(keys) => return Ok(token.verify(keys, &expected, now)?),
            KeySource::Discovered { authorities } => authorities.as_deref(),
        };
        let slot = self.slot(&provider.issuer, authorities, now);
        let known = self.keys(&slot, provider, authorities, None, now).await?;
        match token.verify(&known, &expected, now) {
            Err(TokenProblem::UnknownKey) => {
                let newer = self.keys(&slot, provider, authorities, Some(&known), now).await?;
                Ok(token.verify(&newer, &expected, now)?)
            }
            verified => Ok(verified?),
        }
    }

    fn slot(&self, issuer: &str, authorities: Option<&str>, now: Timestamp) -> Arc<Slot> {
        let key = SlotKey { issuer: issuer.into(), authorities: authorities.map(Box::from) };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((used_at, slot)) = slots.get_mut(&key) {
            *used_at = now;
            return slot.clone();
        }
        if slots.len() >= SLOTS_MAX
            && let Some(oldest) = slots.iter().min_by_key(|(_, (used_at, _))| *used_at).map(|(key, _)| key.clone())
        {
            slots.remove(&oldest);
        }
        let slot = Arc::new(Slot::default());
        slots.insert(key, (now, slot.clone()));
        slot
    }

    /// The keys of a provider; where `lacking` are not enough, newer ones if they may be asked for.
    async fn keys(
        &self,
        slot: &Slot,
        provider: &ProviderSettings,
        authorities: Option<&str>,
        lacking: Option<&Arc<KeySet>>,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, ProviderProblem> {
        if slot.is_to_be_asked(lacking, now) {
            let flight = match slot.usable(now) {
                // Who has keys at hand does not wait for somebody else's question.
                Some(keys) if lacking.is_none() => match slot.flight.try_lock() {
                    Ok(flight) => flight,
                    Err(_) => return Ok(keys),
                },
                _ => slot.flight.lock().await,
            };
            if slot.is_to_be_asked(lacking, now) {
                let fetched = fetch(&self.client, &provider.issuer, authorities, self.deadline).await;
                if let Err(error) = &fetched {
                    warn!(issuer = %provider.issuer, error = %error, "cannot fetch the keys of the identity provider {}: {error}", provider.issuer);
                }
                slot.note(fetched.ok(), now);
            }
            drop(flight);
        }
        slot.usable(now).ok_or_else(|| ProviderProblem::KeysUnavailable { issuer: provider.issuer.clone() })
    }
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Providers").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

use gantry_access::oidc::KeySet;
use gantry_words::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How soon a provider is asked again, whether it answered or not.
const ASKED_EVERY: Duration = Duration::from_secs(30);
/// How long keys are used beyond their time, while there are no newer ones.
const KEPT_BEYOND: Duration = Duration::from_secs(24 * 60 * 60);

/// What is kept of a provider.
#[derive(Default)]
pub(super) struct Slot {
    /// Held by whoever is asking the provider.
    pub(super) flight: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Fetched>,
    asked_at: Option<Timestamp>,
}

/// Keys, with how long they may be used without asking.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fetched {
    pub(super) keys: Arc<KeySet>,
    pub(super) lifetime: Duration,
    pub(super) fetched_at: Timestamp,
}

impl Slot {
    /// Says whether the provider is to be asked now: where there are no keys, they are past their time, or those that are
    /// here are still the ones that are `lacking` what somebody needs.
    pub(super) fn is_to_be_asked(&self, lacking: Option<&Arc<KeySet>>, now: Timestamp) -> bool {
        let state = self.state();
        let is_wanted = match &state.keys {
            None => true,
            Some(fetched) => {
                let is_lacking = lacking.is_some_and(|lacking| Arc::ptr_eq(lacking, &fetched.keys));
                is_lacking || fetched.fetched_at.plus(fetched.lifetime) <= now
            }
        };
        is_wanted && state.asked_at.is_none_or(|asked_at| now.since(asked_at) >= ASKED_EVERY)
    }

    /// The keys that tokens may be verified with.
    pub(super) fn usable(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let state = self.state();
        let is_usable = |fetched: &&Fetched| now < fetched.fetched_at.plus(fetched.lifetime).plus(KEPT_BEYOND);
        state.keys.as_ref().filter(is_usable).map(|fetched| fetched.keys.clone())
    }

    /// Notes that the provider was asked, and what it answered.
    pub(super) fn note(&self, answer: Option<(KeySet, Duration)>, now: Timestamp) {
        let mut state = self.state();
        state.asked_at = Some(now);
        if let Some((keys, lifetime)) = answer {
            state.keys = Some(Fetched { keys: Arc::new(keys), lifetime, fetched_at: now });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

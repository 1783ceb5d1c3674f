//! Who waits for events: so many at once, and not all of them one and the same.

use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many may wait at once.
const WAITERS_MAX: usize = 64;
/// How many of them may be one principal.
const WAITERS_OF_ONE_MAX: usize = 8;

/// A principal of an account.
type Who = (AccountId, Arc<str>);

/// How many wait, by who they are. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Waiters(Arc<Mutex<HashMap<Who, usize>>>);

/// Somebody who waits, until he is dropped.
pub(super) struct Waiter {
    all: Waiters,
    who: Who,
}

impl Waiters {
    /// Lets somebody wait; `None` where he waits so often already that he is to be answered at once.
    ///
    /// # Errors
    /// [`FaultKind::TooManyRequests`] where too many wait.
    pub(super) fn begin(&self, cx: &Cx) -> Result<Option<Waiter>, Fault> {
        let who = (cx.account, cx.actor.clone());
        let mut counts = self.counts();
        if counts.get(&who).is_some_and(|count| *count >= WAITERS_OF_ONE_MAX) {
            return Ok(None);
        }
        if counts.values().sum::<usize>() >= WAITERS_MAX {
            let message = format!("{WAITERS_MAX} clients wait for events already; ask without wait, or later");
            return Err(Fault::new(FaultKind::TooManyRequests, message));
        }
        *counts.entry(who.clone()).or_default() += 1;
        Ok(Some(Waiter { all: self.clone(), who }))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Who, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut counts = self.all.counts();
        if let Some(count) = counts.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::{RequestId, Timestamp};

    fn cx(actor: &str) -> Cx {
        Cx {
            actor: actor.into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: RequestId::new([0; 16]),
            now: Timestamp::default(),
            source: None,
        }
    }

    #[test]
    fn no_more_wait_than_there_are_places_and_who_has_gone_leaves_his() {
        let waiters = Waiters::default();
        let begin = |number: usize| waiters.begin(&cx(&format!("user/{number}")));
        let all: Vec<Option<Waiter>> = (0..WAITERS_MAX).map(|number| begin(number).unwrap()).collect();

        let refused = begin(WAITERS_MAX).err().unwrap();
        drop(all);

        assert_eq!(refused.kind, FaultKind::TooManyRequests);
        assert!(begin(WAITERS_MAX).unwrap().is_some());
        assert!(waiters.counts().is_empty(), "nobody is kept in mind who does not wait");
    }

    #[test]
    fn one_principal_leaves_places_to_others() {
        let waiters = Waiters::default();
        let begin = |actor: &str| waiters.begin(&cx(actor)).unwrap();
        let mut anns: Vec<Option<Waiter>> = (0..WAITERS_OF_ONE_MAX).map(|_| begin("user/ann")).collect();

        let (one_more, other) = (begin("user/ann"), begin("user/bob"));
        anns.pop();

        assert!(one_more.is_none(), "she is answered at once");
        assert!(other.is_some());
        assert!(begin("user/ann").is_some());
    }
}

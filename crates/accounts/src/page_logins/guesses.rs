use crate::failures::network;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How many codes may be typed wrongly from one address.
const GUESSES_MAX: u32 = 5;
/// In which time.
const WINDOW: Duration = Duration::from_secs(10 * 60);
const SOURCES_MAX: usize = 4096;

/// Codes that were typed wrongly, by address; an IPv6 network of 64 bits is one. `now` is time since a fixed point.
#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<Option<IpAddr>, (u32, Duration)>>);

impl Guesses {
    /// Returns how long to wait where too many were wrong.
    pub(super) fn wait(&self, address: Option<IpAddr>, now: Duration) -> Option<Duration> {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = guesses.get(&network(address))?;
        (*count >= GUESSES_MAX).then(|| (*since + WINDOW).checked_sub(now)).flatten().filter(|wait| !wait.is_zero())
    }

    /// Counts one that was wrong.
    pub(super) fn note(&self, address: Option<IpAddr>, now: Duration) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= SOURCES_MAX {
            guesses.retain(|_, (_, since)| now < *since + WINDOW);
            // Beyond, the one that has counted longest is forgotten.
            if guesses.len() >= SOURCES_MAX
                && let Some(oldest) = guesses.iter().min_by_key(|(_, (_, since))| *since).map(|(source, _)| *source)
            {
                guesses.remove(&oldest);
            }
        }
        let guess = guesses.entry(network(address)).or_insert((0, now));
        if now >= guess.1 + WINDOW {
            *guess = (0, now);
        }
        guess.0 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn five_codes_may_be_wrong_in_ten_minutes_from_one_address() {
        let (guesses, here) = (Guesses::default(), Some([10, 0, 0, 1].into()));

        for _ in 0..5 {
            assert_eq!(guesses.wait(here, MINUTE), None);
            guesses.note(here, MINUTE);
        }

        assert_eq!(guesses.wait(here, 2 * MINUTE), Some(9 * MINUTE));
        assert_eq!(guesses.wait(Some([10, 0, 0, 2].into()), 2 * MINUTE), None);
        assert_eq!(guesses.wait(here, 11 * MINUTE), None);
        guesses.note(here, 12 * MINUTE);
        assert_eq!(guesses.wait(here, 12 * MINUTE), None);
    }

    #[test]
    fn any_number_of_addresses_takes_bounded_memory() {
        let guesses = Guesses::default();

        (0..10_000_u32).for_each(|number| guesses.note(Some(number.to_be_bytes().into()), MINUTE));

        assert!(guesses.0.lock().unwrap().len() <= SOURCES_MAX);
    }
}

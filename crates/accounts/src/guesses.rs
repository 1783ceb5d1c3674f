use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// Wrong passwords an address may try in a minute.
const GUESSES_MAX: u32 = 30;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered; beyond these the oldest windows are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Counts wrong passwords by address. The right password always opens: nobody can lock the owner out.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<IpAddr, (Duration, u32)>>);

impl Guesses {
    /// Notes a wrong password; says whether the address has had too many.
    pub(crate) fn wrong(&self, source: Option<IpAddr>, now: Duration) -> bool {
        let Some(source) = source else { return false };
        let mut windows = self.windows();
        if windows.len() >= ADDRESSES_MAX {
            windows.retain(|_, (since, _)| now.saturating_sub(*since) < WINDOW);
        }
        if windows.len() >= ADDRESSES_MAX {
            windows.clear();
        }
        let window = windows.entry(source).or_insert((now, 0));
        if now.saturating_sub(window.0) >= WINDOW {
            *window = (now, 0);
        }
        window.1 += 1;
        window.1 > GUESSES_MAX
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<IpAddr, (Duration, u32)>> {
        self.0.lock().expect("nothing panics while it holds the windows")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_thirty_guesses_a_minute() {
        let guesses = Guesses::default();
        let source = Some("192.0.2.1".parse().unwrap());

        let first: Vec<bool> = (0..30).map(|_| guesses.wrong(source, Duration::ZERO)).collect();

        assert!(first.iter().all(|too_many| !too_many));
        assert!(guesses.wrong(source, Duration::from_secs(59)));
        assert!(!guesses.wrong(source, Duration::from_secs(60)));
        assert!(!guesses.wrong(Some("192.0.2.2".parse().unwrap()), Duration::ZERO));
    }
}

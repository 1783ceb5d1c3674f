use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Addresses remembered at once; beyond, the one that has least to wait is forgotten.
const SOURCES_MAX: usize = 8192;
const MINUTE: Duration = Duration::from_secs(60);

/// Failed logins by address, as a leaking bucket each: so many at once, and then one each time as much has leaked.
///
/// `now` is time since a fixed point, never going back: a clock that is set neither frees nor holds anybody.
pub(crate) struct Failures {
    /// What one failure adds; `None` counts nothing.
    cost: Option<Duration>,
    /// When the bucket of an address will be empty again.
    empty_at: Mutex<HashMap<Source, Duration>>,
}

/// Where logins come from: an address of IPv4, a network of 64 bits of IPv6 (one customer's), or a Unix socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Source(Option<IpAddr>);

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        Source(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            address => address,
        }))
    }
}

impl Failures {
    /// Lets `per_minute` logins from each address fail in a minute; 0 for any number.
    pub(crate) fn new(per_minute: u32) -> Self {
        Failures { cost: MINUTE.checked_div(per_minute), empty_at: Mutex::default() }
    }

    /// Returns how long to wait where no more may fail from `address` for now.
    pub(crate) fn wait(&self, address: Option<IpAddr>, now: Duration) -> Option<Duration> {
        let cost = self.cost?;
        excess(*self.lock().get(&Source::of(address))?, cost, now)
    }

    /// Counts a failure. Returns how long to wait where it was one too many; such are not counted, so that a flood keeps
    /// nobody out for longer than it lasts.
    #[must_use]
    pub(crate) fn note(&self, address: Option<IpAddr>, now: Duration) -> Option<Duration> {
        let cost = self.cost?;
        let source = Source::of(address);
        let mut sources = self.lock();
        let empty_at = sources.get(&source).map_or(now, |empty_at| now.max(*empty_at));
        if let Some(wait) = excess(empty_at, cost, now) {
            return Some(wait);
        }
        if sources.len() >= SOURCES_MAX && !sources.contains_key(&source) {
            make_room(&mut sources, now);
        }
        sources.insert(source, empty_at + cost);
        None
    }

    /// The map is whole between any two steps, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<Source, Duration>> {
        self.empty_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long until one more failure fits into a bucket that holds a minute; `None` where it does now.
fn excess(empty_at: Duration, cost: Duration, now: Duration) -> Option<Duration> {
    (empty_at + cost).checked_sub(now + MINUTE).filter(|wait| !wait.is_zero())
}

fn make_room(sources: &mut HashMap<Source, Duration>, now: Duration) {
    sources.retain(|_, empty_at| *empty_at > now);
    if sources.len() >= SOURCES_MAX {
        let least = sources.iter().min_by_key(|(_, empty_at)| **empty_at).map(|(source, _)| *source);
        least.map(|source| sources.remove(&source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn later(seconds: u64) -> Duration {
        NOW + Duration::from_secs(seconds)
    }

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    /// How many failures are counted before one is refused.
    fn fail(failures: &Failures, address: Option<IpAddr>, now: Duration) -> usize {
        (0..2000).take_while(|_| failures.note(address, now).is_none()).count()
    }

    #[test]
    fn so_many_fail_in_a_minute_and_no_more() {
        for per_minute in [1, 7, 30, 1000] {
            let failures = Failures::new(per_minute);

            assert_eq!(fail(&failures, from("10.0.0.1"), NOW), usize::try_from(per_minute).unwrap());
            assert!(failures.wait(from("10.0.0.1"), NOW).is_some());
        }
    }

    #[test]
    fn an_address_is_forgiven_as_time_goes_by() {
        let failures = Failures::new(30);
        fail(&failures, from("10.0.0.1"), NOW);

        assert_eq!(failures.wait(from("10.0.0.1"), later(1)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(from("10.0.0.1"), later(2)), None);
        assert_eq!(fail(&failures, from("10.0.0.1"), later(2)), 1);
        assert_eq!(fail(&failures, from("10.0.0.1"), later(70)), 30);
    }

    #[test]
    fn a_flood_does_not_make_the_wait_longer() {
        let failures = Failures::new(30);

        fail(&failures, from("10.0.0.1"), NOW);
        (0..10_000).for_each(|_| assert!(failures.note(from("10.0.0.1"), NOW).is_some()));

        assert_eq!(failures.wait(from("10.0.0.1"), later(2)), None);
    }

    #[test]
    fn other_addresses_are_not_held_for_it() {
        let failures = Failures::new(30);
        fail(&failures, from("10.0.0.1"), NOW);
        fail(&failures, from("2001:db8::1"), NOW);

        for (address, is_held) in [
            (from("10.0.0.1"), true),
            (from("::ffff:10.0.0.1"), true),
            (from("10.0.0.2"), false),
            (from("2001:db8::ffff:1"), true),
            (from("2001:db8:0:1::1"), false),
            (None, false),
        ] {
            assert_eq!(failures.wait(address, NOW).is_some(), is_held, "{address:?}");
        }
    }

    #[test]
    fn zero_counts_nothing() {
        let failures = Failures::new(0);

        assert_eq!(fail(&failures, None, NOW), 2000);
        assert_eq!(failures.wait(None, NOW), None);
    }

    #[test]
    fn any_number_of_addresses_takes_bounded_memory() {
        let failures = Failures::new(1);
        let address = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        let at = |number: u32| NOW + Duration::from_millis(number.into());

        (0..10_000).for_each(|number| assert!(failures.note(address(number), at(number)).is_none()));

        assert_eq!(failures.lock().len(), SOURCES_MAX);
        assert!(failures.wait(address(9_999), at(9_999)).is_some());
        assert!(failures.note(address(20_000), later(600)).is_none());
        assert_eq!(failures.lock().len(), 1);
    }
}

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
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
    /// The same of a name from an address: what one failure adds, and the buckets.
    name_cost: Option<Duration>,
    names: Mutex<HashMap<(Source, u64), Duration>>,
}

/// Where logins come from: an address of IPv4, a network of 64 bits of IPv6 (one customer's), or a Unix socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Source(Option<IpAddr>);

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        Source(network(address))
    }
}

/// What an address counts as: itself, or of IPv6 the network of 64 bits, which is one customer's.
pub(crate) fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    })
}

impl Failures {
    /// Lets `per_minute` logins from each address fail in a minute, and `per_name` of each name from it; 0 for any number.
    pub(crate) fn new(per_minute: u32, per_name: u32) -> Self {
        let (cost, name_cost) = (MINUTE.checked_div(per_minute), MINUTE.checked_div(per_name));
        Failures { cost, empty_at: Mutex::default(), name_cost, names: Mutex::default() }
    }

    /// Counts a failure of a name from `address`, for both. Returns how long to wait where it was one too many for either; such
    /// are not counted.
    #[must_use]
    pub(crate) fn charge(&self, address: Option<IpAddr>, name: &str, now: Duration) -> Option<Duration> {
        let key = (Source::of(address), hash(name));
        let mut names = lock(&self.names);
        let empty_at = names.get(&key).map_or(now, |empty_at| now.max(*empty_at));
        if let Some(wait) = self.name_cost.and_then(|cost| excess(empty_at, cost, now)) {
            return Some(wait);
        }
        if let Some(wait) = self.note(address, now) {
            return Some(wait);
        }
        if let Some(cost) = self.name_cost {
            add(&mut names, key, empty_at + cost, now);
        }
        None
    }

    /// Takes back a failure that was counted and was none.
    pub(crate) fn forgive(&self, address: Option<IpAddr>, name: &str) {
        let source = Source::of(address);
        if let (Some(cost), Some(empty_at)) = (self.name_cost, lock(&self.names).get_mut(&(source, hash(name)))) {
            *empty_at = empty_at.saturating_sub(cost);
        }
        if let (Some(cost), Some(empty_at)) = (self.cost, lock(&self.empty_at).get_mut(&source)) {
            *empty_at = empty_at.saturating_sub(cost);
        }
    }

    /// Returns how long to wait where no more may fail from `address` for now.
    pub(crate) fn wait(&self, address: Option<IpAddr>, now: Duration) -> Option<Duration> {
        let cost = self.cost?;
        excess(*lock(&self.empty_at).get(&Source::of(address))?, cost, now)
    }

    /// Counts a failure. Returns how long to wait where it was one too many; such are not counted, so that a flood keeps
    /// nobody out for longer than it lasts.
    #[must_use]
    pub(crate) fn note(&self, address: Option<IpAddr>, now: Duration) -> Option<Duration> {
        let cost = self.cost?;
        let source = Source::of(address);
        let mut sources = lock(&self.empty_at);
        let empty_at = sources.get(&source).map_or(now, |empty_at| now.max(*empty_at));
        if let Some(wait) = excess(empty_at, cost, now) {
            return Some(wait);
        }
        add(&mut sources, source, empty_at + cost, now);
        None
    }
}

/// The map is whole between any two steps, so a panic elsewhere does not spoil it.
fn lock<K>(buckets: &Mutex<HashMap<K, Duration>>) -> MutexGuard<'_, HashMap<K, Duration>> {
    buckets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names are of any length, their buckets are not. Two that share a number share a bucket, of one address.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

fn add<K: Copy + Eq + Hash>(buckets: &mut HashMap<K, Duration>, key: K, empty_at: Duration, now: Duration) {
    if buckets.len() >= SOURCES_MAX && !buckets.contains_key(&key) {
        make_room(buckets, now);
    }
    buckets.insert(key, empty_at);
}

/// How long until one more failure fits into a bucket that holds a minute; `None` where it does now.
fn excess(empty_at: Duration, cost: Duration, now: Duration) -> Option<Duration> {
    (empty_at + cost).checked_sub(now + MINUTE).filter(|wait| !wait.is_zero())
}

fn make_room<K: Copy + Eq + Hash>(sources: &mut HashMap<K, Duration>, now: Duration) {
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
            let failures = Failures::new(per_minute, 0);

            assert_eq!(fail(&failures, from("10.0.0.1"), NOW), usize::try_from(per_minute).unwrap());
            assert!(failures.wait(from("10.0.0.1"), NOW).is_some());
        }
    }

    #[test]
    fn an_address_is_forgiven_as_time_goes_by() {
        let failures = Failures::new(30, 0);
        fail(&failures, from("10.0.0.1"), NOW);

        assert_eq!(failures.wait(from("10.0.0.1"), later(1)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(from("10.0.0.1"), later(2)), None);
        assert_eq!(fail(&failures, from("10.0.0.1"), later(2)), 1);
        assert_eq!(fail(&failures, from("10.0.0.1"), later(70)), 30);
    }

    #[test]
    fn a_flood_does_not_make_the_wait_longer() {
        let failures = Failures::new(30, 0);

        fail(&failures, from("10.0.0.1"), NOW);
        (0..10_000).for_each(|_| assert!(failures.note(from("10.0.0.1"), NOW).is_some()));

        assert_eq!(failures.wait(from("10.0.0.1"), later(2)), None);
    }

    #[test]
    fn other_addresses_are_not_held_for_it() {
        let failures = Failures::new(30, 0);
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
        let failures = Failures::new(0, 0);

        assert_eq!(fail(&failures, None, NOW), 2000);
        assert_eq!(failures.wait(None, NOW), None);
    }

    #[test]
    fn any_number_of_addresses_takes_bounded_memory() {
        let failures = Failures::new(1, 0);
        let address = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        let at = |number: u32| NOW + Duration::from_millis(number.into());

        (0..10_000).for_each(|number| assert!(failures.note(address(number), at(number)).is_none()));

        assert_eq!(lock(&failures.empty_at).len(), SOURCES_MAX);
        assert!(failures.wait(address(9_999), at(9_999)).is_some());
        assert!(failures.note(address(20_000), later(600)).is_none());
        assert_eq!(lock(&failures.empty_at).len(), 1);
    }

    #[test]
    fn a_name_fails_so_often_from_one_address_and_from_another_goes_on() {
        let failures = Failures::new(30, 10);
        let charge =
            |address, name| (0..2000).take_while(|_| failures.charge(from(address), name, NOW).is_none()).count();

        assert_eq!(charge("10.0.0.1", "ann"), 10);
        assert_eq!(charge("10.0.0.1", "bob"), 10);
        assert_eq!(charge("10.0.0.2", "ann"), 10);
        assert_eq!((charge("10.0.0.1", "cyd"), charge("10.0.0.1", "dan")), (10, 0), "the address has its own limit");
    }

    #[test]
    fn what_was_no_failure_is_taken_back() {
        let failures = Failures::new(30, 10);

        for _ in 0..100 {
            assert_eq!(failures.charge(from("10.0.0.1"), "ann", NOW), None);
            failures.forgive(from("10.0.0.1"), "ann");
        }

        assert_eq!(fail(&failures, from("10.0.0.1"), NOW), 30);
    }

    #[test]
    fn any_number_of_names_takes_bounded_memory() {
        let failures = Failures::new(0, 1);

        let charged =
            (0..10_000).filter(|number| failures.charge(from("10.0.0.1"), &number.to_string(), NOW).is_none());
        assert_eq!(charged.count(), 10_000);

        assert_eq!(lock(&failures.names).len(), SOURCES_MAX);
    }
}

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Persons remembered at once; beyond, the one whose last try is longest ago is forgotten.
const PERSONS_MAX: usize = 8192;
/// Addresses remembered from which somebody has logged in; the one unused for longest is forgotten.
const KNOWN_MAX: usize = 8;

/// How often passwords of a person are tried at the directory, so that it never locks him because of what comes through here.
///
/// Of the tries of a period one is kept for the addresses from which he has logged in before: whoever guesses from elsewhere cannot
/// use it up. `now` is time since a fixed point, never going back.
pub(crate) struct Attempts {
    count: usize,
    period: Duration,
    persons: Mutex<HashMap<u64, Tried>>,
}

#[derive(Default)]
struct Tried {
    /// When passwords were tried that were not right, the oldest first.
    at: VecDeque<Duration>,
    /// From where he has logged in, the last first.
    known: VecDeque<Option<IpAddr>>,
}

impl Attempts {
    /// Lets `count` passwords of each person be wrong in any `period`; 0 for any number.
    pub(crate) fn new(count: u32, period: Duration) -> Self {
        Attempts { count: count as usize, period, persons: Mutex::default() }
    }

    /// Counts a try before it is made: of many that come at once, none is made beyond those that may be.
    ///
    /// # Errors
    /// How long to wait where it is one too many; such are not counted.
    pub(crate) fn admit(&self, person: &str, source: Option<IpAddr>, now: Duration) -> Result<(), Duration> {
        if self.count == 0 {
            return Ok(());
        }
        let mut persons = self.lock();
        let key = hash(person);
        if persons.len() >= PERSONS_MAX && !persons.contains_key(&key) {
            self.make_room(&mut persons, now);
        }
        let tried = persons.entry(key).or_default();
        tried.forget(self.period, now);
        let is_known = tried.known.contains(&network(source));
        let count_max = if is_known { self.count } else { self.count.saturating_sub(1).max(1) };
        // As many have to be forgotten until one more may be made.
        match tried.at.len().checked_sub(count_max) {
            Some(beyond) => {
                let free_at = tried.at.get(beyond).map_or(now, |at| *at + self.period);
                Err(free_at.saturating_sub(now).max(Duration::from_secs(1)))
            }
            None => {
                tried.at.push_back(now);
                Ok(())
            }
        }
    }

    /// Takes back a try whose password was right, and remembers from where.
    pub(crate) fn succeed(&self, person: &str, source: Option<IpAddr>) {
        let mut persons = self.lock();
        let Some(tried) = persons.get_mut(&hash(person)) else { return };
        tried.at.pop_back();
        let source = network(source);
        tried.known.retain(|known| *known != source);
        tried.known.push_front(source);
        tried.known.truncate(KNOWN_MAX);
    }

    /// Takes back a try that was not made.
    pub(crate) fn take_back(&self, person: &str) {
        if let Some(tried) = self.lock().get_mut(&hash(person)) {
            tried.at.pop_back();
        }
    }

    /// Forgets those who had nothing tried of late, and at least one.
    fn make_room(&self, persons: &mut HashMap<u64, Tried>, now: Duration) {
        persons.values_mut().for_each(|tried| tried.forget(self.period, now));
        if let Some(oldest) = persons.iter().min_by_key(|(_, tried)| tried.at.back().copied()).map(|(key, _)| *key) {
            persons.remove(&oldest);
        }
    }

    /// The map is whole between any two steps, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Tried>> {
        self.persons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tried {
    fn forget(&mut self, period: Duration, now: Duration) {
        while self.at.front().is_some_and(|at| *at + period <= now) {
            self.at.pop_front();
        }
    }
}

/// Names are of any length, what is remembered of them is not.
fn hash(person: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    person.to_lowercase().hash(&mut hasher);
    hasher.finish()
}

/// What an address counts as: itself, or of IPv6 the network of 64 bits, which is one customer's.
fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "uid=ann,dc=example,dc=org";
    const PERIOD: Duration = Duration::from_secs(600);

    fn from(last: u8) -> Option<IpAddr> {
        Some([203, 0, 113, last].into())
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    /// How many tries of a thousand are made from an address.
    fn made(attempts: &Attempts, source: u8, seconds: u64) -> usize {
        (0..1000).filter(|_| attempts.admit(ANN, from(source), at(seconds)).is_ok()).count()
    }

    #[test]
    fn from_however_many_addresses_no_more_are_tried_than_may_be_wrong() {
        let attempts = Attempts::new(4, PERIOD);

        let tried: usize = (1..=100).map(|source| made(&attempts, source, 0)).sum();

        assert_eq!(tried, 3);
        assert_eq!(attempts.admit(ANN, from(1), at(100)), Err(Duration::from_secs(500)));
        assert_eq!(made(&attempts, 1, 600), 3);
    }

    #[test]
    fn whoever_guesses_from_elsewhere_does_not_keep_the_owner_out() {
        let attempts = Attempts::new(4, PERIOD);
        attempts.admit(ANN, from(7), at(0)).unwrap();
        attempts.succeed(ANN, from(7));

        let strangers: usize = (20..=100).map(|source| made(&attempts, source, 1)).sum();
        let owner = attempts.admit(ANN, from(7), at(2));
        attempts.succeed(ANN, from(7));

        assert_eq!((strangers, owner), (3, Ok(())));
        assert_eq!(made(&attempts, 7, 3), 1, "his own wrong ones count with the others");
    }

    #[test]
    fn what_was_right_or_not_tried_does_not_count() {
        let attempts = Attempts::new(2, PERIOD);

        for _ in 0..10 {
            attempts.admit(ANN, from(1), at(0)).unwrap();
            attempts.take_back(ANN);
            attempts.admit(ANN, from(1), at(0)).unwrap();
            attempts.succeed(ANN, from(1));
        }

        assert_eq!(made(&attempts, 1, 0), 2);
    }

    #[test]
    fn zero_counts_nothing_and_any_number_of_persons_takes_bounded_memory() {
        assert_eq!(made(&Attempts::new(0, PERIOD), 1, 0), 1000);

        let attempts = Attempts::new(4, PERIOD);
        for number in 0..10_000_u64 {
            attempts.admit(&number.to_string(), from(1), Duration::from_millis(number)).unwrap();
        }

        assert_eq!(attempts.lock().len(), PERSONS_MAX);
    }
}

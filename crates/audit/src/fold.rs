use crate::{Entry, Kind, Outcome, Record};
use gantry_words::{AccountId, Timestamp};
use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    net::IpAddr,
};

const MINUTE_MILLIS: i64 = 60_000;

/// Counts together what is alike: facts of the same kind, principal, source, action, repository, digest and outcome
/// within the same minute become one record.
///
/// The result does not depend on the order they come in: times are the first and the last, and what differs between them
/// (user agent, tag, request) is that of the earliest. Something counted once more costs no allocation.
#[derive(Debug)]
pub struct Fold {
    open: HashMap<u64, Open>,
    hasher: RandomState,
    next_id: i64,
    open_max: usize,
}

/// A record that may still count.
#[derive(Clone, Debug)]
pub struct Open {
    /// A number of its own.
    pub id: i64,
    /// What has been counted so far.
    pub record: Record,
    key: Own,
    is_noted: bool,
}

/// As many different facts are being counted as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many facts wait to be recorded as there may be")]
pub struct Full;

/// What is alike, borrowed or not.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    kind: Kind,
    minute: i64,
    account: AccountId,
    owner: AccountId,
    principal: &'a str,
    is_session: bool,
    began_at: Timestamp,
    source: Option<IpAddr>,
    action: &'a str,
    repository: &'a str,
    digest: &'a str,
    outcome: Outcome,
    error_code: &'a str,
    is_head: bool,
}

#[derive(Clone, Debug)]
struct Own {
    minute: i64,
    source: Option<IpAddr>,
    principal: Box<str>,
    action: Box<str>,
    repository: Box<str>,
    digest: Box<str>,
    error_code: Box<str>,
    is_head: bool,
}

impl<'a> Key<'a> {
    fn of(entry: &Entry<'a>) -> Self {
        Key {
            kind: entry.kind,
            minute: minute(entry.at),
            account: entry.account,
            owner: entry.owner,
            principal: entry.principal,
            is_session: entry.is_session,
            began_at: entry.role_session.map(|session| session.began_at).unwrap_or_default(),
            source: entry.source,
            action: entry.action,
            repository: entry.repository,
            digest: entry.digest,
            outcome: entry.outcome,
            error_code: entry.error_code,
            is_head: is_head(entry),
        }
    }

    fn of_open(open: &'a Open) -> Self {
        let Open { record, key, .. } = open;
        Key {
            kind: record.kind,
            minute: key.minute,
            account: record.account,
            owner: record.owner,
            principal: &key.principal,
            is_session: record.is_session,
            began_at: record.session.began_at,
            source: key.source,
            action: &key.action,
            repository: &key.repository,
            digest: &key.digest,
            outcome: record.outcome,
            error_code: &key.error_code,
            is_head: key.is_head,
        }
    }
}

/// Whether only the head was asked for: existence checks are not pulls of bytes, and are counted apart.
fn is_head(entry: &Entry<'_>) -> bool {
    entry.operation.starts_with("Head")
}

fn minute(at: Timestamp) -> i64 {
    at.millis().div_euclid(MINUTE_MILLIS)
}

impl Fold {
    /// One that counts up to `open_max` different facts at a time and numbers them from `first_id` on.
    pub fn new(first_id: i64, open_max: usize) -> Self {
        Fold { open: HashMap::new(), hasher: RandomState::new(), next_id: first_id, open_max }
    }

    /// Counts a fact.
    ///
    /// # Errors
    /// It is unlike all others, and there are too many of them.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), Full> {
        let key = Key::of(entry);
        let mut at = self.hasher.hash_one(&key);
        while let Some(open) = self.open.get_mut(&at) {
            if Key::of_open(open) == key {
                count(open, entry);
                return Ok(());
            }
            at = at.wrapping_add(1);
        }
        if self.open.len() >= self.open_max {
            return Err(Full);
        }
        let own = Own {
            minute: key.minute,
            source: key.source,
            principal: entry.principal.into(),
            action: entry.action.into(),
            repository: entry.repository.into(),
            digest: entry.digest.into(),
            error_code: entry.error_code.into(),
            is_head: key.is_head,
        };
        let open = Open { id: self.next_id, record: Record::of(entry), key: own, is_noted: false };
        self.next_id = self.next_id.wrapping_add(1);
        self.open.insert(at, open);
        Ok(())
    }

    /// Takes out up to `most` records whose minute is over at `now`; all of them count where `now` is `None`.
    pub fn take_over(&mut self, now: Option<Timestamp>, most: usize) -> Vec<Open> {
        let is_over = |open: &Open| now.is_none_or(|now| open.key.minute < minute(now));
        let mut over: Vec<(u64, i64)> =
            self.open.iter().filter(|(_, open)| is_over(open)).map(|(at, open)| (*at, open.id)).collect();
        over.sort_unstable_by_key(|(_, id)| *id);
        over.truncate(most);
        let taken = over.into_iter().filter_map(|(at, _)| self.open.remove(&at)).collect();
        if self.open.is_empty() && self.open.capacity() > 1024 {
            self.open = HashMap::new();
        }
        taken
    }

    /// Returns up to `most` records that have counted since they were last returned here.
    pub fn changed(&mut self, most: usize) -> Vec<(i64, Record)> {
        let changed = self.open.values_mut().filter(|open| !open.is_noted).take(most);
        changed
            .map(|open| {
                open.is_noted = true;
                (open.id, open.record.clone())
            })
            .collect()
    }

    /// How many different facts are being counted.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

fn count(open: &mut Open, entry: &Entry<'_>) {
    let record = &mut open.record;
    open.is_noted = false;
    record.count += 1;
    record.last_at = record.last_at.max(entry.at);
    if entry.at > record.first_at {
        return;
    }
    // At the same millisecond the request's name decides, so that the order they come in does not.
    if entry.at < record.first_at || entry.request_id.to_string() < record.request_id {
        let (count, last_at) = (record.count, record.last_at);
        *record = Record { count, last_at, ..Record::of(entry) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::entry;
    use gantry_words::RequestId;
    use proptest::prelude::*;

    const MINUTE: i64 = 1_800_000_000_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(MINUTE + millis)
    }

    fn all(fold: &mut Fold) -> Vec<Record> {
        fold.take_over(None, usize::MAX).into_iter().map(|open| open.record).collect()
    }

    #[test]
    fn pulls_that_are_alike_are_one_record_with_their_count() {
        let mut fold = Fold::new(1, 10);
        for millis in [10, 20_000, 59_999] {
            fold.add(&Entry { at: at(millis), ..entry() }).unwrap();
        }

        let records = all(&mut fold);

        assert_eq!(records.len(), 1);
        assert_eq!((records[0].count, records[0].first_at, records[0].last_at), (3, at(10), at(59_999)));
    }

    #[test]
    fn what_differs_in_anything_that_matters_is_a_record_of_its_own() {
        let mut fold = Fold::new(1, 100);
        let others = [
            Entry { principal: "arn:aws:iam::000000000000:user/other", ..entry() },
            Entry { source: Some([10, 0, 0, 8].into()), ..entry() },
            Entry { digest: "sha256:bb", ..entry() },
            Entry { repository: "team/other", ..entry() },
            Entry { outcome: Outcome::Refused, ..entry() },
            Entry { operation: "HeadManifest", ..entry() },
            Entry { at: at(60_000), ..entry() },
        ];

        fold.add(&entry()).unwrap();
        others.iter().for_each(|other| fold.add(other).unwrap());

        assert_eq!(all(&mut fold).len(), 1 + others.len());
    }

    #[test]
    fn a_record_is_over_with_its_minute() {
        let mut fold = Fold::new(1, 10);
        fold.add(&Entry { at: at(59_999), ..entry() }).unwrap();

        assert!(fold.take_over(Some(at(59_999)), 10).is_empty());
        assert_eq!(fold.take_over(Some(at(60_000)), 10).len(), 1);
        assert!(fold.is_empty());
    }

    #[test]
    fn only_what_has_counted_since_is_written_down_again() {
        let mut fold = Fold::new(7, 10);
        fold.add(&entry()).unwrap();

        let first = fold.changed(10);
        let second = fold.changed(10);
        fold.add(&entry()).unwrap();
        let third = fold.changed(10);

        assert_eq!((first.len(), first[0].0, second.len()), (1, 7, 0));
        assert_eq!((third[0].0, third[0].1.count), (7, 2));
    }

    #[test]
    fn beyond_the_bound_only_what_is_already_counted_is_taken() {
        let mut fold = Fold::new(1, 1);
        fold.add(&entry()).unwrap();

        assert_eq!(fold.add(&Entry { digest: "sha256:bb", ..entry() }), Err(Full));
        assert_eq!(fold.add(&entry()), Ok(()));
    }

    proptest! {
        #[test]
        fn within_a_minute_the_order_does_not_matter(
            facts in prop::collection::vec((0_i64..60_000, 0_u8..3, 0_u8..4), 1..40),
            seed in any::<u64>(),
        ) {
            let digests = ["sha256:aa", "sha256:bb", "sha256:cc"];
            let entries: Vec<Entry<'_>> = facts
                .iter()
                .enumerate()
                .map(|(index, (millis, digest, agent))| Entry {
                    at: at(*millis),
                    digest: digests[usize::from(*digest)],
                    user_agent: ["a", "b", "c", "d"][usize::from(*agent)],
                    request_id: RequestId::new([index as u8; 16]),
                    ..entry()
                })
                .collect();
            let mut other = entries.clone();
            let mut state = seed;
            for place in (1..other.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                other.swap(place, (state >> 33) as usize % (place + 1));
            }

            let fold = |entries: &[Entry<'_>]| {
                let mut fold = Fold::new(1, 100);
                entries.iter().for_each(|entry| fold.add(entry).unwrap());
                let mut records = all(&mut fold);
                records.sort_by(|a, b| a.digest.cmp(&b.digest));
                records
            };

            prop_assert_eq!(fold(&entries), fold(&other));
            prop_assert_eq!(fold(&entries).iter().map(|record| record.count).sum::<u64>(), entries.len() as u64);
        }
    }
}

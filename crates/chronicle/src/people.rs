//! Who is named in records: commitments made when they are chained, names put back when they are read, and erased when asked.

use gantry_audit::{PERSON_ERASED, Record, commit, person, reveal, salt, tokens};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Event, Metadata, Reader, Tx,
    audit::{PersonRow, erase_person, insert_person, note_named, people_by_token, people_by_value},
};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

/// When somebody was named last is written down once in so long.
pub(crate) const NAMED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The tokens of everybody whom some records name.
#[derive(Default)]
pub(crate) struct People {
    names: HashMap<String, String>,
    addresses: HashMap<(String, String), String>,
    /// Those who were not known yet.
    fresh: Vec<PersonRow>,
    /// Those of whom it has not been written down for a while that they are named.
    stale: Vec<String>,
    now: Timestamp,
}

impl People {
    /// Looks up everybody whom `records` name, and makes tokens for those who have none, with salts that follow from `seed`: it
    /// must be random, and used once.
    pub(crate) fn gather(
        rows: &mut Reader,
        records: &[Record],
        seed: &[u8; 32],
        now: Timestamp,
    ) -> Result<People, Fault> {
        let mut people = People { now, ..People::default() };
        let named: BTreeSet<String> = records.iter().flat_map(|record| record.people().0).collect();
        if named.is_empty() {
            return Ok(people);
        }
        let values: Vec<String> = named.into_iter().collect();
        let known = people_by_value(rows, "", &values)?;
        people.note_stale(&known);
        people.names = known.into_iter().map(|row| (row.value, row.token)).collect();
        for value in values {
            if !people.names.contains_key(&value) {
                let token = people.make("", &value, seed);
                people.names.insert(value, token);
            }
        }
        let mut sources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for record in records {
            let acts = person(&record.principal).and_then(|(value, _)| people.names.get(&value));
            if let (Some(owner), Some(source)) = (acts, record.people().1) {
                sources.entry(owner.clone()).or_default().insert(source.into());
            }
        }
        for (owner, sources) in sources {
            let sources: Vec<String> = sources.into_iter().collect();
            let known = people_by_value(rows, &owner, &sources)?;
            people.note_stale(&known);
            let known: HashMap<String, String> = known.into_iter().map(|row| (row.value, row.token)).collect();
            for source in sources {
                let token = known.get(&source).cloned().unwrap_or_else(|| people.make(&owner, &source, seed));
                people.addresses.insert((owner.clone(), source), token);
            }
        }
        Ok(people)
    }

    fn note_stale(&mut self, known: &[PersonRow]) {
        let is_stale = |row: &&PersonRow| self.now.since(row.named_at) >= NAMED_EVERY;
        self.stale.extend(known.iter().filter(is_stale).map(|row| row.token.clone()));
    }

    fn make(&mut self, owner: &str, value: &str, seed: &[u8; 32]) -> String {
        let salt = salt(seed, self.fresh.len() as u64);
        let token = commit(&salt, value);
        self.fresh.push(PersonRow {
            token: token.clone(),
            owner: owner.into(),
            value: value.into(),
            salt: hex::encode(salt),
            named_at: self.now,
        });
        token
    }

    /// Returns a record with tokens in the place of names.
    pub(crate) fn commit(&self, record: &Record) -> Record {
        record.committed(&self.names, &self.addresses)
    }

    /// Writes down those who were not known, and that the others are named.
    pub(crate) fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        self.fresh.iter().try_for_each(|row| insert_person(tx, row))?;
        note_named(tx, &self.stale, self.now)
    }

    /// What the tokens stand for.
    pub(crate) fn values(&self) -> HashMap<String, String> {
        let names = self.names.iter().map(|(value, token)| (token.clone(), value.clone()));
        names.chain(self.addresses.iter().map(|((_, source), token)| (token.clone(), source.clone()))).collect()
    }
}

/// Reads a salt as it is stored.
pub(crate) fn parse_salt(text: &str) -> Option<gantry_audit::Salt> {
    let mut salt = gantry_audit::Salt::default();
    hex::decode_to_slice(text, &mut salt).ok()?;
    (hex::encode(salt) == text).then_some(salt)
}

/// Puts the names of those who were not erased back into records as they are stored.
pub(crate) fn reveal_all<'a>(rows: &mut Reader, lines: impl Iterator<Item = &'a mut String>) -> Result<(), Fault> {
    let lines: Vec<&mut String> = lines.collect();
    let found: BTreeSet<String> = lines.iter().flat_map(|line| tokens(line)).collect();
    let found: Vec<String> = found.into_iter().collect();
    let values = people_by_token(rows, &found)?.into_iter().map(|row| (row.token, row.value)).collect();
    lines.into_iter().for_each(|line| *line = reveal(line, &values));
    Ok(())
}

/// Returns the ARN as records hold it: one for each token, and the ARN itself, which those have that were written without.
pub(crate) fn as_stored(rows: &mut Reader, arn: &str) -> Result<Vec<String>, Fault> {
    let mut stored = vec![arn.to_string()];
    if let Some((value, name)) = person(arn) {
        for row in people_by_value(rows, "", &[value])? {
            stored.push(format!("{}{}", &arn[..name.start], row.token));
        }
    }
    Ok(stored)
}

/// Erases a person from the audit: an ARN of a user or of a session of a role, or the name of a user of `account`. Returns the token
/// that stays in the place of the name; `None` where nobody of that name is in the audit. The records stay what they were.
///
/// # Errors
/// The database does not take it.
pub async fn erase(metadata: &Metadata, cx: &Cx, account: AccountId, principal: &str) -> Result<Option<String>, Fault> {
    let value = person(principal).map_or_else(|| format!("{account}:user/{principal}"), |(value, _)| value);
    metadata.perform(cx, ErasePerson { value }).await
}

/// The act that forgets whom a token stands for.
struct ErasePerson {
    value: String,
}

impl Act for ErasePerson {
    type Seen = Option<String>;
    type Plan = Option<String>;
    type Answer = Option<String>;
    const NAME: &'static str = "audit.erase_person";

    fn gather(&self, rows: &mut Reader) -> Result<Option<String>, Fault> {
        rows.lock("audit chain")?;
        Ok(people_by_value(rows, "", std::slice::from_ref(&self.value))?.pop().map(|row| row.token))
    }
    fn decide(&self, token: Option<String>, _: Timestamp) -> Result<Option<String>, Fault> {
        Ok(token)
    }
    fn apply(&self, tx: &mut Tx, token: Option<String>) -> Result<Option<String>, Fault> {
        let Some(token) = token else { return Ok(None) };
        erase_person(tx, &token)?;
        tx.event(Event { kind: PERSON_ERASED, repository: None, body: json!({"token": token}) })?;
        Ok(Some(token))
    }
}

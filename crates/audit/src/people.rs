//! Names of people, which a chain holds only as commitments: so that they can be erased, and the chain stays what it was.

use crate::Record;
use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

/// The random bytes that a commitment is made with.
pub type Salt = [u8; 16];

/// The event by which the change trail, and so a record, says that a person was erased; `token` in it says which.
pub const PERSON_ERASED: &str = "audit.person_erased";

/// A token is `~` and so many hexadecimal digits. No name of IAM has a `~`.
const DIGITS: usize = 32;

/// Returns the token of a value: `~` and the first 128 bits of a SHA-256 over its salt and itself. Without the salt nobody can
/// find out the value by trying.
pub fn commit(salt: &Salt, value: &str) -> String {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(salt);
    context.update(value.as_bytes());
    format!("~{}", hex::encode(&context.finish().as_ref()[..DIGITS / 2]))
}

/// Returns the salt of a number that follows from a seed.
pub fn salt(seed: &[u8; 32], number: u64) -> Salt {
    let mut context = Context::new(&SHA256);
    context.update(&[2]);
    context.update(seed);
    context.update(&number.to_be_bytes());
    let mut salt = Salt::default();
    salt.copy_from_slice(&context.finish().as_ref()[..16]);
    salt
}

/// Returns who an ARN names, as [`commit`] takes it: `ACCOUNT:user/NAME` or `ACCOUNT:assumed-role/ROLE/SESSION`, and which part of
/// the ARN the name is. The path of a user is no part of it: names are unique in an account. `None` for what is no person: the root
/// user, a role, anonymous, a job.
pub fn person(arn: &str) -> Option<(String, Range<usize>)> {
    let (_, rest) = arn.split_once("arn:aws:iam::").or_else(|| arn.split_once("arn:aws:sts::"))?;
    let (account, resource) = rest.split_once(':')?;
    let (kind, path) = resource.split_once('/')?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty() && !name.starts_with('~'))?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let value = match kind {
        _ if !is_account => return None,
        "user" | "federated-user" => format!("{account}:{kind}/{name}"),
        "assumed-role" if path.contains('/') => format!("{account}:{kind}/{path}"),
        _ => return None,
    };
    Some((value, arn.len() - name.len()..arn.len()))
}

/// Finds the people that a text names by their ARNs.
fn people(text: &str) -> Vec<(String, Range<usize>)> {
    let (mut found, mut from) = (vec![], 0);
    while let Some(at) = text[from..].find("arn:aws:") {
        let start = from + at;
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+=,.@_-/:".contains(character);
        let length = text[start..].find(|character| !is_part(character)).unwrap_or(text.len() - start);
        // What ends a sentence is no part of a name.
        let arn = text[start..start + length].trim_end_matches(['.', ',', ':']);
        if let Some((value, name)) = person(arn) {
            found.push((value, start + name.start..start + name.end));
        }
        from = start + length;
    }
    found
}

impl Record {
    /// Returns everybody whom the record names, beginning with who acts, and the address that he came from.
    pub fn people(&self) -> (Vec<String>, Option<&str>) {
        let acts = person(&self.principal).map(|(value, _)| value);
        let source = Some(self.source.as_str()).filter(|source| acts.is_some() && !source.is_empty());
        let texts = std::iter::once(&self.error_message).chain(self.changes.iter().map(|change| &change.body));
        let others = texts.flat_map(|text| people(text)).map(|(value, _)| value);
        (acts.into_iter().chain(others).collect(), source)
    }

    /// Returns the same record with tokens in the place of names and of the address: those of `names`, and of `addresses` by the
    /// token of who came from there. What has none there is left as it is.
    #[must_use]
    pub fn committed(&self, names: &HashMap<String, String>, addresses: &HashMap<(String, String), String>) -> Record {
        let mut record = self.clone();
        if let Some((value, name)) = person(&self.principal)
            && let Some(token) = names.get(&value)
        {
            record.principal.replace_range(name, token);
            if let Some(address) = addresses.get(&(token.clone(), self.source.clone())) {
                record.source.clone_from(address);
            }
        }
        let texts = std::iter::once(&mut record.error_message);
        for text in texts.chain(record.changes.iter_mut().map(|change| &mut change.body)) {
            for (value, name) in people(text).into_iter().rev() {
                if let Some(token) = names.get(&value) {
                    text.replace_range(name, token);
                }
            }
        }
        record
    }
}

/// Where tokens stand in a text.
fn tokens_at(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.match_indices('~').filter_map(move |(at, _)| {
        let token = at..at + 1 + DIGITS;
        text.as_bytes().get(at + 1..token.end)?.iter().all(is_digit).then_some(token)
    })
}

/// Returns the tokens in a record's bytes.
pub fn tokens(bytes: &str) -> Vec<String> {
    tokens_at(bytes).map(|token| bytes[token].to_string()).collect()
}

/// Puts names in the place of their tokens, by `values` of [`commit`]: the last part of each. Tokens of erased people stay.
pub fn reveal(bytes: &str, values: &HashMap<String, String>) -> String {
    let (mut revealed, mut from) = (String::with_capacity(bytes.len()), 0);
    for token in tokens_at(bytes) {
        let Some(value) = values.get(&bytes[token.clone()]) else { continue };
        revealed.push_str(&bytes[from..token.start]);
        revealed.push_str(value.rsplit('/').next().unwrap_or_default());
        from = token.end;
    }
    revealed.push_str(&bytes[from..]);
    revealed
}

/// Whom a chain speaks of, by tokens, and who of them was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// The token, the first record that holds it, and of an address the token of who came from there.
    tokens: BTreeMap<String, (u64, Option<String>)>,
    erased: BTreeSet<String>,
}

impl Mentions {
    /// Looks at a record.
    pub(crate) fn note(&mut self, seq: u64, record: &Value) {
        let own = &record["additionalEventData"]["gantry"];
        let acts = own["principal"].as_str().and_then(|principal| tokens(principal).pop());
        if let (Some(acts), Some(source)) = (&acts, record["sourceIPAddress"].as_str()) {
            for token in tokens(source) {
                self.tokens.entry(token).or_insert_with(|| (seq, Some(acts.clone())));
            }
        }
        for change in own["changes"].as_array().into_iter().flatten() {
            if change["event"] == PERSON_ERASED {
                self.erased.extend(change["body"]["token"].as_str().map(str::to_string));
                continue;
            }
            // Only members that hold an ARN: what people wrote into others proves nothing.
            for text in change["body"].as_object().into_iter().flatten().filter_map(|(_, member)| member.as_str()) {
                for token in tokens(text).into_iter().filter(|_| text.starts_with("arn:aws:")) {
                    self.tokens.entry(token).or_insert((seq, None));
                }
            }
        }
        if let Some(acts) = acts {
            self.tokens.entry(acts).or_insert((seq, None));
        }
    }

    /// Notes that somebody was erased.
    pub fn erase(&mut self, token: String) {
        self.erased.insert(token);
    }

    /// Adds who was erased as another chain says.
    pub fn join(&mut self, other: &Mentions) {
        self.erased.extend(other.erased.iter().cloned());
    }

    /// Returns the first records of those whose names are gone though nobody erased them: `known` says whether a token has a name.
    pub fn unexplained<'a>(&'a self, known: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = u64> + 'a {
        let missing = self.tokens.iter().filter(move |(token, (_, owner))| {
            !known(token)
                && !self.erased.contains(*token)
                && owner.as_ref().is_none_or(|owner| !self.erased.contains(owner))
        });
        missing.map(|(_, (seq, _))| *seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, Entry, record::tests::entry};
    use gantry_words::Region;

    const ALICE: &str = "arn:aws:iam::000000000000:user/people/alice";

    fn committed(record: &Record) -> (Record, HashMap<String, String>) {
        let (people, source) = record.people();
        let names: HashMap<String, String> =
            people.into_iter().zip(0_u8..).map(|(value, salt)| (value.clone(), commit(&[salt; 16], &value))).collect();
        let owner = person(&record.principal).map(|(value, _)| names[&value].clone());
        let addresses: HashMap<(String, String), String> = source
            .map(|source| ((owner.clone().unwrap(), source.to_string()), commit(&[99; 16], source)))
            .into_iter()
            .collect();
        let values = names.iter().map(|(value, token)| (token.clone(), value.clone()));
        let values = values.chain(addresses.iter().map(|((_, source), token)| (token.clone(), source.clone())));
        (record.committed(&names, &addresses), values.collect())
    }

    fn record() -> Record {
        let message = format!("User: {ALICE} is not authorized to change arn:aws:iam::000000000000:user/bob.");
        let body = r#"{"actor":"arn:aws:iam::000000000000:root","arn":"arn:aws:iam::000000000000:user/bob"}"#;
        let mut record = Record::of(&Entry { principal: ALICE, error_message: &message, ..entry() });
        record.changes = vec![Change { act: "a".into(), event: "identity.changed".into(), body: body.into() }];
        record
    }

    #[test]
    fn a_person_is_a_user_or_a_session_and_its_name_is_the_last_part() {
        for (arn, wanted) in [
            (ALICE, Some(("000000000000:user/alice", "alice"))),
            (
                "arn:aws:sts::111111111111:assumed-role/deploy/a@b.example",
                Some(("111111111111:assumed-role/deploy/a@b.example", "a@b.example")),
            ),
            ("arn:aws:iam::000000000000:root", None),
            ("arn:aws:iam::000000000000:role/deploy", None),
            ("arn:aws:iam::000000000000:user/~00", None),
            ("anonymous", None),
            ("gantry:lifecycle", None),
        ] {
            let found = person(arn);
            let found = found.as_ref().map(|(value, name)| (value.as_str(), &arn[name.clone()]));
            assert_eq!(found, wanted, "{arn}");
        }
    }

    #[test]
    fn a_committed_record_holds_no_name_and_no_address_and_can_be_revealed() {
        let record = record();
        let plain = record.print(&Region::default(), 1, 7);

        let (committed, values) = committed(&record);
        let bytes = committed.print(&Region::default(), 1, 7);

        for secret in ["alice", "bob", "10.0.0.7"] {
            assert!(plain.contains(secret) && !bytes.contains(secret), "{secret} in {bytes}");
        }
        assert_eq!(reveal(&bytes, &values), plain);
        assert_eq!(reveal(&bytes, &HashMap::new()), bytes, "of erased people only the token is left");
        assert_eq!(tokens(&bytes).into_iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn a_commitment_depends_on_its_salt_and_on_the_name() {
        assert_ne!(commit(&[1; 16], "a"), commit(&[2; 16], "a"));
        assert_ne!(commit(&[1; 16], "a"), commit(&[1; 16], "b"));
        assert_eq!(commit(&[1; 16], "a").len(), 33);
    }

    #[test]
    fn a_name_that_is_gone_is_missed_unless_a_record_says_that_it_was_erased() {
        let (committed, _) = committed(&record());
        let mut mentions = Mentions::default();
        mentions.note(7, &serde_json::from_str(&committed.print(&Region::default(), 1, 7)).unwrap());
        let alice = tokens(&committed.principal).pop().unwrap();
        let unexplained = |mentions: &Mentions| mentions.unexplained(|_| false).collect::<Vec<_>>();

        assert_eq!(unexplained(&mentions), [7, 7, 7]);
        assert_eq!(mentions.unexplained(|_| true).count(), 0);
        mentions.erase(alice);
        assert_eq!(unexplained(&mentions), [7], "only bob's: the address is hers");
    }
}

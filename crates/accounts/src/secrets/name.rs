use super::faults::{invalid, no_secret};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region};

/// The longest name, in characters (Secrets Manager API, `NameType`).
const NAME_CHARS_MAX: usize = 512;
const ID_BYTES_MAX: usize = 2048;
/// What an ARN has behind the name: a hyphen and six characters.
const SUFFIX_CHARS: usize = 6;

/// Whose secrets they are, and where: what their ARNs say.
#[derive(Clone, Debug)]
pub(super) struct Realm {
    pub(super) account: AccountId,
    pub(super) region: Region,
}

/// How a request names a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretName {
    /// What it may be called, the likeliest first; each with the suffix that it then must have.
    pub(super) candidates: Vec<(String, Option<String>)>,
}

impl Realm {
    pub(super) fn arn(&self, name: &str, suffix: &str) -> String {
        format!("arn:aws:secretsmanager:{}:{}:secret:{name}-{suffix}", self.region, self.account)
    }

    /// Reads how a request names a secret: its name, its ARN, or its ARN without the six characters.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidParameter`]; [`gantry_fault::FaultKind::SecretNotFound`] for what lies in another
    /// account or region.
    pub(super) fn read(&self, text: &str) -> Result<SecretName, Fault> {
        if text.is_empty() || text.len() > ID_BYTES_MAX {
            return Err(invalid(format!("SecretId must have 1 to {ID_BYTES_MAX} bytes")));
        }
        if !text.starts_with("arn:") {
            return Ok(SecretName { candidates: vec![(text.into(), None)] });
        }
        let parts: Vec<&str> = text.splitn(7, ':').collect();
        let &[_, "aws", "secretsmanager", region, account, "secret", tail] = parts.as_slice() else {
            return Err(invalid(
                "SecretId is no ARN of a secret, such as arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
            ));
        };
        if region != self.region.as_str() || account != self.account.as_str() {
            return Err(no_secret());
        }
        Ok(SecretName { candidates: in_arn(tail) })
    }
}

/// What the last part of an ARN may name: with the suffix or without.
fn in_arn(tail: &str) -> Vec<(String, Option<String>)> {
    let whole = (tail.to_string(), None);
    let cut = tail.len().checked_sub(SUFFIX_CHARS + 1).and_then(|at| tail.split_at_checked(at));
    match cut.and_then(|(name, rest)| Some((name, rest.strip_prefix('-')?))) {
        Some((name, suffix)) if !name.is_empty() => vec![(name.into(), Some(suffix.into())), whole],
        _ => vec![whole],
    }
}

/// Checks a new name: 1 to 512 of `[A-Za-z0-9/_+=.@-]` (Secrets Manager API, `CreateSecret`).
pub(super) fn check(name: &str) -> Result<(), Fault> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(invalid(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@, \
         up to 512 of them",
    ))
}

/// Draws the six characters that an ARN ends in.
pub(super) fn suffix(random: [u8; SUFFIX_CHARS]) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<(String, Option<String>)>> {
        let realm = Realm { account: AccountId::DEFAULT, region: Region::default() };
        realm.read(text).ok().map(|name| name.candidates)
    }

    #[test]
    fn a_secret_is_named_in_three_ways() {
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:team/app";
        let name = ("team/app".to_string(), None);

        assert_eq!(read("team/app").unwrap(), std::slice::from_ref(&name));
        assert_eq!(read(arn).unwrap(), [name]);
        let whole = read(&format!("{arn}-AbC123")).unwrap();
        assert_eq!(whole, [("team/app".into(), Some("AbC123".into())), ("team/app-AbC123".into(), None)]);
    }

    #[test]
    fn what_lies_elsewhere_or_is_no_arn_is_none() {
        for text in [
            "",
            "arn:aws:secretsmanager:us-east-1:111111111111:secret:a",
            "arn:aws:secretsmanager:eu-west-1:000000000000:secret:a",
            "arn:aws:kms:us-east-1:000000000000:key/a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_has_its_grammar() {
        for name in ["a", "ecr-pullthroughcache/docker-hub", "A/_+=.@-0"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "ä", "a:b", &"a".repeat(513)] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}

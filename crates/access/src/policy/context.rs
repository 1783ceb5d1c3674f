//! What is known of a request besides who asks for what: keys and their values.

use super::{Caller, CallerKind};
use gantry_words::Timestamp;

/// Keys with their values, such as `aws:SourceIp`. The names of keys are alike whatever the case of their letters, the part
/// behind the slash of `aws:ResourceTag/env` included.
///
/// A key without values is as one that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: Key,
    values: Box<[Box<str>]>,
}

/// The name of a key, in lower case, with a number by which most others are told apart at a glance: a decision looks keys up
/// hundreds of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    hash: u64,
    name: Box<str>,
}

impl Key {
    pub(super) fn new(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        // FNV-1a. Nothing is lost where two keys share a number: their names are compared then.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Key { hash, name: name.into() }
    }
}

impl Context {
    /// What holds of `caller` whatever it asks for (AWS IAM User Guide, "AWS global condition context keys"):
    /// `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:userid`, and where it has them `aws:PrincipalArn` (of a session:
    /// that of its role), `aws:username`, `sts:RoleSessionName`, `aws:FederatedProvider`.
    pub fn of(caller: &Caller) -> Self {
        let account = caller.account.as_ref().map_or("anonymous", |account| account.as_str());
        let (kind, id) = match caller.kind {
            CallerKind::Root => ("Account", caller.id.to_string()),
            CallerKind::User => ("User", caller.id.to_string()),
            CallerKind::Session => ("AssumedRole", format!("{}:{}", caller.id, caller.name)),
            CallerKind::Federated => ("FederatedUser", caller.id.to_string()),
            CallerKind::Service => ("Service", caller.id.to_string()),
            CallerKind::Anonymous => ("Anonymous", "anonymous".to_string()),
        };
        let context = Context::default()
            .with("aws:PrincipalAccount", [account])
            .with("aws:PrincipalType", [kind])
            .with("aws:userid", [id.as_str()]);
        match caller.kind {
            CallerKind::Root => context.with("aws:PrincipalArn", [&*caller.principal_arn]),
            CallerKind::User => {
                context.with("aws:PrincipalArn", [&*caller.principal_arn]).with("aws:username", [&*caller.name])
            }
            CallerKind::Session => {
                context.with("aws:PrincipalArn", [&*caller.principal_arn]).with("sts:RoleSessionName", [&*caller.name])
            }
            CallerKind::Federated => context.with("aws:FederatedProvider", [&*caller.name]),
            CallerKind::Service | CallerKind::Anonymous => context,
        }
    }

    /// The same, with `aws:CurrentTime` and `aws:EpochTime`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let seconds = now.seconds().to_string();
        self.with("aws:CurrentTime", [now.to_string().as_str()]).with("aws:EpochTime", [seconds.as_str()])
    }

    /// The same, with these values of a key in place of those it had.
    #[must_use]
    pub fn with<'a>(mut self, key: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.set(key, values);
        self
    }

    /// Sets the values of a key.
    pub fn set<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a str>) {
        let (key, values) = (Key::new(key), values.into_iter().map(Box::from).collect());
        match self.0.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.values = values,
            None => self.0.push(Entry { key, values }),
        }
    }

    /// Whether a key has a value.
    pub fn has(&self, name: &str) -> bool {
        !self.values(&Key::new(name)).is_empty()
    }

    /// The values of a key; none where it is not there.
    pub(super) fn values(&self, key: &Key) -> &[Box<str>] {
        self.0.iter().find(|entry| entry.key.hash == key.hash && entry.key == *key).map_or(&[], |entry| &entry.values)
    }

    /// The value that a variable stands for: a key with several has none.
    pub(super) fn variable(&self, key: &Key) -> Option<&str> {
        if let [value] = self.values(key) { Some(value) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(context: &'a Context, key: &str) -> Option<&'a str> {
        context.variable(&Key::new(key))
    }

    #[test]
    fn a_key_is_found_whatever_the_case_of_its_letters() {
        let context = Context::default().with("ECR:ResourceTag/Env", ["prod"]);

        assert_eq!(value(&context, "ecr:resourcetag/env"), Some("prod"));
    }

    #[test]
    fn who_has_no_credentials_has_an_account_called_anonymous_and_no_arn() {
        let context = Context::of(&Caller::anonymous());

        assert_eq!(value(&context, "aws:principalaccount"), Some("anonymous"));
        assert_eq!(value(&context, "aws:principalarn"), None);
        assert_eq!(value(&context, "aws:username"), None);
    }

    #[test]
    fn a_session_has_the_arn_of_its_role_and_an_id_with_its_name() {
        let account = "111111111111".parse().unwrap();

        let context = Context::of(&Caller::session(account, "/ci/", "deploy", "AROA1", "s1"));

        assert_eq!(value(&context, "aws:principalarn"), Some("arn:aws:iam::111111111111:role/ci/deploy"));
        assert_eq!(value(&context, "aws:userid"), Some("AROA1:s1"));
        assert_eq!(value(&context, "aws:username"), None);
    }
}

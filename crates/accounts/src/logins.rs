use crate::{
    Person, Snapshot, SnapshotIdentity, SnapshotPassword, SnapshotToken,
    directory::kept,
    library::{Library, NamedPolicy},
};
use gantry_words::{AccountId, Secret, Timestamp};
use std::{collections::HashMap, sync::Arc};

/// What the ids of passwords and of personal tokens begin with: they stand where those of access keys do.
const PASSWORD_ID_PREFIX: &str = "GTPW";
const TOKEN_ID_PREFIX: &str = "GTPT";

/// Passwords and personal tokens, in memory.
#[derive(Default)]
pub(crate) struct Logins {
    /// By the names of their users, as [`name_key`] has them; those of accounts besides the site's own with the account before,
    /// as `111122223333/ann`.
    passwords: HashMap<Arc<str>, Arc<Password>>,
    /// The same, by the ids of the passwords.
    password_ids: HashMap<Arc<str>, Arc<Password>>,
    /// By their SHA-256.
    tokens: HashMap<Arc<str>, Arc<Token>>,
    /// By their ids.
    token_ids: HashMap<Arc<str>, Arc<Token>>,
}

/// A password.
pub(crate) struct Password {
    account: AccountId,
    user_id: Box<str>,
    pub(crate) id: Box<str>,
    pub(crate) hash: Secret<String>,
    pub(crate) must_change: bool,
}

/// A personal token.
pub(crate) struct Token {
    account: AccountId,
    pub(crate) id: Arc<str>,
    user_id: Box<str>,
    user_key: Box<str>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    limit: Option<NamedPolicy>,
    /// Of somebody from outside: who he is.
    pub(crate) person: Option<Arc<Person>>,
}

/// A name as logins compare it: `Bob`, `bob` and `bob ` are the same.
pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Logins {
    /// Takes those of an account. `is_sites_own`: it is the one whose people need not name it.
    pub(crate) fn take(&mut self, snapshot: &Snapshot, is_sites_own: bool, library: &mut Library) {
        let prefix = if is_sites_own { String::new() } else { format!("{}/", snapshot.account) };
        let name = |one: &SnapshotIdentity| format!("{prefix}{}", name_key(&one.identity.name));
        let names: HashMap<&str, String> =
            snapshot.identities.iter().map(|one| (one.identity.id.as_str(), name(one))).collect();
        for SnapshotPassword { id, user_id, hash, must_change } in &snapshot.passwords {
            let Some(name) = names.get(user_id.as_str()) else { continue };
            let (account, user_id) = (snapshot.account, user_id.as_str().into());
            let (key, hash, must_change) = (id.as_str().into(), hash.clone(), *must_change);
            let password = Arc::new(Password { account, user_id, id: id.as_str().into(), hash, must_change });
            self.passwords.insert(name.as_str().into(), password.clone());
            self.password_ids.insert(key, password);
        }
        for SnapshotToken { id, user_id, hash, policy, created_at, expires_at, person } in &snapshot.personal_tokens {
            let of_person = || person.as_ref().map(|person| format!("{prefix}{}", name_key(&person.name)));
            let Some(name) = names.get(user_id.as_str()).cloned().or_else(of_person) else { continue };
            let token = Arc::new(Token {
                account: snapshot.account,
                id: id.as_str().into(),
                user_id: user_id.as_str().into(),
                user_key: name.as_str().into(),
                created_at: *created_at,
                expires_at: *expires_at,
                person: person.clone(),
                limit: policy.as_ref().map(|policy| library.limit(policy)),
            });
            self.tokens.insert(hash.as_str().into(), token.clone());
            self.token_ids.insert(token.id.clone(), token);
        }
    }

    /// The same without those of accounts that do not stay.
    pub(crate) fn of_accounts(&self, stays: impl Fn(AccountId) -> bool) -> Self {
        Logins {
            passwords: kept(&self.passwords, |_, password| stays(password.account)),
            password_ids: kept(&self.password_ids, |_, password| stays(password.account)),
            tokens: kept(&self.tokens, |_, token| stays(token.account)),
            token_ids: kept(&self.token_ids, |_, token| stays(token.account)),
        }
    }

    /// Whether anybody has a password.
    pub(crate) fn has_passwords(&self) -> bool {
        !self.passwords.is_empty()
    }

    /// Returns the password of whoever has a name, in any case.
    pub(crate) fn password(&self, name: &str) -> Option<Arc<Password>> {
        self.passwords.get(name_key(name).as_str()).cloned()
    }

    /// Returns the personal token of this hash, where its owner has this name and its time is not over.
    pub(crate) fn token(&self, name: &str, hash: &str, now: Timestamp) -> Option<&Arc<Token>> {
        self.tokens.get(hash).filter(|token| *token.user_key == *name_key(name) && now < token.expires_at)
    }

    /// Whether there is a personal token of this id, and its time is not over.
    pub(crate) fn has_token(&self, id: &str, now: Timestamp) -> bool {
        self.token_ids.get(id).is_some_and(|token| now < token.expires_at)
    }

    /// Returns the unique id of the user whose password or personal token this is; none where it is no more.
    pub(crate) fn user(&self, id: &str, now: Timestamp) -> Option<&str> {
        let of_token = || self.token_ids.get(id).filter(|token| now < token.expires_at).map(|token| &*token.user_id);
        self.password_ids.get(id).map(|password| &*password.user_id).or_else(of_token)
    }

    /// Returns what the personal token of this id is narrowed to.
    pub(crate) fn limit(&self, id: &str) -> Limit<'_> {
        if !is_personal_token(id) {
            return Limit::No;
        }
        match self.token_ids.get(id).map(AsRef::as_ref) {
            Some(Token { limit: Some(limit), .. }) => Limit::To(limit),
            Some(Token { limit: None, .. }) => Limit::No,
            None => Limit::Gone,
        }
    }
}

/// What credentials are narrowed to.
pub(crate) enum Limit<'a> {
    /// To nothing less than their owner's rights.
    No,
    /// To what a policy allows.
    To(&'a NamedPolicy),
    /// They are gone, and what they were narrowed to is not known.
    Gone,
}

/// Whether it is the id of a password or of a personal token.
pub(crate) fn is_login(id: &str) -> bool {
    id.starts_with(PASSWORD_ID_PREFIX) || is_personal_token(id)
}

/// Whether it is the id of a personal token.
pub(crate) fn is_personal_token(id: &str) -> bool {
    id.starts_with(TOKEN_ID_PREFIX)
}

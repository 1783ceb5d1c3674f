use crate::{
    Snapshot, SnapshotIdentity, SnapshotPassword, SnapshotToken,
    library::{Library, NamedPolicy},
};
use gantry_words::{Secret, Timestamp};
use std::{collections::HashMap, sync::Arc};

/// What the ids of passwords and of personal tokens begin with: they stand where those of access keys do.
const PASSWORD_ID_PREFIX: &str = "GTPW";
const TOKEN_ID_PREFIX: &str = "GTPT";

/// Passwords and personal tokens, in memory.
#[derive(Default)]
pub(crate) struct Logins {
    /// By the names of their users, as [`name_key`] has them; those of accounts besides the site's own with the account before,
    /// as `111122223333/ann`.
    passwords: HashMap<Box<str>, Arc<Password>>,
    /// The unique ids of users, by the ids of their passwords.
    password_users: HashMap<Box<str>, Box<str>>,
    /// By their SHA-256.
    tokens: HashMap<Box<str>, Arc<Token>>,
    /// By their ids.
    token_ids: HashMap<Box<str>, Arc<Token>>,
}

/// A password.
pub(crate) struct Password {
    pub(crate) id: Box<str>,
    pub(crate) hash: Secret<String>,
    pub(crate) must_change: bool,
}

/// A personal token.
pub(crate) struct Token {
    pub(crate) id: Box<str>,
    user_id: Box<str>,
    user_key: Box<str>,
    expires_at: Timestamp,
    limit: Option<NamedPolicy>,
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
            let password = Password { id: id.as_str().into(), hash: hash.clone(), must_change: *must_change };
            self.passwords.insert(name.as_str().into(), Arc::new(password));
            self.password_users.insert(id.as_str().into(), user_id.as_str().into());
        }
        for SnapshotToken { id, user_id, hash, policy, expires_at } in &snapshot.personal_tokens {
            let Some(name) = names.get(user_id.as_str()) else { continue };
            let token = Arc::new(Token {
                id: id.as_str().into(),
                user_id: user_id.as_str().into(),
                user_key: name.as_str().into(),
                expires_at: *expires_at,
                limit: policy.as_ref().map(|policy| library.limit(policy)),
            });
            self.tokens.insert(hash.as_str().into(), token.clone());
            self.token_ids.insert(token.id.clone(), token);
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

    /// Returns the unique id of the user whose password or personal token this is; none where it is no more.
    pub(crate) fn user(&self, id: &str, now: Timestamp) -> Option<&str> {
        let of_token = || self.token_ids.get(id).filter(|token| now < token.expires_at).map(|token| &*token.user_id);
        self.password_users.get(id).map(AsRef::as_ref).or_else(of_token)
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

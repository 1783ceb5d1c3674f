//! The account as a whole: its alias, and how much there is.

use super::{Identities, IdentityKind, done, faults::invalid, lock};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, identities};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// How much there is in an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountSummary {
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Roles.
    pub roles: u64,
    /// Managed policies of the account's own.
    pub policies: u64,
    /// Access keys of users.
    pub access_keys: u64,
    /// OIDC providers.
    pub oidc_providers: u64,
}

impl Identities {
    /// Returns how much there is in an account.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn account_summary(&self, account: AccountId) -> Result<AccountSummary, Fault> {
        let look = move |rows: &mut Reader| {
            let mut count = |kind: IdentityKind| identities::count(rows, account, kind.as_str());
            let (users, groups, roles) =
                (count(IdentityKind::User)?, count(IdentityKind::Group)?, count(IdentityKind::Role)?);
            Ok(AccountSummary {
                users,
                groups,
                roles,
                policies: identities::policies::count(rows, account)?,
                access_keys: identities::access_keys::count(rows, account)?,
                oidc_providers: identities::providers::all(rows, account)?.len() as u64,
            })
        };
        self.0.metadata.read_long(look).await
    }

    /// Returns the alias of an account.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn account_alias(&self, account: AccountId) -> Result<Option<String>, Fault> {
        self.0.metadata.read(move |rows| identities::alias(rows, account)).await
    }

    /// Gives an account an alias, in the place of the one it has: 3 to 63 of `[a-z0-9-]`, with no hyphen at either end and no
    /// two in a row.
    ///
    /// # Errors
    /// [`FaultKind::InvalidInput`]; [`FaultKind::EntityAlreadyExists`] where another account has it.
    pub async fn set_account_alias(&self, cx: &Cx, alias: &str) -> Result<(), Fault> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_alias = (3..=63).contains(&alias.len())
            && alias.bytes().all(allowed)
            && !alias.starts_with('-')
            && !alias.ends_with('-')
            && !alias.contains("--");
        if !is_alias {
            return Err(invalid(
                "An account alias has 3 to 63 of a-z, 0-9 and -, with no - at either end and no two in a row",
            ));
        }
        self.0.metadata.perform(cx, ChangeAlias::new(cx, alias, true)).await
    }

    /// Takes the alias from an account.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`] where it has another or none.
    pub async fn delete_account_alias(&self, cx: &Cx, alias: &str) -> Result<(), Fault> {
        self.0.metadata.perform(cx, ChangeAlias::new(cx, alias, false)).await
    }
}

struct ChangeAlias {
    account: AccountId,
    alias: String,
    is_set: bool,
    actor: Arc<str>,
}

impl ChangeAlias {
    fn new(cx: &Cx, alias: &str, is_set: bool) -> Self {
        ChangeAlias { account: cx.account, alias: alias.into(), is_set, actor: cx.actor.clone() }
    }
}

impl Act for ChangeAlias {
    /// The alias of the account, and the account of the alias.
    type Seen = (Option<String>, Option<String>);
    /// Whether there is something to do.
    type Plan = bool;
    type Answer = ();
    const NAME: &'static str = "accounts.change_alias";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        // Before the account's own lock, in every act that takes both: an alias is one account's among all.
        rows.lock("account aliases")?;
        lock(rows, self.account)?;
        Ok((identities::alias(rows, self.account)?, identities::aliased(rows, &self.alias)?))
    }

    fn decide(&self, (alias, owner): Self::Seen, _: Timestamp) -> Result<bool, Fault> {
        let alias_is = |kind, what: &str| Err(Fault::new(kind, format!("The account alias {} {what}", self.alias)));
        let is_own = alias.as_deref() == Some(self.alias.as_str());
        match self.is_set {
            true if !is_own && owner.is_some() => alias_is(FaultKind::EntityAlreadyExists, "already exists."),
            true => Ok(!is_own),
            false if is_own => Ok(true),
            false => alias_is(FaultKind::NoSuchEntity, "cannot be found."),
        }
    }

    fn apply(&self, tx: &mut Tx, is_other: bool) -> Result<(), Fault> {
        if !is_other {
            return Ok(());
        }
        match self.is_set {
            true => identities::set_alias(tx, self.account, &self.alias)?,
            false => identities::remove_alias(tx, self.account)?,
        }
        let body = json!({"alias": self.alias, "is_set": self.is_set});
        done(tx, self.account, "account.alias_changed", &self.actor, body)
    }
}

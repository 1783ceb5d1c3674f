use crate::{
    Identities, RootCredentials,
    accounts::Accounts,
    identities::{SnapshotKey, lock},
};
use gantry_access::{Principal, PrincipalKind};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Event, Reader, Tx, accounts as rows, accounts::AccountRow};
use gantry_words::{AccountId, Cx, Timestamp};
use serde_json::json;
use std::{collections::HashSet, sync::Arc};

/// The most accounts of a site: what decisions know of each is in memory.
pub const ACCOUNTS_MAX: usize = 1_000;
/// The longest name of an account, in characters.
pub const ACCOUNT_NAME_CHARS_MAX: usize = 64;
/// All acts on accounts come one after the other.
const LOCK: &str = "accounts";

/// Whether an account lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It does.
    Active,
    /// None of its users, roles and root comes in; what it holds stays, and others pull from it as its policies say.
    Suspended,
}

impl AccountState {
    /// Returns the word for it. It is stored: it never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountState::Active => "active",
            AccountState::Suspended => "suspended",
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "active" => Ok(AccountState::Active),
            "suspended" => Ok(AccountState::Suspended),
            other => Err(Fault::internal(format!("{other:?} is stored as the state of an account"))),
        }
    }
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// Whether it lets anybody in.
    pub state: AccountState,
    /// When it was created; none of the site's own account, which was there before it could be asked.
    pub created_at: Option<Timestamp>,
    /// The access key of its root user, without the secret.
    pub root_access_key_id: String,
}

impl Tenant {
    fn read(row: AccountRow) -> Result<Self, Fault> {
        Ok(Tenant {
            id: row.id,
            name: row.name,
            state: AccountState::parse(&row.state)?,
            created_at: Some(row.created_at),
            root_access_key_id: row.root_key_id,
        })
    }
}

/// An account with the key of its root user, whose secret is shown this once.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// The account.
    pub tenant: Tenant,
    /// The key.
    pub root: RootCredentials,
}

/// What the sealed secret of a root user is for: of another account or key it does not open.
fn purpose(account: AccountId, key_id: &str) -> String {
    format!("root key {account} {key_id}")
}

/// What decisions know of an account.
pub(crate) struct KnownTenant {
    pub(crate) id: AccountId,
    pub(crate) state: AccountState,
    /// As if it were a key of a user whose unique id is the account's, which is how policies know a root user.
    /// None where its secret does not open.
    pub(crate) root: Option<SnapshotKey>,
}

impl Identities {
    /// Returns all accounts besides the site's own, with the keys of their root users.
    pub(crate) async fn tenants(&self) -> Result<Vec<KnownTenant>, Fault> {
        self.metadata().read_long(rows::all).await?.into_iter().map(|row| self.known(row)).collect()
    }

    /// Returns those of them that are among `accounts`.
    pub(crate) async fn tenants_among(&self, accounts: HashSet<AccountId>) -> Result<Vec<KnownTenant>, Fault> {
        let look = move |reader: &mut Reader| {
            let mut found = Vec::new();
            for account in accounts {
                found.extend(rows::find(reader, account)?);
            }
            Ok(found)
        };
        self.metadata().read_long(look).await?.into_iter().map(|row| self.known(row)).collect()
    }

    fn known(&self, row: AccountRow) -> Result<KnownTenant, Fault> {
        let secret = self.open(&purpose(row.id, &row.root_key_id), &row.root_secret);
        if secret.is_none() {
            tracing::error!(
                account = %row.id,
                "the key of the root user of account {} does not open with this site's key: it is not the one that it was sealed with",
                row.id
            );
        }
        let root = secret.map(|secret| SnapshotKey {
            id: row.root_key_id,
            user_id: row.id.to_string(),
            secret,
            previous: None,
            is_active: true,
        });
        Ok(KnownTenant { id: row.id, state: AccountState::parse(&row.state)?, root })
    }
}

impl Accounts {
    /// Creates an account, and the key of its root user.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`] for whoever is not the site's root; [`FaultKind::EntityAlreadyExists`];
    /// [`FaultKind::InvalidInput`] for a name that is none, or where there is no master key; [`FaultKind::IdentityLimitExceeded`].
    pub async fn create_account(
        &self,
        cx: &Cx,
        principal: &Principal,
        id: AccountId,
        name: &str,
    ) -> Result<NewTenant, Fault> {
        self.must_be_site_root(principal)?;
        let is_name = !name.is_empty() && name.chars().count() <= ACCOUNT_NAME_CHARS_MAX;
        if !is_name || name.chars().any(char::is_control) {
            let message =
                format!("The name of an account has 1 to {ACCOUNT_NAME_CHARS_MAX} characters, none of them a control");
            return Err(Fault::new(FaultKind::InvalidInput, message));
        }
        if id == self.site().account {
            return Err(exists(id));
        }
        let root = self.draw_credentials();
        let row = AccountRow {
            id,
            name: name.into(),
            state: AccountState::Active.as_str().into(),
            root_secret: self.seal_root(id, &root)?,
            root_key_id: root.access_key_id.clone(),
            root_key_made_at: cx.now,
            created_at: cx.now,
            created_by: cx.actor.to_string(),
        };
        let tenant = self.change_account(cx, id, Change::Create(row)).await?;
        Ok(NewTenant { tenant, root })
    }

    /// Returns all accounts by id, the site's own among them.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`]; the metadata cannot be read.
    pub async fn list_accounts(&self, principal: &Principal) -> Result<Vec<Tenant>, Fault> {
        self.must_be_site_root(principal)?;
        let others = self.identities().metadata().read_long(rows::all).await?;
        let mut all = others.into_iter().map(Tenant::read).collect::<Result<Vec<_>, _>>()?;
        all.push(self.own());
        all.sort_by_key(|tenant| tenant.id);
        Ok(all)
    }

    /// Returns an account.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`], [`FaultKind::NoSuchEntity`].
    pub async fn load_account(&self, principal: &Principal, id: AccountId) -> Result<Tenant, Fault> {
        self.must_be_site_root(principal)?;
        if id == self.site().account {
            return Ok(self.own());
        }
        let row = self.identities().metadata().read(move |reader| rows::find(reader, id)).await?;
        Tenant::read(row.ok_or_else(|| missing(id))?)
    }

    /// Lets nobody of an account in any more, or lets them in again.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`], [`FaultKind::NoSuchEntity`]; [`FaultKind::InvalidInput`] for the site's own account.
    pub async fn set_account_state(
        &self,
        cx: &Cx,
        principal: &Principal,
        id: AccountId,
        state: AccountState,
    ) -> Result<Tenant, Fault> {
        self.must_be_site_root(principal)?;
        self.must_be_other(id, "suspended")?;
        self.change_account(cx, id, Change::State(state)).await
    }

    /// Gives the root user of an account another key. What came of the one before is worth nothing from then on.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`], [`FaultKind::NoSuchEntity`]; [`FaultKind::InvalidInput`] for the site's own account, whose
    /// key is in no database.
    pub async fn rotate_account_root(&self, cx: &Cx, principal: &Principal, id: AccountId) -> Result<NewTenant, Fault> {
        self.must_be_site_root(principal)?;
        self.must_be_other(id, "given another root key here; put one into its root-credentials file")?;
        let root = self.draw_credentials();
        let change = Change::Root { key_id: root.access_key_id.clone(), sealed: self.seal_root(id, &root)? };
        let tenant = self.change_account(cx, id, change).await?;
        Ok(NewTenant { tenant, root })
    }

    /// Deletes an account that holds nothing any more, with its settings.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`], [`FaultKind::NoSuchEntity`]; [`FaultKind::DeleteConflict`] where it holds something;
    /// [`FaultKind::InvalidInput`] for the site's own account.
    pub async fn delete_account(&self, cx: &Cx, principal: &Principal, id: AccountId) -> Result<(), Fault> {
        self.must_be_site_root(principal)?;
        self.must_be_other(id, "deleted")?;
        self.change_account(cx, id, Change::Delete).await.map(drop)
    }

    /// Whether there is such an account, in any state.
    pub fn knows_account(&self, id: AccountId) -> bool {
        id == self.site().account || self.directory().knows(id)
    }

    fn own(&self) -> Tenant {
        Tenant {
            id: self.site().account,
            name: "default".into(),
            state: AccountState::Active,
            created_at: None,
            root_access_key_id: self.root().access_key_id.clone(),
        }
    }

    fn seal_root(&self, id: AccountId, root: &RootCredentials) -> Result<String, Fault> {
        self.identities().seal(&purpose(id, &root.access_key_id), &root.secret_access_key)
    }

    /// Whether a principal is the root user of the site's own account, who may know of the site as a whole.
    pub fn is_site_root(&self, principal: &Principal) -> bool {
        principal.kind == PrincipalKind::Root && principal.account == self.site().account
    }

    /// Returns for which account somebody asks: for his own, or for another where he is the root user of the site's own account, who
    /// bounds and sees what all of them use.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`]; [`FaultKind::NoSuchEntity`] where there is no such account.
    pub fn asking_for(&self, cx: &Cx, principal: &Principal, account: Option<AccountId>) -> Result<Cx, Fault> {
        let Some(id) = account.filter(|id| *id != cx.account) else { return Ok(cx.clone()) };
        if !self.is_site_root(principal) {
            let message = format!(
                "{} may not ask about account {id}: only the root user of account {} may",
                principal.arn,
                self.site().account
            );
            return Err(Fault::new(FaultKind::AccessDenied, message));
        }
        if !self.knows_account(id) {
            return Err(missing(id));
        }
        Ok(Cx { account: id, ..cx.clone() })
    }

    /// Whoever makes accounts holds the keys to all of them: no policy hands that on.
    fn must_be_site_root(&self, principal: &Principal) -> Result<(), Fault> {
        if self.is_site_root(principal) {
            return Ok(());
        }
        let message = format!(
            "{} may not administer accounts: only the root user of account {} may",
            principal.arn,
            self.site().account
        );
        Err(Fault::new(FaultKind::AccessDenied, message))
    }

    fn must_be_other(&self, id: AccountId, what: &str) -> Result<(), Fault> {
        if id != self.site().account {
            return Ok(());
        }
        Err(Fault::new(FaultKind::InvalidInput, format!("{id} is the site's own account: it cannot be {what}")))
    }

    async fn change_account(&self, cx: &Cx, id: AccountId, change: Change) -> Result<Tenant, Fault> {
        let act = ChangeAccount { id, change, actor: cx.actor.clone() };
        Tenant::read(self.identities().metadata().perform(cx, act).await?)
    }
}

fn exists(id: AccountId) -> Fault {
    Fault::new(FaultKind::EntityAlreadyExists, format!("The account {id} exists already"))
}

fn missing(id: AccountId) -> Fault {
    Fault::new(FaultKind::NoSuchEntity, format!("There is no account {id}"))
}

enum Change {
    Create(AccountRow),
    State(AccountState),
    Root { key_id: String, sealed: String },
    Delete,
}

struct ChangeAccount {
    id: AccountId,
    change: Change,
    actor: Arc<str>,
}

struct Seen {
    found: Option<AccountRow>,
    count: usize,
    /// What it holds, in words.
    held: Vec<String>,
}

/// The account as it is from now on, and what is said of it.
struct Plan {
    row: AccountRow,
    event: &'static str,
}

impl Act for ChangeAccount {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = AccountRow;
    const NAME: &'static str = "accounts.change_account";

    fn gather(&self, reader: &mut Reader) -> Result<Seen, Fault> {
        reader.lock(LOCK)?;
        lock(reader, self.id)?;
        Ok(Seen {
            found: rows::find(reader, self.id)?,
            count: rows::all(reader)?.len(),
            held: rows::held(reader, self.id)?,
        })
    }

    fn decide(&self, seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        let row = match (&self.change, seen.found) {
            (Change::Create(_), Some(_)) => return Err(exists(self.id)),
            (Change::Create(_), None) if seen.count >= ACCOUNTS_MAX => {
                let message = format!("A site has at most {ACCOUNTS_MAX} accounts besides its own");
                return Err(Fault::new(FaultKind::IdentityLimitExceeded, message));
            }
            // What lies there under its number would be its own from then on.
            (Change::Create(row), None) if seen.held.is_empty() => row.clone(),
            (Change::Create(_), None) => {
                let message = format!("{} of an account {} are still in the database", seen.held.join(", "), self.id);
                return Err(Fault::new(FaultKind::DeleteConflict, message));
            }
            (_, None) => return Err(missing(self.id)),
            (Change::State(state), Some(row)) => AccountRow { state: state.as_str().into(), ..row },
            (Change::Root { key_id, sealed }, Some(row)) => {
                AccountRow { root_key_id: key_id.clone(), root_secret: sealed.clone(), root_key_made_at: now, ..row }
            }
            (Change::Delete, Some(row)) if seen.held.is_empty() => row,
            (Change::Delete, Some(_)) => {
                let message =
                    format!("The account {} still holds {}; delete them first", self.id, seen.held.join(", "));
                return Err(Fault::new(FaultKind::DeleteConflict, message));
            }
        };
        let event = match self.change {
            Change::Create(_) => "account.created",
            Change::State(AccountState::Active) => "account.resumed",
            Change::State(AccountState::Suspended) => "account.suspended",
            Change::Root { .. } => "account.root_key_rotated",
            Change::Delete => "account.deleted",
        };
        Ok(Plan { row, event })
    }

    fn apply(&self, tx: &mut Tx, Plan { row, event }: Plan) -> Result<AccountRow, Fault> {
        match self.change {
            Change::Delete => rows::delete(tx, self.id)?,
            Change::Create(_) | Change::State(_) | Change::Root { .. } => rows::put(tx, &row)?,
        }
        let body = json!({"account": self.id, "root_access_key": row.root_key_id, "actor": &*self.actor});
        tx.event(Event { kind: event, repository: None, body })?;
        Ok(row)
    }
}

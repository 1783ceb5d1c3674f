//! Whom a trust policy means: the users and roles that had its ARNs when it was written, and nobody who gets them later.

use super::{Identities, Identity, IdentityKind, faults::malformed, identity};
use gantry_fault::Fault;
use gantry_metadata::{Reader, accounts, identities};
use gantry_words::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The unique ids that the users and roles of a trust policy had when it was written, by ARN: what
/// [`gantry_access::policy::Policy::bound`] asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustBindings {
    ids: BTreeMap<String, String>,
    /// Of single sessions, the unique ids of their roles. A session is more than its role, so it is bound to none while the
    /// role is there.
    sessions: BTreeMap<String, String>,
}

impl TrustBindings {
    /// Returns the unique id of who had the ARN; none for those of accounts that are not here. That of a session of a role of this
    /// account has one in a [`super::Snapshot`] where that role is gone: then it is that role's, which nobody has any more.
    pub fn id_of(&self, arn: &str) -> Option<&str> {
        self.ids.get(arn).map(String::as_str)
    }

    /// Returns the unique id of the role of a session; none of a session that was nobody's.
    pub(crate) fn session_id(&self, arn: &str) -> Option<&str> {
        self.sessions.get(arn).map(String::as_str)
    }

    /// Binds the sessions of roles of an account that are gone to those.
    pub(super) fn settle(&mut self, account: AccountId, is_there: impl Fn(&str) -> bool) {
        let is_own = |arn: &str| account_in(arn) == Some(account);
        let gone = self.sessions.iter().filter(|(arn, id)| is_own(arn) && !is_there(id));
        self.ids.extend(gone.map(|(arn, id)| (arn.clone(), id.clone())));
    }

    pub(super) fn print(&self) -> String {
        serde_json::to_string(self).expect("maps of texts become JSON")
    }

    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| Fault::internal(format!("stored bindings: {error}")))
    }
}

impl Identities {
    /// Returns the trust policy of a role as it counts today: as it was written, but with the present ARN of whom was renamed
    /// since, and with the unique id of whom was deleted, who may come back under that name as somebody else.
    ///
    /// # Errors
    /// The metadata cannot be read; `role` is no role.
    pub async fn shown_trust(&self, role: &Identity) -> Result<String, Fault> {
        let rules = role.role.clone().ok_or_else(|| Fault::internal(format!("{} is no role", role.id)))?;
        let look = move |rows: &mut Reader| {
            let mut moved = BTreeMap::new();
            let TrustBindings { ids, sessions } = rules.bindings;
            for (arn, id) in ids {
                let today = load(rows, &id)?.map_or(id, |found| found.arn());
                if today != arn {
                    moved.insert(arn, today);
                }
            }
            for (arn, id) in sessions {
                if load(rows, &id)?.is_none() {
                    moved.insert(arn, id);
                }
            }
            Ok((rules.trust, moved))
        };
        let (text, moved) = self.0.metadata.read(look).await?;
        if moved.is_empty() { Ok(text) } else { with_principals(&text, &moved) }
    }
}

/// Puts other names for some principals into a trust policy.
fn with_principals(text: &str, moved: &BTreeMap<String, String>) -> Result<String, Fault> {
    let mut document: Value = serde_json::from_str(text).map_err(Fault::internal)?;
    for statement in each(&mut document["Statement"]) {
        let Some(principals) = statement.pointer_mut("/Principal/AWS") else { continue };
        for principal in each(principals) {
            if let Some(today) = principal.as_str().and_then(|arn| moved.get(arn)) {
                *principal = Value::from(today.as_str());
            }
        }
    }
    Ok(document.to_string())
}

/// The items of a list, or the one thing.
fn each(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_mut(one),
    }
}

/// Returns the user or role of any account with this unique id.
fn load(rows: &mut Reader, id: &str) -> Result<Option<Identity>, Fault> {
    let Some(account) = identities::account_of(rows, id)? else { return Ok(None) };
    identities::by_id(rows, account, id)?.map(|row| Identity::read(account, row)).transpose()
}

/// The account that an ARN names.
fn account_in(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4)?.parse().ok()
}

/// A user, a role or a session that a trust policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPrincipal {
    /// The ARN, or the unique id.
    pub(super) text: String,
    naming: Naming,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Naming {
    Identity {
        account: AccountId,
        kind: IdentityKind,
        name: String,
    },
    /// Of a session the ARN says no path.
    Session {
        account: AccountId,
        role: String,
    },
    Id,
}

/// Who a principal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FoundPrincipal {
    /// He who has this unique id.
    Id(String),
    /// Nobody.
    Nobody,
    /// Somebody of an account that is not here.
    Elsewhere,
}

impl NamedPrincipal {
    /// Reads an ARN; `None` where it is of neither.
    pub(super) fn read(arn: &str) -> Option<Self> {
        let account = account_in(arn)?;
        let rest = arn.strip_prefix("arn:aws:")?;
        let naming = match rest.strip_prefix(&format!("sts::{account}:assumed-role/")) {
            Some(session) => Naming::Session { account, role: session.split_once('/')?.0.into() },
            None => {
                let (kind, path) = rest.strip_prefix(&format!("iam::{account}:"))?.split_once('/')?;
                let name = path.rsplit_once('/').map_or(path, |(_, name)| name).into();
                let kind = [IdentityKind::User, IdentityKind::Role].into_iter().find(|one| one.as_str() == kind)?;
                Naming::Identity { account, kind, name }
            }
        };
        Some(NamedPrincipal { text: arn.into(), naming })
    }

    /// One that is named by his unique id.
    pub(super) fn of_id(id: String) -> Self {
        NamedPrincipal { text: id, naming: Naming::Id }
    }

    fn find(&self, rows: &mut Reader, own: AccountId) -> Result<FoundPrincipal, Fault> {
        let (account, found) = match &self.naming {
            Naming::Id => {
                let found = identities::account_of(rows, &self.text)?;
                return Ok(found.map_or(FoundPrincipal::Nobody, |_| FoundPrincipal::Id(self.text.clone())));
            }
            // ARNs are told apart by case.
            Naming::Identity { account, kind, name } => {
                let found = identity::find(rows, *account, *kind, name)?;
                (*account, found.filter(|found| found.arn() == self.text))
            }
            Naming::Session { account, role } => {
                let found = identity::find(rows, *account, IdentityKind::Role, role)?;
                (*account, found.filter(|found| found.name == *role))
            }
        };
        Ok(match found {
            Some(found) => FoundPrincipal::Id(found.id),
            // The site's own account has no row: whoever is nobody there is nobody when it is decided.
            None if account != own && accounts::find(rows, account)?.is_none() => FoundPrincipal::Elsewhere,
            None => FoundPrincipal::Nobody,
        })
    }
}

/// Returns who principals are that a trust policy of the account `own` names, in their order.
pub(super) fn look_up(
    rows: &mut Reader,
    own: AccountId,
    named: &[NamedPrincipal],
) -> Result<Vec<FoundPrincipal>, Fault> {
    named.iter().map(|principal| principal.find(rows, own)).collect()
}

/// Binds principals to their ids.
///
/// # Errors
/// [`gantry_fault::FaultKind::MalformedPolicyDocument`] where one does not exist.
pub(super) fn bind(named: &[NamedPrincipal], found: Vec<FoundPrincipal>) -> Result<TrustBindings, Fault> {
    let mut bindings = TrustBindings::default();
    for (principal, found) in named.iter().zip(found) {
        let text = &principal.text;
        match (found, &principal.naming) {
            (FoundPrincipal::Id(id), Naming::Session { .. }) => drop(bindings.sessions.insert(text.clone(), id)),
            (FoundPrincipal::Id(id), Naming::Identity { .. } | Naming::Id) => {
                bindings.ids.insert(text.clone(), id);
            }
            (FoundPrincipal::Elsewhere, _) => {}
            (FoundPrincipal::Nobody, naming) => {
                let what = match naming {
                    Naming::Identity { account, kind, .. } => {
                        format!("the account {account} has no such {}", kind.as_str())
                    }
                    Naming::Session { account, .. } => format!("the account {account} has no such role"),
                    Naming::Id => "nobody has this unique id".into(),
                };
                return Err(malformed(format!("Invalid principal in policy: \"AWS\":\"{text}\": {what}")));
            }
        }
    }
    Ok(bindings)
}

//! Whom a trust policy means: the users and roles that had its ARNs when it was written, and nobody who gets them later.

use super::{Identities, Identity, IdentityKind, faults::malformed, identity};
use gantry_fault::Fault;
use gantry_metadata::{Reader, identities};
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
    /// Returns the unique id of who had the ARN; none for those of other accounts. That of a session has one in a
    /// [`super::Snapshot`] where its role is gone: then it is that role's, which nobody has any more.
    pub fn id_of(&self, arn: &str) -> Option<&str> {
        self.ids.get(arn).map(String::as_str)
    }

    /// Binds the sessions of roles that are gone to those.
    pub(super) fn settle(&mut self, is_there: impl Fn(&str) -> bool) {
        let gone = self.sessions.iter().filter(|(_, id)| !is_there(id));
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
        let account = role.account;
        let rules = role.role.clone().ok_or_else(|| Fault::internal(format!("{} is no role", role.id)))?;
        let look = move |rows: &mut Reader| {
            let mut moved = BTreeMap::new();
            let TrustBindings { ids, sessions } = rules.bindings;
            for (arn, id) in ids {
                let row = identities::by_id(rows, account, &id)?;
                let today = row.map(|row| Identity::read(account, row)).transpose()?.map_or(id, |found| found.arn());
                if today != arn {
                    moved.insert(arn, today);
                }
            }
            for (arn, id) in sessions {
                if identities::by_id(rows, account, &id)?.is_none() {
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

/// A user, a role or a session of this account that a trust policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPrincipal {
    pub(super) arn: String,
    kind: IdentityKind,
    name: String,
    /// Of a session the ARN says no path.
    is_session: bool,
}

impl NamedPrincipal {
    /// Reads an ARN; `None` where it is of another account.
    pub(super) fn read(arn: &str, account: AccountId) -> Option<Self> {
        let principal =
            |kind, name: &str, is_session| NamedPrincipal { arn: arn.into(), kind, name: name.into(), is_session };
        let rest = arn.strip_prefix("arn:aws:")?;
        if let Some(rest) = rest.strip_prefix(&format!("sts::{account}:assumed-role/")) {
            return rest.split_once('/').map(|(role, _)| principal(IdentityKind::Role, role, true));
        }
        let (kind, path) = rest.strip_prefix(&format!("iam::{account}:"))?.split_once('/')?;
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        match kind {
            "user" => Some(principal(IdentityKind::User, name, false)),
            "role" => Some(principal(IdentityKind::Role, name, false)),
            _ => None,
        }
    }
}

/// Returns the unique ids of principals, in their order; `None` for one that does not exist.
pub(super) fn look_up(
    rows: &mut Reader,
    account: AccountId,
    named: &[NamedPrincipal],
) -> Result<Vec<Option<String>>, Fault> {
    let look = |principal: &NamedPrincipal| {
        let found = identity::find(rows, account, principal.kind, &principal.name)?;
        let is_meant = |arn: String, name: &str| match principal.is_session {
            true => name == principal.name,
            // ARNs are told apart by case.
            false => arn == principal.arn,
        };
        Ok(found.filter(|found| is_meant(found.arn(), &found.name)).map(|found| found.id))
    };
    named.iter().map(look).collect()
}

/// Binds principals to their ids.
///
/// # Errors
/// [`gantry_fault::FaultKind::MalformedPolicyDocument`] where one does not exist.
pub(super) fn bind(named: &[NamedPrincipal], ids: Vec<Option<String>>) -> Result<TrustBindings, Fault> {
    let mut bindings = TrustBindings::default();
    for (principal, id) in named.iter().zip(ids) {
        let arn = &principal.arn;
        let id = id.ok_or_else(|| {
            malformed(format!(
                "Invalid principal in policy: \"AWS\":\"{arn}\": this account has no such {}",
                principal.kind.as_str()
            ))
        })?;
        let bound = if principal.is_session { &mut bindings.sessions } else { &mut bindings.ids };
        bound.insert(arn.clone(), id);
    }
    Ok(bindings)
}

//! Whom a trust policy means: the users and roles that had its ARNs when it was written, and nobody who gets them later.

use super::{Identities, Identity, IdentityKind, faults::malformed, identity};
use gantry_fault::Fault;
use gantry_metadata::{Reader, identities};
use gantry_words::AccountId;
use serde_json::Value;
use std::collections::BTreeMap;

/// The unique ids that the users and roles of a trust policy had when it was written, by ARN: what
/// [`gantry_access::policy::Policy::bound`] asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustBindings(BTreeMap<String, String>);

impl TrustBindings {
    /// Returns the unique id of who had the ARN; none for those of other accounts.
    pub fn id_of(&self, arn: &str) -> Option<&str> {
        self.0.get(arn).map(String::as_str)
    }

    pub(super) fn print(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of texts becomes JSON")
    }

    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let read = serde_json::from_str(text).map(TrustBindings);
        read.map_err(|error| Fault::internal(format!("stored bindings: {error}")))
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
            for (arn, id) in rules.bindings.0 {
                let row = identities::by_id(rows, account, &id)?;
                let today = row.map(|row| Identity::read(account, row)).transpose()?.map_or(id, |found| found.arn());
                if today != arn {
                    moved.insert(arn, today);
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
    /// Of a session the ARN says no path, and it is bound to no id: it stays one session.
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
    let mut bindings = BTreeMap::new();
    for (principal, id) in named.iter().zip(ids) {
        let arn = &principal.arn;
        let id = id.ok_or_else(|| {
            malformed(format!(
                "Invalid principal in policy: \"AWS\":\"{arn}\": this account has no such {}",
                principal.kind.as_str()
            ))
        })?;
        if !principal.is_session {
            bindings.insert(arn.clone(), id);
        }
    }
    Ok(TrustBindings(bindings))
}

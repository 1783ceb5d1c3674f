//! People whom a directory or an identity provider vouches for, and the roles that their groups give them.
//!
//! Nobody from outside is a user here: he is in a session of the role that the first mapping names of which he is in the group,
//! and may what the policies of that role allow. Which of his groups counts is said by the order of the mappings, so that what
//! somebody may is one role's policies, and can be read there.

mod mapping;
mod tokens;

pub use mapping::{RoleMapping, RoleMappingError};

use crate::{accounts::Accounts, page_logins::revoked_person};
use gantry_access::{Principal, RoleSession, Vouched};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest name of a session (AWS STS API, `RoleSessionName`).
const SESSION_NAME_BYTES_MAX: usize = 64;
/// How much of it the id may take: as much as a UUID has.
const ID_CHARS_MAX: usize = 36;

/// Somebody whom a directory or an identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Who vouches for him: `ldap`, or the issuer of an OIDC provider.
    pub provider: String,
    /// What that one calls him for ever: an `entryUUID` or `objectGUID`, or the `sub` of an ID token. Names change, this does not.
    pub id: String,
    /// What he is called, as that one spells it.
    pub name: String,
    /// His groups, as that one writes them: DNs, or values of a claim.
    pub groups: Vec<String>,
}

impl Person {
    /// What his own is kept under, whatever he is called: no unique id of a user reads so.
    pub(crate) fn key(&self) -> String {
        revoked_person(&self.provider, &self.id)
    }
}

impl Accounts {
    /// Says which mappings from groups to roles hold. Where they are never set there are none.
    pub fn set_role_mappings(&self, mappings: Vec<RoleMapping>) {
        self.keep_role_mappings(mappings);
    }

    /// Returns who a person is here, who has just logged in, until `until`: a session of the role of the first mapping that means one of his groups and
    /// whose role is there. The session has the person's name and id; `aws:SourceIdentity` is his id, and `aws:FederatedProvider` who
    /// vouches for him.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`]: none of his groups gives him a role.
    pub fn principal_of_person(&self, person: &Person, until: Timestamp, now: Timestamp) -> Result<Principal, Fault> {
        let principal = self.principal_since(person, now, until, now)?;
        let vouched = Arc::new(Vouched { name: person.name.as_str().into(), groups: person.groups.clone() });
        let session = principal.role_session.as_deref().cloned();
        let session = session.map(|session| Arc::new(RoleSession { vouched: Some(vouched), ..session }));
        Ok(Principal { role_session: session, ..principal })
    }

    /// The same of somebody who logged in at `began_at`: with sessions of the role that are revoked his is, too.
    pub(crate) fn principal_since(
        &self,
        person: &Person,
        began_at: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Principal, Fault> {
        let directory = self.directory();
        let account = self.site().account;
        let mappings = self.role_mappings();
        let roles = mappings.iter().filter(|mapping| mapping.means(person));
        let role = roles.filter_map(|mapping| directory.role(&mapping.role_arn(account))).next();
        let session = role.map(|role| RoleSession {
            role_id: role.identity.id.as_str().into(),
            name: session_name(person).into(),
            policies: Vec::new(),
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_keys: Vec::new(),
            source_identity: Some(person.id.as_str().into()),
            provider: Some(person.provider.as_str().into()),
            issued_at: began_at.millis(),
            expires_at: until.millis(),
            vouched: None,
        });
        session.and_then(|session| directory.session(session, now)).ok_or_else(|| {
            let message =
                "You are known, but none of your groups gives you a role here; an administrator maps groups to roles";
            Fault::new(FaultKind::AccessDenied, message)
        })
    }
}

/// A person's name and id as sessions have it, so that the audit shows both (AWS STS API, `RoleSessionName`: 2 to 64 of
/// `[A-Za-z0-9_+=,.@-]`): `ann+7d0f1c2e-…`. What does not fit of the name is cut; an id that does not fit
/// is hashed, since what is left of it could be another's too.
fn session_name(person: &Person) -> String {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "_=,.@-".contains(char);
    let fit = |text: &str, chars_max: usize| -> String {
        text.chars().map(|char| if allowed(char) { char } else { '_' }).take(chars_max).collect()
    };
    let id = fit(&person.id, ID_CHARS_MAX);
    let id = if id == person.id { id } else { gantry_access::fingerprint(person.id.as_bytes())[..32].to_string() };
    format!("{}+{id}", fit(&person.name, SESSION_NAME_BYTES_MAX - 1 - id.len()))
}

#[cfg(test)]
mod tests;

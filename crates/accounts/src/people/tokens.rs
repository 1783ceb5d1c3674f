//! Personal tokens of people from outside.
//!
//! A provider says who somebody is when he logs in, and cannot be asked later whether it still means him. So such a token carries
//! the groups of the login at which it was made, lives ninety days at most, and the mappings of the moment say what it gives.

use super::Person;
use crate::{Accounts, TokenOwner, logins::Token};
use gantry_access::{Access, Action, Principal};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Period, Timestamp};
use std::sync::Arc;

/// How long the token of somebody from outside may live at most, whatever is set.
const LIFETIME_MAX: Period = Period::hours(90 * 24);

impl Accounts {
    /// Returns who has just logged in with the password that a directory knows; none where somebody came otherwise.
    pub fn vouched_person(&self, principal: &Principal) -> Option<Person> {
        let session = principal.role_session.as_ref().filter(|_| principal.scopes.is_none())?;
        let vouched = session.vouched.as_ref()?;
        let (provider, id) = (session.provider.as_deref()?.into(), session.source_identity.as_deref()?.into());
        Some(Person { provider, id, name: vouched.name.to_string(), groups: vouched.groups.clone() })
    }

    /// Whose the tokens of somebody from outside are. Only those of his groups go with them that give a role.
    pub fn owner_of_tokens(&self, person: &Person) -> TokenOwner {
        let mappings = self.role_mappings();
        let counts = |group: &String| {
            let alone = Person { groups: vec![group.clone()], ..person.clone() };
            mappings.iter().any(|mapping| mapping.means(&alone))
        };
        let groups = person.groups.iter().filter(|group| counts(group)).cloned().collect();
        TokenOwner::Person(Arc::new(Person { groups, ..person.clone() }))
    }

    /// How long the tokens of people from outside may live.
    pub fn person_token_lifetime_max(&self) -> Period {
        self.personal_token_lifetime_max().min(LIFETIME_MAX)
    }

    /// What is asked of somebody from outside about his own tokens; everybody may, unless a policy denies it.
    pub fn access_to_own_tokens(action: Action, arn: &str) -> Access {
        Access::of(action, "iam", format!("session/{}", arn.rsplit('/').next().unwrap_or_default()))
    }

    /// Whether somebody from outside may do this with his own tokens.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`].
    pub(crate) fn admit_to_own_tokens(&self, principal: &Principal, action: Action) -> Result<(), Fault> {
        let needs = [Accounts::access_to_own_tokens(action, &principal.arn)];
        let denied = self.authorize(principal, &needs).map(drop);
        denied.map_err(|refusal| Fault::new(FaultKind::AccessDenied, refusal.message()))
    }

    /// Returns who comes with a token of somebody from outside; none where none of its groups gives him a role any more, or what
    /// he began before now was ended.
    pub(crate) fn person_with_token(&self, person: &Person, token: &Token, now: Timestamp) -> Option<Principal> {
        let principal = self.principal_since(person, token.created_at, token.expires_at, now).ok()?;
        Some(Principal { access_key_id: token.id.clone(), ..principal })
    }
}

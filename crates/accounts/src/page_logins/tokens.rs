//! Personal tokens of people who are logged in at the pages.

use super::{Logins, PageSession};
use crate::{NewPersonalToken, Person, PersonalToken};
use gantry_access::action;
use gantry_fault::Fault;
use gantry_words::{Cx, Period, Secret};

impl Logins {
    /// Returns the personal tokens of somebody who is logged in.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn tokens(&self, session: &PageSession, cx: &Cx) -> Result<Vec<PersonalToken>, Fault> {
        let accounts = &self.0.accounts;
        if accounts.admit_to_own_tokens(session.principal(), action::GANTRY_LIST_TOKENS).is_err() {
            return Ok(Vec::new());
        }
        let owner = accounts.owner_of_tokens(&Person::known(session.person()));
        accounts.identities().list_personal_tokens(cx.account, owner).await
    }

    /// Makes a personal token that stands for somebody who is logged in, with the groups of this login; it is shown this once.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::AccessDenied`]; those of [`crate::Identities::create_personal_token`].
    pub async fn make_token(
        &self,
        session: &PageSession,
        cx: &Cx,
        name: &str,
        lifetime: Period,
    ) -> Result<(PersonalToken, Secret<String>), Fault> {
        let accounts = &self.0.accounts;
        accounts.admit_to_own_tokens(session.principal(), action::GANTRY_CREATE_TOKEN)?;
        let new = NewPersonalToken {
            owner: accounts.owner_of_tokens(&Person::known(session.person())),
            name: name.into(),
            lifetime: lifetime.duration(),
            lifetime_max: self.token_lifetime_max(),
            policy: None,
        };
        accounts.identities().create_personal_token(&session.cx(cx), new).await
    }

    /// Removes a personal token of somebody who is logged in.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::AccessDenied`], [`gantry_fault::FaultKind::NoSuchEntity`].
    pub async fn revoke_token(&self, session: &PageSession, cx: &Cx, id: &str) -> Result<PersonalToken, Fault> {
        let accounts = &self.0.accounts;
        accounts.admit_to_own_tokens(session.principal(), action::GANTRY_REVOKE_TOKEN)?;
        let owner = accounts.owner_of_tokens(&Person::known(session.person()));
        accounts.identities().revoke_personal_token(&session.cx(cx), owner, id).await
    }

    /// How long such a token may live.
    pub fn token_lifetime_max(&self) -> Period {
        self.0.accounts.person_token_lifetime_max()
    }
}

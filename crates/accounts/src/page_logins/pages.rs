use super::Logins;
use crate::{Accounts, Person};
use gantry_access::{
    Principal,
    login::{ProviderPerson, Ticket},
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Trail, Tx, Write,
    page_sessions::{self, PageSessionRow},
};
use gantry_words::{AccountId, Cx, Timestamp};
use std::time::Duration;

/// How often it is written down that a session is used.
const TOUCHED_EVERY: Duration = Duration::from_secs(60);
/// The longest session of a role.
const ROLE_SESSION_MAX: Duration = Duration::from_secs(crate::ROLE_SECONDS_MAX);

/// Who is logged in at the pages.
#[derive(Clone, Debug)]
pub struct PageSession {
    ticket: Ticket,
    person: ProviderPerson,
    principal: Principal,
    opened_at: Timestamp,
    ends_at: Timestamp,
}

impl PageSession {
    /// What the browser carries.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// How he is shown.
    pub fn name(&self) -> &str {
        &self.person.name
    }

    /// The URL of the provider that vouches for him.
    pub fn issuer(&self) -> &str {
        &self.person.issuer
    }

    /// What the provider calls him.
    pub fn subject(&self) -> &str {
        &self.person.subject
    }

    /// Who he is here: a session of a role.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// When he logged in.
    pub(super) fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// When the session ends, however much it is used.
    pub fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    pub(super) fn person(&self) -> &ProviderPerson {
        &self.person
    }

    /// Who acts, for the trail.
    pub(super) fn cx(&self, cx: &Cx) -> Cx {
        Cx { actor: self.principal.arn.clone(), ..cx.clone() }
    }
}

impl Logins {
    pub(super) async fn open_session(&self, person: ProviderPerson, cx: &Cx) -> Result<PageSession, Fault> {
        let principal = self.0.accounts.person_as_role(&person, cx.now, cx.now)?;
        let ticket = Ticket::draw(&self.0.env.random());
        let ends_at = cx.now.plus(self.0.settings.session_lifetime.duration());
        let row = PageSessionRow {
            hash: ticket.hash(),
            issuer: person.issuer.clone(),
            subject: person.subject.clone(),
            name: person.name.clone(),
            groups: serde_json::to_string(&person.groups).expect("texts become JSON"),
            opened_at: cx.now,
            used_at: cx.now,
            ends_at,
        };
        let session = PageSession { ticket, person, principal, opened_at: cx.now, ends_at };
        let cx = session.cx(cx);
        self.0.metadata.perform(&cx, OpenPageSession { account: cx.account, row }).await?;
        tracing::info!(principal = %cx.actor, name = session.name(), subject = session.subject(), "logged in at the pages");
        Ok(session)
    }

    /// Says who is logged in by what his browser carries; none where nobody is, or no more.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn session(&self, ticket: &str, cx: &Cx) -> Result<Option<PageSession>, Fault> {
        let Some(ticket) = Ticket::parse(ticket) else { return Ok(None) };
        let (account, hash) = (cx.account, ticket.hash());
        let asked = hash.clone();
        let found = self.0.metadata.read(move |rows| page_sessions::find(rows, account, &asked)).await?;
        let idle = self.0.settings.session_idle.duration();
        let Some(row) = found.filter(|row| is_alive(row, idle, cx.now)) else { return Ok(None) };
        if cx.now.since(row.used_at) >= TOUCHED_EVERY {
            self.0.metadata.perform(cx, TouchPageSession { hash }).await?;
        }
        let groups = serde_json::from_str(&row.groups)
            .map_err(|error| Fault::internal(format!("the groups of a session cannot be read: {error}")))?;
        let person = ProviderPerson { issuer: row.issuer, subject: row.subject, name: row.name, groups };
        let (opened_at, ends_at) = (row.opened_at, row.ends_at);
        match self.0.accounts.person_as_role(&person, opened_at, cx.now) {
            Ok(principal) => Ok(Some(PageSession { ticket, person, principal, opened_at, ends_at })),
            // His role was taken away since, or its sessions were revoked.
            Err(fault) if fault.kind == FaultKind::AccessDenied => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Writes down that somebody was given credentials.
    pub(super) async fn note_credentials(&self, session: &PageSession, cx: &Cx) -> Result<(), Fault> {
        let act = NoteCredentials { hash: session.ticket.hash() };
        self.0.metadata.perform(&session.cx(cx), act).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The metadata cannot be written.
    pub async fn log_out(&self, session: &PageSession, cx: &Cx) -> Result<(), Fault> {
        let act = ClosePageSession { hash: session.ticket.hash() };
        self.0.metadata.perform(&session.cx(cx), act).await
    }
}

/// Whether a session may still be used: its end has not come, and it was used within `idle`.
fn is_alive(row: &PageSessionRow, idle: Duration, now: Timestamp) -> bool {
    now < row.ends_at && now < row.used_at.plus(idle)
}

impl Person {
    /// Somebody whom an identity provider vouches for.
    pub(super) fn known(person: &ProviderPerson) -> Self {
        Person {
            provider: person.issuer.clone(),
            id: person.subject.clone(),
            // Names are not each one's own at a provider; a session's name is, so that nobody passes for another.
            name: person.session_name(),
            groups: person.groups.clone(),
        }
    }
}

impl Accounts {
    /// Lets somebody who logged in at `began_at` be the role that his groups give him, for as long as a session of it may last.
    ///
    /// # Errors
    /// [`FaultKind::AccessDenied`]: none of them gives him one, or the sessions of the role were revoked since.
    pub(crate) fn person_as_role(
        &self,
        person: &ProviderPerson,
        began_at: Timestamp,
        now: Timestamp,
    ) -> Result<Principal, Fault> {
        let known = Person::known(person);
        let longest = self.principal_since(&known, began_at, now.plus(ROLE_SESSION_MAX), now)?;
        let role_id = longest.role_session.as_ref().map(|session| session.role_id.clone()).unwrap_or_default();
        let directory = self.directory();
        let rules = directory.person(&role_id).and_then(|role| role.identity.role.as_ref());
        let seconds = rules.map_or(0, |rules| u64::from(rules.session_seconds_max));
        let until = now.plus(ROLE_SESSION_MAX.min(Duration::from_secs(seconds)));
        self.principal_since(&known, began_at, until, now)
    }
}

/// Writes down that somebody has logged in.
struct OpenPageSession {
    account: AccountId,
    row: PageSessionRow,
}

impl Write for OpenPageSession {
    type Answer = ();
    const NAME: &'static str = "logins.open_page_session";
    const UNLOCKED: &'static str = "The row is new, by a random number";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        page_sessions::forget(tx, now)?;
        page_sessions::add(tx, self.account, &self.row)
    }
}

/// Writes down that a session is used.
struct TouchPageSession {
    hash: String,
}

impl Write for TouchPageSession {
    type Answer = ();
    const NAME: &'static str = "logins.touch_page_session";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = "The time only grows, and a session that is gone stays so";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        page_sessions::touch(tx, &self.hash, now)
    }
}

/// Writes down that credentials were made in a session: a row of the trail, by whoever's it is.
struct NoteCredentials {
    hash: String,
}

impl Write for NoteCredentials {
    type Answer = ();
    const NAME: &'static str = "logins.make_credentials";
    const UNLOCKED: &'static str = "The time only grows, and a session that is gone stays so";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        page_sessions::touch(tx, &self.hash, now)
    }
}

/// Ends a session.
struct ClosePageSession {
    hash: String,
}

impl Write for ClosePageSession {
    type Answer = ();
    const NAME: &'static str = "logins.close_page_session";
    const UNLOCKED: &'static str = "A session that is gone is gone";

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        page_sessions::delete(tx, &self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_unused_or_at_its_end() {
        const HOUR: Duration = Duration::from_secs(3600);
        let opened_at = Timestamp::from_millis(1_795_257_600_000);
        let row = |used_after: u32| PageSessionRow {
            hash: String::new(),
            issuer: String::new(),
            subject: String::new(),
            name: String::new(),
            groups: String::new(),
            opened_at,
            used_at: opened_at.plus(HOUR * used_after),
            ends_at: opened_at.plus(HOUR * 24),
        };
        let alive = |used_after: u32, seconds: u64| {
            is_alive(&row(used_after), HOUR * 8, opened_at.plus(Duration::from_secs(seconds)))
        };

        assert!(alive(0, 0) && alive(0, 8 * 3600 - 1) && alive(16, 24 * 3600 - 1));
        assert!(!alive(0, 8 * 3600) && !alive(20, 24 * 3600));
    }
}

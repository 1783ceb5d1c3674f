//! Who is logged in, for whoever administers: listed, and ended.

use super::Logins;
use gantry_access::login::ProviderPerson;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Locks, Reader, Tx,
    device_logins::{self, DeviceLoginRow},
    identities,
    page_sessions::{self, PageSessionRow},
};
use gantry_words::{AccountId, Cx, Page, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// How much of a hash stands for a session: as much as nobody guesses.
const ID_CHARS: usize = 16;
/// The most terminals that are listed.
const TERMINALS_MAX: usize = 1_000;

/// What of somebody is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenSessionKind {
    /// A session at the pages.
    Page,
    /// A terminal that waits to be let in, or was and has not fetched its credentials yet.
    Terminal,
}

/// Somebody who is logged in at the pages, or a terminal that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// What it is ended by.
    pub id: String,
    /// What it is.
    pub kind: OpenSessionKind,
    /// Who: nobody where a terminal waits still.
    pub person: Option<ProviderPerson>,
    /// What a terminal calls itself.
    pub program: Option<String>,
    /// Where a terminal asked from.
    pub source: Option<String>,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it was last used, within a minute.
    pub used_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
}

impl Logins {
    /// Returns a page of those who are logged in, by id, `after` one, and on the first page the terminals that wait.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn list_sessions(&self, cx: &Cx, after: &str, count: usize) -> Result<Page<OpenSession>, Fault> {
        let (account, now, behind) = (cx.account, cx.now, after.to_string());
        let idle = i64::try_from(self.0.settings.session_idle.duration().as_millis()).unwrap_or(i64::MAX);
        let used_after = Timestamp::from_millis(now.millis().saturating_sub(idle));
        let look = move |rows: &mut Reader| {
            let terminals = match behind.is_empty() {
                true => device_logins::list(rows, account, now, TERMINALS_MAX)?,
                false => Vec::new(),
            };
            // Behind all hashes that begin with it, which are hexadecimal.
            let behind = if behind.is_empty() { behind } else { format!("{behind}g") };
            Ok((page_sessions::list(rows, account, &behind, now, used_after, count + 1)?, terminals))
        };
        let (sessions, terminals) = self.0.metadata.read_long(look).await?;
        let mut page = Page::cut(sessions, count).map(OpenSession::of_page);
        page.items.extend(terminals.into_iter().map(OpenSession::of_terminal));
        Ok(page)
    }

    /// Ends what has this id. With a session at the pages all sessions of its person end, and what was made of them: passwords,
    /// tokens and credentials of terminals. He may log in again while his provider lets him.
    ///
    /// # Errors
    /// [`FaultKind::NoSuchEntity`].
    pub async fn end_session(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let is_id = id.len() == ID_CHARS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(no_session(id));
        }
        let act = EndSession { account: cx.account, id: id.into(), actor: cx.actor.clone() };
        self.0.metadata.perform(cx, act).await
    }
}

fn no_session(id: &str) -> Fault {
    let id: String = id.chars().take(ID_CHARS).collect();
    Fault::new(FaultKind::NoSuchEntity, format!("There is no session {id}: it has ended, or never was"))
}

fn id_of(hash: &str) -> String {
    hash.chars().take(ID_CHARS).collect()
}

/// What stands for a person whose sessions are revoked, where for a role its unique id does. `id` is what `provider` calls him.
pub(crate) fn revoked_person(provider: &str, id: &str) -> String {
    format!("person {provider} {id}")
}

impl OpenSession {
    fn of_page(row: PageSessionRow) -> Self {
        let groups = serde_json::from_str(&row.groups).unwrap_or_default();
        OpenSession {
            id: id_of(&row.hash),
            kind: OpenSessionKind::Page,
            person: Some(ProviderPerson { issuer: row.issuer, subject: row.subject, name: row.name, groups }),
            program: None,
            source: None,
            opened_at: row.opened_at,
            used_at: row.used_at,
            ends_at: row.ends_at,
        }
    }

    fn of_terminal(row: DeviceLoginRow) -> Self {
        OpenSession {
            id: id_of(&row.device_hash),
            kind: OpenSessionKind::Terminal,
            person: row.approver.and_then(|text| serde_json::from_str(&text).ok()),
            program: Some(row.program),
            source: Some(row.source),
            opened_at: row.asked_at,
            used_at: row.polled_at,
            ends_at: row.ends_at,
        }
    }
}

struct EndSession {
    account: AccountId,
    id: String,
    actor: Arc<str>,
}

/// What has the id.
enum Found {
    Page(PageSessionRow),
    Terminal(DeviceLoginRow),
}

/// The same, with the moment before which what a person began is worth nothing.
struct Plan(Found, Timestamp);

impl Act for EndSession {
    type Seen = Option<Found>;
    type Plan = Plan;
    type Answer = ();
    const NAME: &'static str = "logins.end_session";
    const LOCKS: Locks = Locks::Unlocked("What is gone is gone, and the moment is now");

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        if let Some(row) = page_sessions::find_by_prefix(rows, self.account, &self.id)? {
            return Ok(Some(Found::Page(row)));
        }
        Ok(device_logins::find_by_prefix(rows, self.account, &self.id)?.map(Found::Terminal))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Plan, Fault> {
        // What began within this millisecond too.
        let before = now.plus(Duration::from_millis(1));
        seen.map(|found| Plan(found, before)).ok_or_else(|| no_session(&self.id))
    }

    fn apply(&self, tx: &mut Tx, Plan(found, before): Plan) -> Result<(), Fault> {
        let body = match found {
            Found::Page(row) => {
                page_sessions::delete_of(tx, self.account, &row.issuer, &row.subject)?;
                let person = revoked_person(&row.issuer, &row.subject);
                identities::sessions::revoke(tx, self.account, &person, before)?;
                identities::raise_revision(tx, self.account)?;
                json!({"name": row.name, "issuer": row.issuer, "subject": row.subject, "actor": &*self.actor})
            }
            Found::Terminal(row) => {
                device_logins::delete(tx, &row.device_hash)?;
                json!({"program": row.program, "source": row.source, "actor": &*self.actor})
            }
        };
        tx.event(Event { kind: "login.ended", repository: None, body })
    }
}

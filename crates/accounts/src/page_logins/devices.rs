use super::{Logins, PageSession, TerminalCredentials};
use crate::failures::network;
use gantry_access::login::{ProviderPerson, Ticket, UserCode};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Locks, Reader, Trail, Tx,
    device_logins::{self, DeviceLoginRow},
};
use gantry_words::{AccountId, Cx, Secret, Timestamp};
use std::{net::IpAddr, sync::atomic::Ordering::Relaxed, time::Duration};

/// How long a terminal waits for a person.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How long it has to wait between two questions, at first.
const INTERVAL_SECONDS: u64 = 5;
/// By how much longer after a question that came too soon (RFC 8628 section 3.5).
const INTERVAL_SECONDS_MORE: u64 = 5;
const INTERVAL_SECONDS_MAX: u64 = 60;
/// How much sooner a question may come for the clocks' sake.
const LEEWAY: Duration = Duration::from_millis(500);
/// How many terminals may wait at once: in all, and from one address. Anybody may ask.
const WAITING_MAX: u64 = 1_000;
const WAITING_OF_SOURCE_MAX: u64 = 20;
const PROGRAM_CHARS_MAX: usize = 100;

const WAITING: &str = "waiting";
const APPROVED: &str = "approved";
const REFUSED: &str = "refused";

/// What a terminal gets that wants to be let in.
#[derive(Debug)]
pub struct DeviceAsked {
    /// What it carries.
    pub device_code: Secret<String>,
    /// What the person types.
    pub user_code: String,
    /// Where he does.
    pub url: String,
    /// How long it waits, in seconds.
    pub expires_in_seconds: u64,
    /// How long it has to wait between two questions, in seconds.
    pub interval_seconds: u64,
}

/// What has come of it.
#[derive(Debug)]
pub enum DevicePoll {
    /// Nothing yet.
    Waiting,
    /// The question came too soon; from now on so many seconds lie between two.
    SlowDown(u64),
    /// The person says no.
    Refused,
    /// It is too late, or never was.
    Expired,
    /// The person says yes. This is told once.
    Approved(TerminalCredentials),
}

/// A terminal that waits, for the person to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingDevice {
    /// What it calls itself.
    pub program: String,
    /// The address it asked from; empty where that is not known.
    pub source: String,
    /// When it asked.
    pub asked_at: Timestamp,
}

impl Logins {
    /// Lets a terminal wait for a person. `program` is what it calls itself; anybody may say anything.
    ///
    /// # Errors
    /// [`FaultKind::RouteNotFound`] where there are no logins; [`FaultKind::TooManyRequests`] where too many wait.
    pub async fn ask_for_device(&self, program: &str, cx: &Cx) -> Result<DeviceAsked, Fault> {
        self.0.providers_at.first().ok_or_else(super::no_provider)?;
        let (ticket, code) = (Ticket::draw(&self.0.env.random()), UserCode::draw(&self.0.env.random()));
        let program = program.chars().filter(|c| !c.is_control()).take(PROGRAM_CHARS_MAX).collect();
        let row = DeviceLoginRow {
            device_hash: ticket.hash(),
            user_hash: code.hash(),
            program,
            source: printed(cx.source),
            state: WAITING.into(),
            asked_at: cx.now,
            ends_at: cx.now.plus(LIFETIME),
            polled_at: cx.now,
            interval_seconds: INTERVAL_SECONDS,
            approver: None,
        };
        self.0.metadata.perform(cx, AskForDevice { account: cx.account, row }).await?;
        Ok(DeviceAsked {
            device_code: Secret::new(ticket.reveal().into()),
            user_code: code.to_string(),
            url: format!("{}/ui/device", self.0.settings.base()),
            expires_in_seconds: LIFETIME.as_secs(),
            interval_seconds: INTERVAL_SECONDS,
        })
    }

    /// Finds the terminal whose code somebody has typed.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where none waits with it; [`FaultKind::TooManyRequests`] after five such from an address.
    pub async fn find_device(&self, typed: &str, cx: &Cx) -> Result<WaitingDevice, Fault> {
        let (_, row) = self.waiting(typed, cx).await?;
        Ok(WaitingDevice { program: row.program, source: row.source, asked_at: row.asked_at })
    }

    /// Writes down whether somebody lets a terminal in.
    ///
    /// # Errors
    /// As [`Logins::find_device`].
    pub async fn answer_device(&self, session: &PageSession, typed: &str, lets_in: bool, cx: &Cx) -> Result<(), Fault> {
        let (user_hash, _) = self.waiting(typed, cx).await?;
        let approver = serde_json::to_string(session.person()).expect("texts become JSON");
        let approver = lets_in.then_some(approver);
        let act = AnswerDevice { account: cx.account, user_hash, approver };
        self.0.metadata.perform(&session.cx(cx), act).await
    }

    async fn waiting(&self, typed: &str, cx: &Cx) -> Result<(String, DeviceLoginRow), Fault> {
        let now = self.0.env.elapsed();
        if let Some(wait) = self.0.guesses.wait(cx.source, now) {
            let message = format!("Too many codes were wrong; try again in {} minutes", wait.as_secs().div_ceil(60));
            return Err(Fault::new(FaultKind::TooManyRequests, message));
        }
        let code = UserCode::parse(typed).map(|code| code.hash());
        let row = match code.clone() {
            Some(hash) => {
                let account = cx.account;
                self.0.metadata.read(move |rows| device_logins::find_by_code(rows, account, &hash)).await?
            }
            None => None,
        };
        let row = row.filter(|row| is_waiting(row, cx.now));
        code.zip(row).ok_or_else(|| {
            self.0.guesses.note(cx.source, now);
            code_unknown()
        })
    }

    /// Tells a terminal what has come of it.
    ///
    /// # Errors
    /// The metadata cannot be read or written; [`FaultKind::AccessDenied`] where the person's role is no more.
    pub async fn poll_device(&self, device_code: &str, cx: &Cx) -> Result<DevicePoll, Fault> {
        let Some(ticket) = Ticket::parse(device_code) else { return Ok(DevicePoll::Expired) };
        let (account, device_hash) = (cx.account, ticket.hash());
        // Anybody may ask anything: what nobody was given costs no turn at the writer.
        let asked = device_hash.clone();
        let Some(row) = self.0.metadata.read(move |rows| device_logins::find(rows, account, &asked)).await? else {
            return Ok(DevicePoll::Expired);
        };
        // Nor does whoever asks too soon again and again, once there is no longer wait to be told.
        if row.interval_seconds >= INTERVAL_SECONDS_MAX
            && let Polled::TooSoon(seconds) = polled(Some(&row), cx.now)
        {
            return Ok(DevicePoll::SlowDown(seconds));
        }
        let polled = self.0.metadata.perform(cx, NotePoll { account, device_hash: device_hash.clone() }).await?;
        let answer = match polled {
            Polled::Waiting => return Ok(DevicePoll::Waiting),
            Polled::TooSoon(seconds) => return Ok(DevicePoll::SlowDown(seconds)),
            Polled::Refused => return Ok(DevicePoll::Refused),
            Polled::Gone => return Ok(DevicePoll::Expired),
            Polled::Approved(approver) => approver,
        };
        let person: ProviderPerson = serde_json::from_str(&answer)
            .map_err(|error| Fault::internal(format!("who approved a terminal cannot be read: {error}")))?;
        let credentials = self.credentials_of(&person, row.asked_at, cx.now)?;
        let cx = Cx { actor: credentials.arn.clone(), ..cx.clone() };
        // Whoever removes the row has the credentials: of two that ask at once, one.
        if !self.0.metadata.perform(&cx, RedeemDevice { account, device_hash }).await? {
            return Ok(DevicePoll::Expired);
        }
        self.0.totals.devices.fetch_add(1, Relaxed);
        Ok(DevicePoll::Approved(credentials))
    }
}

fn is_waiting(row: &DeviceLoginRow, now: Timestamp) -> bool {
    row.state == WAITING && now < row.ends_at
}

fn code_unknown() -> Fault {
    let message =
        "No terminal waits with this code. Compare it with what the terminal shows; it is good for ten minutes";
    Fault::new(FaultKind::InvalidParameter, message)
}

/// An address as it is shown and counted by: of IPv6 the network of 64 bits, which is one customer's.
fn printed(source: Option<IpAddr>) -> String {
    match network(source) {
        Some(IpAddr::V6(address)) => format!("{address}/64"),
        Some(address) => address.to_string(),
        None => String::new(),
    }
}

/// Lets a terminal wait.
struct AskForDevice {
    account: AccountId,
    row: DeviceLoginRow,
}

impl Act for AskForDevice {
    /// How many wait: in all, and from its address.
    type Seen = (u64, u64);
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "logins.ask_for_device";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(u64, u64), Fault> {
        rows.lock("device-logins")?;
        device_logins::count(rows, &self.row.source, self.row.asked_at)
    }

    fn decide(&self, (all, own): (u64, u64), _: Timestamp) -> Result<(), Fault> {
        if all < WAITING_MAX && own < WAITING_OF_SOURCE_MAX {
            return Ok(());
        }
        let message = "Too many terminals wait to be let in; try again in a few minutes";
        Err(Fault::new(FaultKind::TooManyRequests, message))
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        let now = tx.now();
        device_logins::forget(tx, now)?;
        device_logins::add(tx, self.account, &self.row)
    }
}

/// Writes down what a person has said of a terminal.
struct AnswerDevice {
    account: AccountId,
    user_hash: String,
    /// Who lets it in; nobody does where this is none.
    approver: Option<String>,
}

impl Act for AnswerDevice {
    type Seen = Option<DeviceLoginRow>;
    type Plan = String;
    type Answer = ();
    const NAME: &'static str = "logins.answer_device";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("device-logins")?;
        device_logins::find_by_code(rows, self.account, &self.user_hash)
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<String, Fault> {
        seen.filter(|row| is_waiting(row, now)).map(|row| row.device_hash).ok_or_else(code_unknown)
    }

    fn apply(&self, tx: &mut Tx, device_hash: String) -> Result<(), Fault> {
        let state = if self.approver.is_some() { APPROVED } else { REFUSED };
        device_logins::answer(tx, &device_hash, state, self.approver.as_deref())
    }
}

/// Notes that a terminal has asked, and tells it.
struct NotePoll {
    account: AccountId,
    device_hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Polled {
    Waiting,
    TooSoon(u64),
    Refused,
    Gone,
    Approved(String),
}

/// Decides what a terminal is told that asks now.
fn polled(row: Option<&DeviceLoginRow>, now: Timestamp) -> Polled {
    let Some(row) = row.filter(|row| now < row.ends_at) else { return Polled::Gone };
    let interval = Duration::from_secs(row.interval_seconds);
    if now.since(row.polled_at) + LEEWAY < interval {
        return Polled::TooSoon((row.interval_seconds + INTERVAL_SECONDS_MORE).min(INTERVAL_SECONDS_MAX));
    }
    match (row.state.as_str(), &row.approver) {
        (WAITING, _) => Polled::Waiting,
        (APPROVED, Some(approver)) => Polled::Approved(approver.clone()),
        _ => Polled::Refused,
    }
}

impl Act for NotePoll {
    type Seen = Option<DeviceLoginRow>;
    type Plan = (Polled, u64);
    type Answer = Polled;
    const NAME: &'static str = "logins.note_poll";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("device-logins")?;
        device_logins::find(rows, self.account, &self.device_hash)
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        let told = polled(seen.as_ref(), now);
        let before = seen.map_or(INTERVAL_SECONDS, |row| row.interval_seconds);
        let interval = if let Polled::TooSoon(seconds) = told { seconds } else { before };
        Ok((told, interval))
    }

    fn apply(&self, tx: &mut Tx, (told, interval): Self::Plan) -> Result<Polled, Fault> {
        let now = tx.now();
        match told {
            Polled::Waiting | Polled::TooSoon(_) => device_logins::polled(tx, &self.device_hash, now, interval)?,
            Polled::Refused => device_logins::delete(tx, &self.device_hash)?,
            Polled::Gone | Polled::Approved(_) => {}
        }
        Ok(told)
    }
}

/// Takes what a person has let in, once.
struct RedeemDevice {
    account: AccountId,
    device_hash: String,
}

impl Act for RedeemDevice {
    type Seen = Option<DeviceLoginRow>;
    type Plan = bool;
    type Answer = bool;
    const NAME: &'static str = "logins.redeem_device";
    const LOCKS: Locks = Locks::First;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("device-logins")?;
        device_logins::find(rows, self.account, &self.device_hash)
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<bool, Fault> {
        Ok(seen.is_some_and(|row| row.state == APPROVED && now < row.ends_at))
    }

    fn apply(&self, tx: &mut Tx, is_there: bool) -> Result<bool, Fault> {
        if is_there {
            device_logins::delete(tx, &self.device_hash)?;
        }
        Ok(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);

    fn row(state: &str) -> DeviceLoginRow {
        DeviceLoginRow {
            device_hash: "d".into(),
            user_hash: "u".into(),
            program: "gantry".into(),
            source: "10.0.0.1".into(),
            state: state.into(),
            asked_at: NOW,
            ends_at: NOW.plus(LIFETIME),
            polled_at: NOW,
            interval_seconds: 5,
            approver: (state == APPROVED).then(|| "{}".into()),
        }
    }

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_terminal_is_told_what_the_person_has_said() {
        assert_eq!(polled(Some(&row(WAITING)), later(5)), Polled::Waiting);
        assert_eq!(polled(Some(&row(APPROVED)), later(5)), Polled::Approved("{}".into()));
        assert_eq!(polled(Some(&row(REFUSED)), later(5)), Polled::Refused);
        assert_eq!(polled(Some(&row(APPROVED)), later(600)), Polled::Gone);
        assert_eq!(polled(None, NOW), Polled::Gone);
    }

    #[test]
    fn a_terminal_that_asks_too_soon_has_to_wait_longer_each_time() {
        assert_eq!(polled(Some(&row(WAITING)), later(2)), Polled::TooSoon(10));
        assert_eq!(
            polled(Some(&DeviceLoginRow { interval_seconds: 10, ..row(APPROVED) }), later(6)),
            Polled::TooSoon(15)
        );
        assert_eq!(
            polled(Some(&DeviceLoginRow { interval_seconds: 60, ..row(WAITING) }), later(6)),
            Polled::TooSoon(60)
        );
    }

    #[test]
    fn only_a_terminal_that_waits_can_be_answered() {
        let act = |approver: Option<&str>| AnswerDevice {
            account: AccountId::DEFAULT,
            user_hash: "u".into(),
            approver: approver.map(String::from),
        };

        assert_eq!(act(Some("{}")).decide(Some(row(WAITING)), NOW).unwrap(), "d");
        for seen in [None, Some(row(APPROVED)), Some(row(REFUSED))] {
            assert_eq!(act(None).decide(seen, NOW).unwrap_err().kind, FaultKind::InvalidParameter);
        }
        assert!(act(None).decide(Some(row(WAITING)), later(600)).is_err());
    }

    #[test]
    fn no_more_terminals_wait_than_there_is_room_for() {
        let act = AskForDevice { account: AccountId::DEFAULT, row: row(WAITING) };

        assert!(act.decide((999, 19), NOW).is_ok());
        for seen in [(1000, 0), (20, 20)] {
            assert_eq!(act.decide(seen, NOW).unwrap_err().kind, FaultKind::TooManyRequests);
        }
    }
}

//! What a database must do for Gantry, whichever it is: run by this crate's tests on both engines, and by
//! `gantry doctor` on the user's.
//!
//! Everything it writes is named after the run and removed at its end.

mod acts;
#[cfg(feature = "testing")]
pub mod postgres;
mod two_writers;

pub use two_writers::two_writers;

use crate::{Metadata, Query, Reader, query, values};
use acts::{Careless, Clean, Clumsy, Idle, Numbered, Raise, Tally};
use bytes::Bytes;
use futures_util::{FutureExt, future::join_all};
use gantry_env::Env;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, RequestId};
use std::{fmt, sync::mpsc, time::Duration};

static LISTED: Query = query(
    "SELECT j.value ->> 0, CAST(j.value ->> 1 AS BIGINT) FROM json_each($2) AS j \
     WHERE CAST(j.value ->> 1 AS BIGINT) > $1",
);
static TYPES: Query = query(
    "SELECT CAST($2 AS BIGINT), CAST($1 AS TEXT), CAST($3 AS TEXT), CAST(1 AS BIGINT) = CAST(1 AS BIGINT), \
     (SELECT count(*) FROM setting WHERE name = 'no such setting')",
);
static BYTES: Query = query("SELECT body FROM manifest WHERE repository = -1 UNION ALL SELECT $1");
static AUDITED: Query = query("SELECT count(*) FROM audit WHERE request_id = $1");
static AUDIT_ROW: Query =
    query("SELECT at, account, actor, act, operation, source FROM audit WHERE request_id = $1 ORDER BY id");
static EVENTS: Query = query("SELECT account, at, kind, repository, body, handled FROM event WHERE body = $1");
static SETTING: Query = query("SELECT value FROM setting WHERE name = $1");

/// How long one side of a check waits for the other, should the database be at fault.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database that does not keep its word.
#[derive(Debug)]
pub struct Broken {
    /// What it should do.
    pub check: &'static str,
    /// What it did.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database does not keep this: {}. {}", self.check, self.why)
    }
}

impl std::error::Error for Broken {}

type Checked = Result<(), String>;

fn same<T: PartialEq + fmt::Debug>(found: T, expected: T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

fn told(fault: Fault) -> String {
    let cause = fault.source.map_or_else(String::new, |cause| format!(" ({cause})"));
    format!("{}{cause}", fault.message)
}

/// One run of the suite on one database.
struct Run<'a> {
    metadata: &'a Metadata,
    env: &'a Env,
    cx: Cx,
}

/// Runs every check; returns what was kept.
///
/// # Errors
/// The first check that failed.
pub async fn run(metadata: &Metadata, env: &Env) -> Result<Vec<&'static str>, Broken> {
    let cx = Cx {
        actor: "gantry:suite".into(),
        account: AccountId::DEFAULT,
        operation: "Suite",
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    };
    let run = Run { metadata, env, cx };
    let mut kept = vec![];
    let mut broken = None;
    macro_rules! check {
        ($($words:literal: $check:ident;)*) => { $(
            if broken.is_none() {
                match run.$check().await {
                    Ok(()) => kept.push($words),
                    Err(why) => broken = Some(Broken { check: $words, why }),
                }
            }
        )* };
    }
    check! {
        "the database answers": answers;
        "parameters are bound by number, and lists come as JSON": lists;
        "what goes in comes out, in its type": types;
        "every act sees its predecessor, and a refusal undoes only itself": order;
        "an act leaves its audit row and its event in the same commit": trail;
        "what changes nothing, and housekeeping, leaves no audit row": quiet;
        "a preview changes nothing": preview;
        "an act whose caller is gone stands whole or not at all": hang_up;
        "an act that panics leaves its neighbours alone": panic;
        "an act that goes on after a failed statement does not stand, and its fault names the statement": careless;
        "an id drawn twice runs the act again": twice;
        "a read sees one moment": moment;
        "two writers of one thing come one after the other": writers;
    }
    let cleaned = metadata.perform(&run.cx, Clean { run: run.cx.request_id }).await;
    match (broken, cleaned) {
        (Some(broken), _) => Err(broken),
        (None, Err(fault)) => Err(Broken { check: "what the suite wrote can be removed", why: told(fault) }),
        (None, Ok(())) => Ok(kept),
    }
}

impl Run<'_> {
    /// The name of a setting of this run.
    fn name(&self, name: &str) -> String {
        acts::name(self.cx.request_id, name)
    }
    fn raise(&self, name: &str) -> Raise {
        Raise { name: self.name(name), refuses: false }
    }
    /// The same caller in another request of its own.
    fn other_cx(&self) -> Cx {
        Cx { request_id: self.env.request_id(), ..self.cx.clone() }
    }
    async fn audited(&self, request: RequestId) -> Result<i64, String> {
        let row = self.metadata.read(move |rows| rows.one(&AUDITED, values![request])).await.map_err(told)?;
        row.ok_or("no count")?.int(0).map_err(told)
    }
    async fn number(&self, name: &str) -> Result<Option<String>, String> {
        let name = self.name(name);
        let row = self.metadata.read(move |rows| rows.one(&SETTING, values![name])).await.map_err(told)?;
        row.map(|mut row| row.take_text(0)).transpose().map_err(told)
    }
    /// Removes the trail of a request of its own.
    async fn clean(&self, cx: &Cx) -> Checked {
        self.metadata.perform(&self.cx, Clean { run: cx.request_id }).await.map_err(told)
    }

    async fn answers(&self) -> Checked {
        self.metadata.check().await.map_err(told)
    }

    async fn lists(&self) -> Checked {
        let list = r#"[["a",1],["ß",2]]"#;
        let rows = self.metadata.read(move |rows| rows.all(&LISTED, values![1, list])).await.map_err(told)?;
        same(rows.len(), 1)?;
        same(rows[0].text(0).map_err(told)?, "ß")?;
        same(rows[0].int(1).map_err(told)?, 2)
    }

    async fn types(&self) -> Checked {
        let asked = values!["ß", i64::MIN, None::<&str>];
        let row = self.metadata.read(move |rows| rows.one(&TYPES, asked)).await.map_err(told)?;
        let mut row = row.ok_or("no row")?;
        same(row.int(0).map_err(told)?, i64::MIN)?;
        same(row.int(1).map_err(|fault| fault.kind), Err(FaultKind::Internal))?;
        same(row.take_text(1).map_err(told)?, "ß".to_owned())?;
        same(row.opt_text(2).map_err(told)?, None)?;
        same(row.bool(3).map_err(told)?, true)?;
        same(row.count(4).map_err(told)?, 0)?;
        let bytes = Bytes::from_static(b"\0\xff");
        let asked = values![bytes.clone()];
        let row = self.metadata.read(move |rows| rows.one(&BYTES, asked)).await.map_err(told)?;
        same(row.ok_or("no row")?.take_bytes(0).map_err(told)?, bytes)
    }

    async fn order(&self) -> Checked {
        let cx = self.other_cx();
        let acts = (0..40).map(|number| {
            let act = Raise { refuses: number % 4 == 0, ..self.raise("order") };
            self.metadata.perform(&cx, act)
        });
        let mut answers: Vec<i64> = join_all(acts).await.into_iter().filter_map(Result::ok).collect();
        answers.sort_unstable();
        same(answers, (1..=30).collect::<Vec<_>>())?;
        same(self.audited(cx.request_id).await?, 30)?;
        self.clean(&cx).await
    }

    async fn trail(&self) -> Checked {
        let cx = Cx { source: Some([192, 0, 2, 7].into()), ..self.other_cx() };
        self.metadata.perform(&cx, self.raise("trail")).await.map_err(told)?;
        let id = cx.request_id;
        let row = self.metadata.read(move |rows| rows.one(&AUDIT_ROW, values![id])).await.map_err(told)?;
        let expected = values![cx.now, cx.account, &*cx.actor, "Raise", cx.operation, "192.0.2.7"];
        same(row.map(|row| row.0), Some(expected))?;
        let body = acts::event_body(&self.name("trail"));
        let asked = body.clone();
        let row = self.metadata.read(move |rows| rows.one(&EVENTS, values![asked])).await.map_err(told)?;
        let expected = values![cx.account, cx.now, acts::EVENT_KIND, None::<i64>, body, 0];
        same(row.map(|row| row.0), Some(expected))?;
        self.clean(&cx).await
    }

    async fn quiet(&self) -> Checked {
        let cx = self.other_cx();
        self.metadata.perform(&cx, Idle).await.map_err(told)?;
        self.metadata.perform(&cx, Tally { name: self.name("quiet") }).await.map_err(told)?;
        same(self.number("quiet").await?.as_deref(), Some("1"))?;
        same(self.audited(cx.request_id).await?, 0)
    }

    async fn preview(&self) -> Checked {
        let plan = self.metadata.preview(&self.cx, self.raise("preview")).await.map_err(told)?;
        same(plan, 1)?;
        same(self.number("preview").await?, None)
    }

    async fn hang_up(&self) -> Checked {
        let cx = self.other_cx();
        // Polled once, then dropped: it was sent, and nobody waits for it any more.
        drop(self.metadata.perform(&cx, self.raise("hang-up")).now_or_never());
        self.metadata.perform(&self.cx, self.raise("hang-up-after")).await.map_err(told)?;
        let (name, request) = (self.name("hang-up"), cx.request_id);
        let look = move |rows: &mut Reader| {
            let number = rows.one(&SETTING, values![name])?;
            Ok((number.is_some(), rows.one(&AUDITED, values![request])?.map_or(Ok(0), |row| row.int(0))?))
        };
        let (is_written, audited) = self.metadata.read(look).await.map_err(told)?;
        same(audited, i64::from(is_written))?;
        self.clean(&cx).await
    }

    async fn panic(&self) -> Checked {
        let acts = (0..9).map(|number| {
            let clumsy = Clumsy { name: self.name("panic"), panics: number == 4 };
            self.metadata.perform(&self.cx, clumsy)
        });
        let answers = join_all(acts).await;
        same(answers.iter().filter(|answer| answer.is_ok()).count(), 8)?;
        same(self.number("panic").await?.as_deref(), Some("8"))
    }

    async fn careless(&self) -> Checked {
        let answer = self.metadata.perform(&self.cx, Careless { name: self.name("careless"), swallows: true }).await;
        same(answer.map_err(|fault| fault.kind), Err(FaultKind::Internal))?;
        same(self.number("careless").await?, None)?;
        let answer = self.metadata.perform(&self.cx, Careless { name: self.name("careless"), swallows: false }).await;
        let why = answer.err().map(told).unwrap_or_default();
        if why.contains(acts::CARELESS) { Ok(()) } else { Err(format!("the fault says: {why}")) }
    }

    async fn twice(&self) -> Checked {
        let id = self.env.fresh_id();
        let first = Numbered::new(self.name("twice"), id, id);
        self.metadata.perform(&self.cx, first).await.map_err(told)?;
        let second = Numbered::new(self.name("twice"), id, self.env.fresh_id());
        let runs = self.metadata.perform(&self.cx, second).await.map_err(told)?;
        same(runs, 2)
    }

    async fn moment(&self) -> Checked {
        if self.metadata.is_alone() {
            // There is nobody who could come between.
            return Ok(());
        }
        self.metadata.perform(&self.cx, self.raise("moment")).await.map_err(told)?;
        let (name, (tell, told_seen), (go_on, may_go_on)) =
            (self.name("moment"), tokio::sync::oneshot::channel(), mpsc::channel());
        let look = self.metadata.read_long(move |rows| {
            let first = rows.one(&SETTING, values![&name])?;
            let _ = tell.send(());
            let _ = may_go_on.recv_timeout(PATIENCE);
            Ok((first, rows.one(&SETTING, values![&name])?))
        });
        let write = async {
            let seen = told_seen.await;
            let written = self.metadata.perform(&self.cx, self.raise("moment")).await;
            let _ = go_on.send(());
            seen.map_err(|_| "the read never asked".to_owned()).and(written.map_err(told))
        };
        let (looked, written) = futures_util::future::join(look, write).await;
        same(written?, 2)?;
        let (first, second) = looked.map_err(told)?;
        same(second, first)
    }

    async fn writers(&self) -> Checked {
        let (first, second) = two_writers(self.metadata, &self.cx, self.raise("writers"), self.raise("writers")).await;
        let mut answers = [first.map_err(told)?, second.map_err(told)?];
        answers.sort_unstable();
        same(answers, [1, 2])
    }
}

//! Sends the chain of this server to a webhook, in order and without a gap.

use crate::{Audit, people::reveal_all};
use bytes::Bytes;
use gantry_audit::{Delivery, Signatures};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Metadata, Reader, Trail, Tx,
    audit::{self, delivered, put_delivered},
};
use gantry_outbound::{Authorities, Client, OutboundError, Request, Response};
use gantry_words::{Period, Secret, Timestamp};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// How often it is looked whether there is more to send.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait after the first delivery that failed; each further one doubles it.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// How long to wait at the longest, whatever the receiver says.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// How long the end of a server waits for the last delivery.
const LAST_WAIT: Duration = Duration::from_secs(3);
/// The answer of a receiver is not read further.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const SECRET_BYTES_MIN: usize = 16;

/// The webhook that the audit is sent to.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookSettings {
    /// Where records are sent as they are chained: lines of JSON, and each signed checkpoint as one. A receiver that is down
    /// gets them later, in order. A target that is not public needs `outbound.allow`.
    pub url: Option<String>,
    /// The file with the secret that deliveries are signed with (HMAC-SHA-256, header `X-Gantry-Signature`): at least 16
    /// characters; white space at its ends does not count.
    pub secret_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that the receiver's is signed by; without it, those that the machine believes.
    pub authorities_file: Option<PathBuf>,
    /// How many records go in one delivery, 1 to 1000; it is bounded to 1MiB besides.
    pub records_max: usize,
    /// How long a receiver may take to answer, 1s to 1m.
    #[schemars(with = "String")]
    pub deadline: Period,
    /// How much longer than `audit.keep` records are kept that the receiver has not taken. What is older goes undelivered.
    #[schemars(with = "String")]
    pub undelivered_keep: Period,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        WebhookSettings {
            url: None,
            secret_file: None,
            authorities_file: None,
            records_max: 500,
            deadline: Period::seconds(10),
            undelivered_keep: Period::hours(90 * 24),
        }
    }
}

impl WebhookSettings {
    pub(crate) fn check(&self) -> Vec<String> {
        let mut wrong = vec![];
        if self.url.is_some() && self.secret_file.is_none() {
            wrong.push(
                "webhook.url is set without audit.webhook.secret_file: a receiver could not tell who sends".to_string(),
            );
        }
        if !(1..=1000).contains(&self.records_max) {
            wrong.push(format!("webhook.records_max is {}; write a number from 1 to 1000", self.records_max));
        }
        if !(Period::seconds(1)..=Period::minutes(1)).contains(&self.deadline) {
            wrong.push(format!("webhook.deadline is {}; write a duration from 1s to 1m", self.deadline));
        }
        wrong
    }
}

/// Reads the secret of a webhook.
///
/// # Errors
/// A sentence: it is too short.
pub fn webhook_secret(text: &str) -> Result<Secret<String>, String> {
    let text = text.trim();
    match text.len() {
        0..SECRET_BYTES_MIN => Err(format!("the secret has fewer than {SECRET_BYTES_MIN} characters")),
        _ => Ok(Secret::new(text.into())),
    }
}

/// Sends the chain of this server to a webhook. Cheap to clone.
#[derive(Clone)]
pub struct Webhook(Arc<Inner>);

struct Inner {
    audit: Audit,
    metadata: Metadata,
    env: Env,
    writer: i64,
    url: String,
    settings: WebhookSettings,
    secret: Secret<String>,
    authorities: Option<Authorities>,
    client: Client,
    state: Mutex<State>,
    deliveries: AtomicU64,
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    /// What is being sent, until it has been taken.
    delivery: Option<Arc<Sending>>,
    /// Up to where the receiver has the chain.
    seq: u64,
}

/// A delivery on its way, the same at each attempt.
struct Sending {
    delivery: Delivery,
    /// When its first record was counted first.
    since: Timestamp,
}

/// Figures for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookFigures {
    /// Deliveries that were taken.
    pub deliveries: u64,
    /// Those that were not, and are sent again.
    pub failures: u64,
    /// Records of the chain that the receiver does not have yet.
    pub lag_records: u64,
    /// How old the first of them is, in seconds; 0 where nothing is on its way.
    pub lag_seconds: u64,
}

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The receiver could not be asked.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// It said no.
    #[error("the receiver answered {status}")]
    Answer {
        /// What it said.
        status: StatusCode,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// The database does not answer.
    #[error("{0}")]
    Database(Fault),
}

impl Webhook {
    /// Sends the chain that `audit` writes; `None` where the settings name no receiver.
    pub fn of(
        audit: &Audit,
        client: Client,
        secret: Secret<String>,
        authorities: Option<Authorities>,
    ) -> Option<Webhook> {
        let settings = audit.settings().webhook.clone();
        Some(Webhook(Arc::new(Inner {
            metadata: audit.metadata().clone(),
            env: audit.env().clone(),
            writer: audit.writer(),
            audit: audit.clone(),
            url: settings.url.clone()?,
            settings,
            secret,
            authorities,
            client,
            state: Mutex::default(),
            deliveries: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })))
    }

    /// Where nothing was ever to be sent, begins with what is chained from now on. To be called before the chain grows.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn begin(&self) -> Result<(), Fault> {
        self.note(None).await
    }

    /// Sends the chain as it grows, for ever.
    pub async fn run(&self) {
        let mut failed = 0;
        loop {
            let wait = match self.round().await {
                Ok(true) => {
                    failed = 0;
                    continue;
                }
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    failed += 1;
                    let asked = if let DeliveryError::Answer { wait, .. } = &error { *wait } else { None };
                    let wait = wait_after(failed, asked, self.0.env.random::<1>()[0]);
                    let seconds = wait.as_secs();
                    tracing::warn!(%error, failed, "records of the audit were not taken by audit.webhook.url; sent again in {seconds}s: {error}");
                    wait
                }
            };
            self.0.env.sleep(wait).await;
        }
    }

    /// Sends what is left, once and not for long: what is not taken goes out after the next start.
    pub async fn end(&self) {
        let rest = async { while matches!(self.round().await, Ok(true)) {} };
        let _ = self.0.env.within(LAST_WAIT, rest).await;
    }

    /// Sends one delivery; says whether there was something to send.
    ///
    /// # Errors
    /// It was not taken: the next call sends the same again.
    pub async fn round(&self) -> Result<bool, DeliveryError> {
        let Some(sending) = self.next().await.map_err(DeliveryError::Database)? else { return Ok(false) };
        if let Err(error) = self.send(&sending.delivery).await {
            self.0.failures.fetch_add(1, Relaxed);
            return Err(error);
        }
        self.0.deliveries.fetch_add(1, Relaxed);
        let place = (sending.delivery.seq, sending.delivery.checkpoint_seq);
        self.note(Some(place)).await.map_err(DeliveryError::Database)?;
        let mut state = self.lock();
        (state.delivery, state.seq) = (None, place.0);
        Ok(true)
    }

    /// What the metrics show.
    pub fn figures(&self) -> WebhookFigures {
        let state = self.lock();
        let since = state.delivery.as_ref().map(|sending| sending.since);
        let lag = since.map_or(Duration::ZERO, |since| self.0.env.now().since(since));
        WebhookFigures {
            deliveries: self.0.deliveries.load(Relaxed),
            failures: self.0.failures.load(Relaxed),
            lag_records: self.0.audit.end_seq().saturating_sub(state.seq),
            lag_seconds: lag.as_secs(),
        }
    }

    /// What is sent next: the same as before where that was not taken.
    async fn next(&self) -> Result<Option<Arc<Sending>>, Fault> {
        if let Some(sending) = &self.lock().delivery {
            return Ok(Some(sending.clone()));
        }
        let (writer, count) = (self.0.writer, self.0.settings.records_max);
        let read = move |rows: &mut Reader| {
            let place = delivered(rows, writer)?.unwrap_or_default();
            let mut records = audit::records(rows, writer, place.0, count)?;
            let through = records.last().map_or(place.0, |last| last.seq);
            let checkpoints = audit::checkpoints(rows, writer, place.1, through, count)?;
            reveal_all(rows, records.iter_mut().map(|row| &mut row.bytes))?;
            Ok((place, records, checkpoints))
        };
        let (place, records, checkpoints) = self.0.metadata.read_long(read).await?;
        let since = records.first().map_or_else(|| self.0.env.now(), |row| Timestamp::from_millis(row.columns.at));
        let lines: Vec<(u64, String)> = records.into_iter().map(|row| (row.seq, row.bytes)).collect();
        let mut state = self.lock();
        state.seq = place.0;
        state.delivery =
            Delivery::of(place, &lines, &checkpoints).map(|delivery| Arc::new(Sending { delivery, since }));
        Ok(state.delivery.clone())
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
        let inner = &*self.0;
        let Signatures { stamped, plain } = Signatures::of(&inner.secret, inner.env.now(), delivery.body.as_bytes());
        let id = format!("{:016x}-{}-{}", inner.writer, delivery.seq, delivery.checkpoint_seq);
        let body = Bytes::from(delivery.body.clone());
        let mut request = Request::post(&inner.url, body, inner.settings.deadline.duration(), ANSWER_BYTES_MAX)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))
            .authorities(inner.authorities.clone());
        for (name, value) in [
            ("x-gantry-delivery", &id),
            ("x-gantry-signature", &stamped),
            ("x-signature", &plain),
            ("x-hub-signature-256", &plain),
        ] {
            let value = HeaderValue::from_str(value).expect("digits, letters and '=', ',', '-' make a header");
            request = request.header(HeaderName::from_static(name), value);
        }
        let Response { status, headers, .. } = inner.client.send(request).await?;
        if status.is_success() {
            return Ok(());
        }
        let told = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wait = told.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Err(DeliveryError::Answer { status, wait })
    }

    async fn note(&self, place: Option<(u64, u64)>) -> Result<(), Fault> {
        let act = NoteDelivered { writer: self.0.writer, place };
        self.0.metadata.perform(&self.0.audit.cx(self.0.env.now()), act).await
    }

    /// No state behind this lock can be left half-way by a panic.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait after so many failures in a row: twice as long each time, up to [`WAIT_MAX`], between the whole of it and
/// half, so that many servers do not come all at once; never less than the receiver `asked` for, within the same bound.
fn wait_after(failed: u32, asked: Option<Duration>, random: u8) -> Duration {
    let doubled = WAIT_FIRST.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1))).min(WAIT_MAX);
    let wait = doubled / 2 + doubled / 2 * u32::from(random) / 255;
    wait.max(asked.unwrap_or_default().min(WAIT_MAX))
}

/// The act that writes down up to where a chain has been delivered; without a place, where it begins to be.
struct NoteDelivered {
    writer: i64,
    place: Option<(u64, u64)>,
}

impl Act for NoteDelivered {
    type Seen = (u64, u64);
    type Plan = (u64, u64);
    type Answer = ();
    const NAME: &'static str = "audit.note_delivered";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(u64, u64), Fault> {
        rows.lock("audit delivery")?;
        if let Some(place) = self.place {
            return Ok(place);
        }
        let end = match delivered(rows, self.writer)? {
            Some(place) => return Ok(place),
            None => audit::writer(rows, self.writer)?,
        };
        Ok(end.map_or((0, 0), |row| (row.seq, row.checkpoint_seq)))
    }
    fn decide(&self, place: (u64, u64), _: Timestamp) -> Result<(u64, u64), Fault> {
        Ok(place)
    }
    fn apply(&self, tx: &mut Tx, place: (u64, u64)) -> Result<(), Fault> {
        put_delivered(tx, self.writer, place)
    }
}

#[cfg(test)]
mod tests;

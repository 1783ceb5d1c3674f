//! Addresses of layers that are good for an hour, for whoever holds them.

use gantry_access::{Access, Principal};
use gantry_accounts::Accounts;
use gantry_api::{FromWire, Incoming, IntoWire, Lock, Operation, Outgoing, Payload, Rest};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::Digest;
use gantry_registry::{Blobs, Repositories};
use gantry_store::Reading;
use gantry_words::{AccountId, Cx, RepositoryName, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What these addresses begin with.
pub(crate) const PREFIX: &str = "/layers/";
/// What of an address the route hands over.
pub(crate) const TICKET: &str = "ticket";

const PURPOSE: &str = "layer";
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The right to one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    account: AccountId,
    repository: RepositoryName,
    digest: String,
    /// In milliseconds.
    expires_at: i64,
}

impl Ticket {
    pub(crate) fn new(account: AccountId, repository: RepositoryName, digest: Digest, now: Timestamp) -> Self {
        Ticket { account, repository, digest: digest.to_string(), expires_at: now.plus(LIFETIME).millis() }
    }

    pub(crate) fn seal(&self, accounts: &Accounts, now: Timestamp) -> String {
        accounts.seal(PURPOSE, &serde_json::to_vec(self).expect("texts and a number become JSON"), now)
    }

    /// Reads a ticket that is still good.
    fn open(accounts: &Accounts, text: &str, now: Timestamp) -> Option<Self> {
        let ticket: Ticket = serde_json::from_slice(&accounts.open_seal(PURPOSE, text)?).ok()?;
        Some(ticket).filter(|ticket| now.millis() < ticket.expires_at)
    }
}

/// `GET /layers/<ticket>`: the bytes of a layer, for the holder of an address of `ecr:GetDownloadUrlForLayer`.
pub struct GetLayer;

/// The ticket, not opened yet.
pub struct Request {
    ticket: String,
    is_head: bool,
}

/// The layer.
pub struct Response {
    reading: Reading,
    is_head: bool,
}

impl Operation for GetLayer {
    type Wire = Rest;
    const NAME: &'static str = "ecr:GetLayer";
    const ROUTE: (&'static str, &'static str) = ("GET", "/layers/{ticket}");
    // The ticket is the credential.
    const LOCK: Lock = Lock::Open;
    type Needs = (Repositories, Blobs, Accounts);
    type Request = Request;
    type Response = Response;

    fn access(_: &Request, _: &Cx) -> Vec<Access> {
        vec![]
    }

    async fn call(
        (repositories, blobs, accounts): &Self::Needs,
        cx: &Cx,
        _: &Principal,
        request: Request,
    ) -> Result<Response, Fault> {
        let ticket = Ticket::open(accounts, &request.ticket, cx.now).ok_or_else(|| {
            let message =
                "This address of a layer is none, or its hour is over; ask GetDownloadUrlForLayer for another";
            Fault::new(FaultKind::AccessDenied, message)
        })?;
        // Whoever holds it has no account.
        let cx = &Cx { account: ticket.account, ..cx.clone() };
        let repository = repositories.load(cx, &ticket.repository).await?;
        let digest: Digest = ticket.digest.parse().map_err(Fault::internal)?;
        Ok(Response { reading: blobs.open(cx, &repository, &digest).await?, is_head: request.is_head })
    }
}

impl FromWire<Rest> for Request {
    async fn read(incoming: Incoming) -> Result<Self, Fault> {
        Ok(Request { ticket: incoming.params.get(TICKET).into(), is_head: incoming.method == Method::HEAD })
    }
}

impl IntoWire<Rest> for Response {
    fn write(self) -> Outgoing {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let length = self.reading.length();
        let body = if self.is_head { Payload::Head(length) } else { Payload::Blob(self.reading.body(0..length)) };
        Outgoing { status: StatusCode::OK, headers, body }
    }
}

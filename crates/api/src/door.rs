use crate::{
    Challenges, FromWire, Guard, Incoming, IntoWire, Operation, Outgoing, Pick, Refused, Wire,
    audit::{Ended, Seen, make_sure_of_room},
    guard::Stop,
    porch::Porch,
};
use futures_util::FutureExt;
use gantry_access::{Access, Arrival, Principal, PrincipalKind, sigv4::SignedRequest};
use gantry_accounts::{AuthenticationProblem, SignatureProblem, Unidentified};
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, RequestId, Timestamp};
use http::{HeaderMap, header};
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};
use tracing::Instrument;

/// Where the token service lives: challenges point there, and it cannot ask for its own tokens.
const TOKEN_PATH: &str = "/token";

/// What it takes to get through a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// What [`Operation::access`] lists must be allowed; a list that is empty opens nothing.
    Access,
    /// Any valid credential.
    Credential,
    /// Nothing; though a credential that is brought must be valid.
    Open,
}

/// An operation with its rooms picked and its types forgotten.
pub struct Door {
    /// [`Operation::NAME`].
    pub name: &'static str,
    /// Name of its wire.
    pub wire: &'static str,
    /// [`Operation::ROUTE`].
    pub route: (&'static str, &'static str),
    /// [`Operation::LOCK`].
    pub lock: Lock,
    pub(crate) dress: fn(&mut HeaderMap, RequestId),
    enter: Box<dyn Enter>,
}

impl Door {
    /// Picks what `O` needs from the house.
    pub fn mount<O: Operation, H>(house: &H) -> Door
    where
        O::Needs: Pick<H>,
    {
        Door {
            name: O::NAME,
            wire: O::Wire::NAME,
            route: O::ROUTE,
            lock: O::LOCK,
            dress: O::Wire::dress,
            enter: Box::new(Mounted::<O> { needs: O::Needs::pick(house) }),
        }
    }

    /// Reads a request as this door does, and returns what must be allowed for it. Nobody is let in.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub async fn needs(&self, incoming: Incoming, cx: &Cx) -> Result<Vec<Access>, Fault> {
        self.enter.needs(incoming, cx).await
    }

    pub(crate) async fn enter(&self, visit: Visit<'_>) -> Passed {
        self.enter.enter(visit).await
    }
}

/// Returns the names of the doors that ask for less than [`Lock::Access`]: a list to be committed and compared.
pub fn open_doors(doors: &[Door]) -> Vec<String> {
    let mut names: Vec<String> = doors
        .iter()
        .filter(|door| door.lock != Lock::Access)
        .map(|door| format!("{} {:?}", door.name, door.lock))
        .collect();
    names.sort_unstable();
    names
}

/// The same way without bytes: how pages call an operation, as the person who is logged in.
///
/// # Errors
/// `AccessDenied` or `Unauthenticated`, and those of the call.
pub async fn call<O: Operation>(
    guard: &dyn Guard,
    needs: &O::Needs,
    cx: &Cx,
    principal: &Principal,
    request: O::Request,
) -> Result<O::Response, Fault> {
    admit::<O>(guard, principal, &request, cx).map_err(|stop| stop.fault)?;
    O::call(needs, cx, principal, request).await
}

/// A request at a door.
pub(crate) struct Visit<'a> {
    pub(crate) porch: &'a Arc<Porch>,
    pub(crate) incoming: Incoming,
    pub(crate) request_id: RequestId,
    pub(crate) now: Timestamp,
}

/// What came of it.
pub(crate) struct Passed {
    pub(crate) outgoing: Outgoing,
    /// Who it was, as far as that is known.
    pub(crate) actor: Option<Arc<str>>,
}

trait Enter: Send + Sync {
    fn enter<'a>(&'a self, visit: Visit<'a>) -> BoxFuture<'a, Passed>;
    fn needs<'a>(&'a self, incoming: Incoming, cx: &'a Cx) -> BoxFuture<'a, Result<Vec<Access>, Fault>>;
}

struct Mounted<O: Operation> {
    needs: O::Needs,
}

impl<O: Operation> Enter for Mounted<O> {
    fn enter<'a>(&'a self, visit: Visit<'a>) -> BoxFuture<'a, Passed> {
        Box::pin(pass::<O>(&self.needs, visit))
    }
    fn needs<'a>(&'a self, incoming: Incoming, cx: &'a Cx) -> BoxFuture<'a, Result<Vec<Access>, Fault>> {
        Box::pin(needs::<O>(incoming, cx))
    }
}

/// The whole way through a door: identify, read, authorise, call, write; and how to say no at any point of it.
async fn pass<O: Operation>(needs: &O::Needs, visit: Visit<'_>) -> Passed {
    let (porch, request_id, now) = (visit.porch, visit.request_id, visit.now);
    let origin = visit.incoming.origin.clone();
    let is_token_service = visit.incoming.uri.path() == TOKEN_PATH;
    let mut seen = Seen::of(&visit.incoming);
    let attempt = AssertUnwindSafe(attempt::<O>(needs, visit, &mut seen)).catch_unwind().await;
    let (mut fault, mut message) = (None, String::new());
    let mut outgoing = match attempt.unwrap_or_else(|panic| Err(panicked(O::NAME, panic.as_ref()).into())) {
        Ok(response) => {
            if let Some(actor) = response.actor() {
                seen.turns_out(actor);
            }
            if let Some(kind) = response.refusal() {
                porch.metrics.refused(kind);
                fault = Some(kind);
            }
            response.write()
        }
        Err(stop) => {
            seen.refused_with(&stop.fault);
            porch.note_refusal(&stop.fault, O::NAME, request_id);
            let offered = if is_token_service { Challenges::Basic } else { O::Wire::CHALLENGES };
            let challenges = stop.challenges(offered, &origin, porch.guard.service());
            fault = Some(stop.fault.kind);
            message.clone_from(&stop.fault.message);
            O::Wire::refuse(&Refused::new(&stop.fault, &challenges, request_id).after(stop.retry_after_seconds))
        }
    };
    let ended =
        Ended { operation: O::NAME, lock: O::LOCK, now, request_id, fault, message: &message, outgoing: &outgoing };
    if let Err(unrecorded) = seen.tell(porch, &ended).await {
        porch.note_refusal(&unrecorded, O::NAME, request_id);
        outgoing = O::Wire::refuse(&Refused::new(&unrecorded, &[], request_id).after(Some(1)));
    }
    Passed { outgoing, actor: seen.actor }
}

async fn attempt<O: Operation>(needs: &O::Needs, visit: Visit<'_>, seen: &mut Seen) -> Result<O::Response, Stop> {
    let Visit { porch, incoming, request_id, now } = visit;
    let guard = &*porch.guard;
    let (source, is_secure) = (incoming.peer, incoming.origin.is_https());
    if guard.is_stale() {
        guard.freshen().await?;
    }
    // By a host only where the wire says so: elsewhere by what is asked, which is not read yet.
    let by_host = O::Wire::ACCOUNT_BY_HOST.then(|| incoming.origin.account().unwrap_or(guard.anonymous().account));
    let nobody = by_host.map_or_else(|| guard.anonymous(), Principal::anonymous);
    let cx = |principal: &Principal| Cx {
        actor: principal.arn.clone(),
        account: principal.addressed(),
        operation: O::NAME,
        request_id,
        now,
        source,
    };
    let arrival = Arrival { source, is_secure, at: now, user_agent: None, account: by_host };
    let arrival = arrival.called(incoming.header("user-agent"));
    let found = match O::Wire::SIGNED_FOR {
        Some(service) => identify_signed(guard, &incoming, service, now).map_err(|problem| {
            seen.is_signed_wrongly(&problem);
            Stop::unsigned(problem)
        })?,
        None => match identify(guard, &incoming.headers, by_host, &arrival).await {
            Ok(principal) => Some(principal),
            Err(Unidentified::Here(AuthenticationProblem::Missing)) => None,
            Err(unidentified) => {
                match &unidentified {
                    Unidentified::Here(problem) => seen.fails(*problem),
                    Unidentified::Elsewhere(_) => seen.is_not_vouched_for(),
                }
                seen.accesses = wanted::<O>(incoming, cx(&nobody)).await;
                return Err(Stop::unidentified(unidentified, seen.accesses.clone()));
            }
        },
    };
    let principal = found.unwrap_or(nobody).arrived(arrival.clone());
    seen.know(&principal, principal.addressed());
    let changes = !incoming.method.is_safe();
    // Browsers bring Basic credentials along wherever somebody once typed them, whichever site asks (Fetch Metadata).
    let is_of_other_site =
        incoming.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if changes && is_of_other_site {
        let message = "A page of another site asks for this, so nothing was done";
        return Err(Fault::new(FaultKind::AccessDenied, message).into());
    }
    let is_nobody = principal.kind == PrincipalKind::Anonymous && O::LOCK != Lock::Open;
    if is_nobody && (O::LOCK == Lock::Credential || O::Wire::READS_BODY) {
        return Err(unauthenticated::<O::Wire>());
    }
    let request = match O::Request::read(incoming).await {
        Ok(request) => request,
        // Who is not known does not hear what is wrong with what he asked for.
        Err(_) if is_nobody => return Err(unauthenticated::<O::Wire>()),
        Err(fault) => return Err(fault.into()),
    };
    // An account that does not exist is none that could be meant; the call says so.
    let named = request.account().filter(|account| by_host.is_none() && guard.knows(*account));
    let account = named.or(arrival.account);
    let principal = principal.arrived(Arrival { account, ..arrival });
    let cx = cx(&principal);
    seen.is_about(cx.account);
    seen.accesses = O::access(&request, &cx);
    if guard.misses(&principal, &seen.accesses) {
        guard.look_for_changes().await?;
    }
    seen.statement = admit::<O>(guard, &principal, &request, &cx)?;
    // Only what is served counts: whoever is asked for credentials may ask again at once.
    if is_nobody {
        let wait = guard.note_anonymous(source);
        porch.strangers.count(wait.is_some());
        wait.map_or(Ok(()), |seconds| Err(Stop::crowded(seconds)))?;
    }
    if changes {
        make_sure_of_room(porch)?;
    } else {
        return Ok(O::call(needs, &cx, &principal, request).await?);
    }
    let (needs, running) = (needs.clone(), porch.runs_call());
    let work = async move {
        let answer = O::call(&needs, &cx, &principal, request).await;
        drop(running);
        answer
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(answer) => Ok(answer?),
        Err(error) => Err(match error.try_into_panic() {
            Ok(panic) => panicked(O::NAME, panic.as_ref()).into(),
            Err(error) => {
                Fault::new(FaultKind::Unavailable, "The server is shutting down; try again").because(error).into()
            }
        }),
    }
}

fn unauthenticated<W: Wire>() -> Stop {
    match W::SIGNED_FOR {
        Some(_) => Fault::new(FaultKind::SignatureMissing, "Missing Authentication Token").into(),
        None => Stop::unidentified(AuthenticationProblem::Missing.into(), Vec::new()),
    }
}

/// Says who signed a request, whose body must be whole.
fn identify_signed(
    guard: &dyn Guard,
    incoming: &Incoming,
    service: &'static str,
    now: Timestamp,
) -> Result<Option<Principal>, SignatureProblem> {
    let host = incoming.origin.host();
    let mut headers: Vec<(&str, &[u8])> =
        incoming.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let told = incoming.headers.get(header::HOST).map(|value| value.as_bytes());
    if told.is_none() {
        // HTTP/2 has the host in the address.
        headers.push((header::HOST.as_str(), host.as_bytes()));
    }
    let request = SignedRequest {
        method: incoming.method.as_str(),
        path: incoming.uri.path(),
        query: incoming.uri.query().unwrap_or_default(),
        headers: &headers,
        public_host: Some(host).filter(|host| told.is_some_and(|told| told != host.as_bytes())),
        body: incoming.body.whole().map_or(&[], |body| body),
        is_tls: incoming.origin.is_https(),
    };
    guard.identify_signed(&request, service, incoming.peer, now)
}

/// Says who asks; `account` is whose registry he asks, where his host says that. Elsewhere tokens are good for the default
/// account only.
async fn identify(
    guard: &dyn Guard,
    headers: &HeaderMap,
    account: Option<AccountId>,
    arrival: &Arrival,
) -> Result<Principal, Unidentified> {
    let own = guard.anonymous().account;
    let principal = identify_text(guard, authorization(headers)?, account.unwrap_or(own), arrival).await?;
    let is_elsewhere = account.is_none() && principal.scopes.is_some() && principal.account != own;
    if is_elsewhere { Err(AuthenticationProblem::TokenInvalid.into()) } else { Ok(principal) }
}

/// Says who a request to the registry of `account` comes from, at once or after a longer look.
pub(crate) async fn identify_text(
    guard: &dyn Guard,
    text: Option<&str>,
    account: AccountId,
    arrival: &Arrival,
) -> Result<Principal, Unidentified> {
    match (guard.identify(text, account, arrival.source, arrival.at), text) {
        (Err(AuthenticationProblem::Unsettled), Some(text)) => guard.identify_slowly(text, arrival.clone()).await,
        (found, _) => Ok(found?),
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, AuthenticationProblem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, more) = (values.next(), values.next());
    match (first, more) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| AuthenticationProblem::Malformed),
        (Some(_), Some(_)) => Err(AuthenticationProblem::Malformed),
    }
}

/// What a better credential must cover, where that can be told without reading a body.
async fn wanted<O: Operation>(incoming: Incoming, cx: Cx) -> Vec<Access> {
    if O::LOCK != Lock::Access || O::Wire::READS_BODY {
        return Vec::new();
    }
    needs::<O>(incoming, &cx).await.unwrap_or_default()
}

async fn needs<O: Operation>(incoming: Incoming, cx: &Cx) -> Result<Vec<Access>, Fault> {
    O::Request::read(incoming).await.map(|request| O::access(&request, cx))
}

/// Decides whether the lock opens; returns what opened it, where that was a statement.
fn admit<O: Operation>(
    guard: &dyn Guard,
    principal: &Principal,
    request: &O::Request,
    cx: &Cx,
) -> Result<String, Stop> {
    match O::LOCK {
        Lock::Open => Ok(String::new()),
        Lock::Credential if principal.kind == PrincipalKind::Anonymous => Err(unauthenticated::<O::Wire>()),
        Lock::Credential => Ok(String::new()),
        Lock::Access => {
            let accesses = O::access(request, cx);
            if accesses.is_empty() {
                return Err(Fault::internal(format!("{} is locked by an empty list of accesses", O::NAME)).into());
            }
            match guard.authorize(principal, &accesses) {
                Ok(statement) => Ok(statement),
                Err(refusal) => Err(Stop::refused(&refusal, accesses)),
            }
        }
    }
}

fn panicked(operation: &str, panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Fault::internal(format!("{operation} panicked: {}", text.unwrap_or("without a word")))
}

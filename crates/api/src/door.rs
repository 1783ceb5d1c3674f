use crate::{
    Challenges, FromWire, Guard, Incoming, IntoWire, Operation, Outgoing, Pick, Refused, WireFacts,
    audit::{Ended, Seen, make_sure_of_room},
    guard::Stop,
    porch::Porch,
};
use futures_util::FutureExt;
use gantry_access::{Access, Arrival, Principal, PrincipalKind, policy::ImageKeys, sigv4::SignedRequest};
use gantry_accounts::{AuthenticationProblem, SignatureProblem, Unidentified};
use gantry_env::BoxFuture;
use gantry_fault::{Fault, FaultKind};
use gantry_words::{AccountId, Cx, RequestId, Timestamp};
use http::{HeaderMap, header};
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};
use tracing::Instrument;

/// Where the token service lives: challenges point there, and it cannot ask for its own tokens.
const TOKEN_PATH: &str = "/token";
/// Once for each key about images that is looked up: each round settles one at least.
const LOOK_UPS_MAX: usize = 2;

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
    /// [`Operation::ROUTE`].
    pub route: (&'static str, &'static str),
    /// [`Operation::LOCK`].
    pub lock: Lock,
    /// Its wire.
    pub wire: WireFacts,
    mounted: Arc<dyn Mounted>,
}

impl Door {
    /// Picks what `O` needs from the house.
    pub fn mount<O: Operation, H>(house: &H) -> Door
    where
        O::Needs: Pick<H>,
    {
        Door::of::<O>(O::Needs::pick(house))
    }

    /// Puts `O` behind a door, with the rooms it enters.
    pub fn of<O: Operation>(needs: O::Needs) -> Door {
        Door {
            name: O::NAME,
            route: O::ROUTE,
            lock: O::LOCK,
            wire: WireFacts::of::<O::Wire>(),
            mounted: Arc::new(Rooms::<O>(needs)),
        }
    }

    /// Reads a request as this door does, and returns what must be allowed for it. Nobody is let in.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub async fn needs(&self, incoming: Incoming, cx: &Cx) -> Result<Vec<Access>, Fault> {
        Ok(self.read(incoming).await?.access(cx))
    }

    pub(crate) async fn enter(&self, visit: Visit<'_>) -> Passed {
        // In a box: a connection that waits for a request keeps no room for one.
        Box::pin(pass(self, visit)).await
    }

    fn read(&self, incoming: Incoming) -> BoxFuture<'static, Result<Box<dyn Asked>, Fault>> {
        Arc::clone(&self.mounted).read(incoming)
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
    let mut accesses = O::access(&request, cx);
    let wire = WireFacts::of::<O::Wire>();
    admit(guard, (O::NAME, O::LOCK), &wire, (cx, principal), &mut accesses).await.map_err(|stop| stop.fault)?;
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

/// An operation with its rooms. Only what its types are needed for is written out for each operation, here and in [`Asked`]: the
/// way through a door is the same for all.
trait Mounted: Send + Sync {
    fn read(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Result<Box<dyn Asked>, Fault>>;
}

/// A request that has been read.
trait Asked: Send {
    /// The account whose registry is asked, where it names one.
    fn account(&self) -> Option<AccountId>;
    /// [`Operation::access`].
    fn access(&self, cx: &Cx) -> Vec<Access>;
    /// [`Operation::call`].
    fn call<'a>(self: Box<Self>, cx: &'a Cx, principal: &'a Principal) -> BoxFuture<'a, Result<Answer, Fault>>;
}

/// What an operation answers, written.
struct Answer {
    outgoing: Outgoing,
    actor: Option<Arc<str>>,
    refusal: Option<FaultKind>,
}

struct Rooms<O: Operation>(O::Needs);

impl<O: Operation> Mounted for Rooms<O> {
    fn read(self: Arc<Self>, incoming: Incoming) -> BoxFuture<'static, Result<Box<dyn Asked>, Fault>> {
        Box::pin(async move {
            let request = O::Request::read(incoming).await?;
            Ok(Box::new(Question { rooms: self, request }) as Box<dyn Asked>)
        })
    }
}

struct Question<O: Operation> {
    rooms: Arc<Rooms<O>>,
    request: O::Request,
}

impl<O: Operation> Asked for Question<O> {
    fn account(&self) -> Option<AccountId> {
        self.request.account()
    }

    fn access(&self, cx: &Cx) -> Vec<Access> {
        O::access(&self.request, cx)
    }

    fn call<'a>(self: Box<Self>, cx: &'a Cx, principal: &'a Principal) -> BoxFuture<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let Question { rooms, request } = *self;
            let response = O::call(&rooms.0, cx, principal, request).await?;
            Ok(Answer { actor: response.actor(), refusal: response.refusal(), outgoing: response.write() })
        })
    }
}

/// The whole way through a door: identify, read, authorise, call, write; and how to say no at any point of it.
async fn pass(door: &Door, visit: Visit<'_>) -> Passed {
    let (porch, request_id, now) = (visit.porch, visit.request_id, visit.now);
    let origin = visit.incoming.origin.clone();
    let is_token_service = visit.incoming.uri.path() == TOKEN_PATH;
    let mut seen = Seen::of(&visit.incoming);
    let attempt = AssertUnwindSafe(attempt(door, visit, &mut seen)).catch_unwind().await;
    let (mut fault, mut message) = (None, String::new());
    let mut outgoing = match attempt.unwrap_or_else(|panic| Err(panicked(door.name, panic.as_ref()).into())) {
        Ok(answer) => {
            if let Some(actor) = answer.actor {
                seen.turns_out(actor);
            }
            if let Some(kind) = answer.refusal {
                porch.metrics.refused(kind);
                fault = Some(kind);
            }
            answer.outgoing
        }
        Err(stop) => {
            seen.refused_with(&stop.fault);
            porch.note_refusal(&stop.fault, door.name, request_id);
            let offered = if is_token_service { Challenges::Basic } else { door.wire.challenges };
            let challenges = stop.challenges(offered, &origin, porch.guard.service());
            fault = Some(stop.fault.kind);
            message.clone_from(&stop.fault.message);
            (door.wire.refuse)(&Refused::new(&stop.fault, &challenges, request_id).after(stop.retry_after_seconds))
        }
    };
    let ended =
        Ended { operation: door.name, lock: door.lock, now, request_id, fault, message: &message, outgoing: &outgoing };
    if let Err(unrecorded) = seen.tell(porch, &ended).await {
        porch.note_refusal(&unrecorded, door.name, request_id);
        outgoing = (door.wire.refuse)(&Refused::new(&unrecorded, &[], request_id).after(Some(1)));
    }
    Passed { outgoing, actor: seen.actor }
}

async fn attempt(door: &Door, visit: Visit<'_>, seen: &mut Seen) -> Result<Answer, Stop> {
    let Visit { porch, incoming, request_id, now } = visit;
    let guard = &*porch.guard;
    let (source, is_secure) = (incoming.peer, incoming.origin.is_https());
    if guard.is_stale() {
        guard.freshen().await?;
    }
    // By a host only where the wire says so: elsewhere by what is asked, which is not read yet.
    let by_host = door.wire.is_account_by_host.then(|| incoming.origin.account().unwrap_or(guard.anonymous().account));
    let nobody = by_host.map_or_else(|| guard.anonymous(), Principal::anonymous);
    let cx = |principal: &Principal| Cx {
        actor: principal.arn.clone(),
        account: principal.addressed(),
        operation: door.name,
        request_id,
        now,
        source,
    };
    let arrival = Arrival { source, is_secure, at: now, user_agent: None, account: by_host };
    let arrival = arrival.called(incoming.header("user-agent"));
    let found = match door.wire.signed_for {
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
                seen.accesses = wanted(door, incoming, cx(&nobody)).await;
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
    let is_nobody = principal.kind == PrincipalKind::Anonymous && door.lock != Lock::Open;
    if is_nobody && (door.lock == Lock::Credential || door.wire.reads_body) {
        return Err(unauthenticated(&door.wire));
    }
    let request = match door.read(incoming).await {
        Ok(request) => request,
        // Who is not known does not hear what is wrong with what he asked for.
        Err(_) if is_nobody => return Err(unauthenticated(&door.wire)),
        Err(fault) => return Err(fault.into()),
    };
    // An account that does not exist is none that could be meant; the call says so.
    let named = request.account().filter(|account| by_host.is_none() && guard.knows(*account));
    let account = named.or(arrival.account);
    let principal = principal.arrived(Arrival { account, ..arrival });
    let cx = cx(&principal);
    seen.is_about(cx.account);
    seen.accesses = request.access(&cx);
    if guard.misses(&principal, &seen.accesses) {
        guard.look_for_changes().await?;
    }
    seen.statement = admit(guard, (door.name, door.lock), &door.wire, (&cx, &principal), &mut seen.accesses).await?;
    // Only what is served counts: whoever is asked for credentials may ask again at once.
    if is_nobody {
        let wait = guard.note_anonymous(source);
        porch.strangers.count(wait.is_some());
        wait.map_or(Ok(()), |seconds| Err(Stop::crowded(seconds)))?;
    }
    if changes {
        make_sure_of_room(porch)?;
    } else {
        return Ok(request.call(&cx, &principal).await?);
    }
    let running = porch.runs_call();
    let work = async move {
        let answer = request.call(&cx, &principal).await;
        drop(running);
        answer
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(answer) => Ok(answer?),
        Err(error) => Err(match error.try_into_panic() {
            Ok(panic) => panicked(door.name, panic.as_ref()).into(),
            Err(error) => {
                Fault::new(FaultKind::Unavailable, "The server is shutting down; try again").because(error).into()
            }
        }),
    }
}

fn unauthenticated(wire: &WireFacts) -> Stop {
    match wire.signed_for {
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
async fn wanted(door: &Door, incoming: Incoming, cx: Cx) -> Vec<Access> {
    if door.lock != Lock::Access || door.wire.reads_body {
        return Vec::new();
    }
    door.needs(incoming, &cx).await.unwrap_or_default()
}

/// Decides whether the lock of an operation opens; returns what opened it, where that was a statement. Where that hangs on
/// something that is not at hand, it is looked up first, and added to `accesses`.
async fn admit(
    guard: &dyn Guard,
    named: (&'static str, Lock),
    wire: &WireFacts,
    (cx, principal): (&Cx, &Principal),
    accesses: &mut Vec<Access>,
) -> Result<String, Stop> {
    let mut opened = opens(guard, named, wire, principal, accesses);
    // Each round settles, for all accesses, what the policies of the first unsettled one ask for; those of the next may ask for more.
    for _ in 0..LOOK_UPS_MAX {
        let asked = opened.as_ref().map_or_else(|stop| stop.unsettled, |_| ImageKeys::NONE);
        if asked == ImageKeys::NONE {
            break;
        }
        *accesses = guard.look_up(cx, accesses.clone(), asked).await?;
        opened = opens(guard, named, wire, principal, accesses);
    }
    opened
}

fn opens(
    guard: &dyn Guard,
    (operation, lock): (&'static str, Lock),
    wire: &WireFacts,
    principal: &Principal,
    accesses: &[Access],
) -> Result<String, Stop> {
    match lock {
        Lock::Open => Ok(String::new()),
        Lock::Credential if principal.kind == PrincipalKind::Anonymous => Err(unauthenticated(wire)),
        Lock::Credential => Ok(String::new()),
        Lock::Access if accesses.is_empty() => {
            Err(Fault::internal(format!("{operation} is locked by an empty list of accesses")).into())
        }
        Lock::Access => {
            guard.authorize(principal, accesses).map_err(|refusal| Stop::refused(&refusal, accesses.to_vec()))
        }
    }
}

fn panicked(operation: &str, panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Fault::internal(format!("{operation} panicked: {}", text.unwrap_or("without a word")))
}

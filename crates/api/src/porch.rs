use crate::audit::{Audit, Failures, Strangers};
use crate::{
    Body, ByContent, Door, Figures, Gauges, Guard, Incoming, Lock, Origin, Outgoing, Params, Payload, Refused, Rest,
    Routed, Settings, Surface, Wire,
    body::Pace,
    buffers::{Buffers, Held},
    door::{Passed, Visit},
    ending::{Ending, Line},
    forwarded::{Forwarded, forwarded},
    link::{Link, Order, Patience, Purpose},
    metrics::{Metrics, Place},
    probes,
    sending::Sending,
    span::{Join, RequestSpan},
};
use gantry_env::{BoxFuture, Env};
use gantry_fault::{Fault, FaultKind};
use gantry_words::RequestId;
use http::{HeaderName, HeaderValue, Method, Request, Response, Version, header};
use hyper::body::Body as _;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tracing::Instrument;

/// The most connections at once to listeners for figures and probes: far more than those who look after a server open.
const METRICS_CONNECTIONS_MAX: usize = 64;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether pushes and pulls work, and if not, why.
pub(crate) type Ready = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What all connections share: where addresses lead, who may come in, limits and counters.
pub(crate) struct Porch {
    pub(crate) settings: Settings,
    pub(crate) patience: Patience,
    pub(crate) env: Env,
    pub(crate) guard: Arc<dyn Guard>,
    pub(crate) audit: Option<Arc<dyn Audit>>,
    pub(crate) failures: Failures,
    pub(crate) strangers: Strangers,
    pub(crate) metrics: Metrics,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) gauges: Vec<Box<dyn Gauges>>,
    pub(crate) ready: Option<Ready>,
    pub(crate) join: Option<Join>,
    pub(crate) was_ready: AtomicBool,
    surfaces: Vec<Surface>,
    /// Milliseconds of [`Env::elapsed`] at the watch's last round.
    tick: AtomicU64,
    requests: AtomicUsize,
    calls: AtomicUsize,
    links: Mutex<BTreeMap<u64, Arc<Link>>>,
    /// How many of them are to a listener for figures.
    metrics_links: AtomicUsize,
    links_opened: AtomicU64,
    emptied: Notify,
}

impl Porch {
    pub(crate) fn new(
        settings: Settings,
        surfaces: Vec<Surface>,
        guard: Arc<dyn Guard>,
        env: Env,
        gauges: Vec<Box<dyn Gauges>>,
        ready: Option<Ready>,
        join: Option<Join>,
    ) -> Self {
        let patience = Patience {
            headers: settings.header_deadline.duration(),
            idle: settings.keep_alive.duration(),
            reader: settings.write_idle.duration(),
        };
        let names = surfaces.iter().flat_map(|surface| surface.doors.iter().map(|door| door.name));
        let porch = Porch {
            metrics: Metrics::new(names),
            buffers: Buffers::new(settings.buffered_bytes_max),
            settings,
            patience,
            env,
            guard,
            audit: None,
            failures: Failures::default(),
            strangers: Strangers::default(),
            gauges,
            ready,
            join,
            was_ready: AtomicBool::new(true),
            surfaces,
            tick: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            links: Mutex::default(),
            metrics_links: AtomicUsize::new(0),
            links_opened: AtomicU64::new(0),
            emptied: Notify::new(),
        };
        porch.advance_tick();
        porch
    }

    /// The time of the watch's last round, in milliseconds of [`Env::elapsed`].
    pub(crate) fn tick(&self) -> u64 {
        self.tick.load(Relaxed)
    }

    /// Reads the clock for all that go by the watch's time.
    pub(crate) fn advance_tick(&self) -> u64 {
        let now = u64::try_from(self.env.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.tick.store(now, Relaxed);
        now
    }

    /// Counts a refusal, and writes to the log what the client is not told.
    pub(crate) fn note_refusal(&self, fault: &Fault, operation: &'static str, request_id: RequestId) {
        self.metrics.refused(fault.kind);
        let Some(source) = &fault.source else { return };
        match fault.kind {
            FaultKind::Internal => tracing::error!(operation, %request_id, %source, "{operation} failed: {source}"),
            kind if kind.row().status >= 500 => {
                tracing::warn!(operation, %request_id, %source, "{operation} could not be done: {fault}");
            }
            _ => tracing::info!(operation, %request_id, %source, "{operation} was refused: {fault}"),
        }
    }

    /// Collects all figures.
    pub(crate) fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        self.metrics.collect(&mut figures);
        self.failures.collect(&mut figures);
        self.strangers.collect(&mut figures);
        let (connections, requests) = (self.links().len(), self.requests.load(Relaxed));
        figures.gauge("gantry_connections", "Open connections", &[], connections as f64);
        figures.gauge("gantry_requests_in_flight", "Requests being worked on", &[], requests as f64);
        let buffered = self.buffers.bytes() as f64;
        figures.gauge(
            "gantry_buffered_bytes",
            "Bytes of unfinished bodies that are kept, beyond what is free",
            &[],
            buffered,
        );
        for gauges in &self.gauges {
            gauges.collect(&mut figures);
        }
        figures
    }
}

/// Connections and what must end before a shutdown.
impl Porch {
    pub(crate) fn links(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at up to `count` connections whose numbers are `first` or above, and returns where to go on, if anywhere.
    pub(crate) fn some_links(&self, first: u64, count: usize, mut look: impl FnMut(&Link)) -> Option<u64> {
        let links = self.links();
        let mut rest = links.range(first..);
        rest.by_ref().take(count).for_each(|(_, link)| look(link));
        rest.next().map(|(number, _)| *number)
    }

    /// Whether one more connection may come. Those for figures and probes have places of their own: when nobody else gets
    /// in, whoever looks after the server must.
    pub(crate) fn has_place(&self, purpose: Purpose) -> bool {
        let for_metrics = self.metrics_links.load(Relaxed);
        match purpose {
            Purpose::Everything => self.links().len().saturating_sub(for_metrics) < self.settings.connections_max,
            Purpose::Metrics => for_metrics < METRICS_CONNECTIONS_MAX,
        }
    }

    /// Keeps a connection in the list for as long as what is returned lives.
    pub(crate) fn enlist(self: &Arc<Self>, link: Arc<Link>) -> Enlisted {
        let number = self.links_opened.fetch_add(1, Relaxed);
        self.metrics_links.fetch_add(usize::from(link.purpose == Purpose::Metrics), Relaxed);
        self.links().insert(number, link);
        Enlisted { porch: self.clone(), number }
    }

    /// Tells every connection what to do; those that rest need not be asked to finish.
    pub(crate) fn tell_all(&self, order: Order) {
        for link in self.links().values() {
            link.tell(if link.is_idle() { Order::Cut } else { order });
        }
    }

    /// Notes that a call runs in a task of its own, until what is returned is dropped.
    pub(crate) fn runs_call(self: &Arc<Self>) -> Running {
        self.calls.fetch_add(1, Relaxed);
        Running { porch: self.clone() }
    }

    /// Waits until no connection is open and no call runs.
    pub(crate) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if self.links().is_empty() && self.calls.load(Relaxed) == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// A connection that is in the list.
pub(crate) struct Enlisted {
    porch: Arc<Porch>,
    number: u64,
}

impl Drop for Enlisted {
    fn drop(&mut self) {
        let link = self.porch.links().remove(&self.number);
        let is_for_metrics = link.is_some_and(|link| link.purpose == Purpose::Metrics);
        self.porch.metrics_links.fetch_sub(usize::from(is_for_metrics), Relaxed);
        self.porch.emptied.notify_waiters();
    }
}

/// A call that runs.
pub(crate) struct Running {
    porch: Arc<Porch>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.porch.calls.fetch_sub(1, Relaxed);
        self.porch.emptied.notify_waiters();
    }
}

/// A request between its headers and those of its answer. Dropped without an answer where the client goes away.
struct Work<'a> {
    link: &'a Arc<Link>,
    request_id: RequestId,
    place: Place,
    began: Duration,
    bytes_in: Option<Arc<AtomicU64>>,
    line: Option<Box<Line>>,
    span: RequestSpan,
    is_answered: bool,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let porch = &self.link.porch;
        porch.requests.fetch_sub(1, Relaxed);
        self.link.worked();
        if self.is_answered {
            return;
        }
        porch.metrics.gone.fetch_add(1, Relaxed);
        let bytes_in = self.bytes_in.as_ref().map_or(0, |bytes| bytes.load(Relaxed));
        porch.metrics.moved(self.place, bytes_in, 0);
        self.span.ended(bytes_in, 0, true);
        if let Some(line) = &mut self.line {
            // 499: nobody was there to be answered.
            (line.status, line.operation) = (499, porch.metrics.name(self.place));
            line.write(porch.env.elapsed(), bytes_in, 0, true);
        }
    }
}

/// Serves one request.
pub(crate) async fn serve(link: &Arc<Link>, request: Request<hyper::body::Incoming>) -> Response<Sending> {
    let porch = &link.porch;
    let is_http1 = request.version() <= Version::HTTP_11;
    let is_head = request.method() == Method::HEAD;
    let mut work = begin(link, &request);
    let span = work.span.clone();
    let Passed { outgoing, actor } = answer(&mut work, request).await;
    let status = outgoing.status.as_u16();
    work.is_answered = true;
    span.answered(status, actor.as_deref());
    porch.metrics.answered(work.place, status, porch.env.elapsed().saturating_sub(work.began));
    let line = work.line.take().map(|mut line| {
        (line.status, line.operation, line.principal) = (status, porch.metrics.name(work.place), actor);
        line
    });
    let ending = Ending::new(link.clone(), work.place, work.bytes_in.take(), line, span);
    let (mut response, payload) = headed(outgoing, is_head, work.request_id);
    drop(work);
    *response.body_mut() = Some(Sending::new(payload, ending, link.clone(), is_http1));
    response.map(|body| body.expect("it was put there in the line above"))
}

fn begin<'a>(link: &'a Arc<Link>, request: &Request<hyper::body::Incoming>) -> Work<'a> {
    let porch = &link.porch;
    let request_id = link.begin();
    porch.requests.fetch_add(1, Relaxed);
    let began = porch.env.elapsed();
    let line = (porch.settings.access_log && Line::is_wanted()).then(|| {
        Box::new(Line {
            method: request.method().clone(),
            uri: request.uri().clone(),
            status: 0,
            operation: "none",
            principal: None,
            request_id,
            source: link.peer,
            began,
        })
    });
    let bytes_in = (!request.body().is_end_stream()).then(Arc::default);
    let span = RequestSpan::begin(link, request, request_id);
    Work { link, request_id, place: Place::NOWHERE, began, bytes_in, line, span, is_answered: false }
}

/// Puts status, headers and length together.
fn headed(outgoing: Outgoing, is_head: bool, request_id: RequestId) -> (Response<Option<Sending>>, Payload) {
    let Outgoing { status, headers, body } = outgoing;
    let mut response = Response::new(None);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    if !is_head {
        return (response, body);
    }
    let length = match &body {
        Payload::Empty => None,
        Payload::Bytes(bytes) => Some(bytes.len() as u64),
        Payload::Blob(body) => Some(body.remaining()),
        Payload::Head(length) => Some(*length),
    };
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    (response, Payload::Empty)
}

/// Finds the door and goes through it.
async fn answer(work: &mut Work<'_>, request: Request<hyper::body::Incoming>) -> Passed {
    let (link, request_id) = (work.link, work.request_id);
    let porch = &link.porch;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let surface = porch.surfaces.iter().enumerate().find(|(_, surface)| surface.owns(path));
    let refuse = |fault: Fault, allow| refuse(porch, surface.map(|(_, surface)| surface), &fault, allow, request_id);
    let (source, origin) = match admit(link, &parts) {
        Ok(Forwarded { source, origin }) => (source, origin),
        Err(fault) => return refuse(fault, None),
    };
    if let Some(line) = &mut work.line {
        line.source = source;
    }
    work.span.came_from(source);
    if let Some(outgoing) = probes::answer(link, &parts, source, &origin, request_id).await {
        return Passed { outgoing, actor: None };
    }
    let Some((index, found)) = surface.filter(|_| link.purpose == Purpose::Everything) else {
        return refuse(nowhere(path), None);
    };
    let routed = (found.route)(&parts.method, path);
    let by_content = if let Routed::ByContent(way) = &routed { Some(*way) } else { None };
    let mut place = None;
    if by_content.is_none() {
        match settle(found, &parts.method, path, routed) {
            Ok(found) => place = Some(found),
            Err(no) => return no.said(porch, found, request_id),
        }
    }
    // After the probes: a server that has much to do is alive, and whoever looks after it must see what it does. Nor does
    // it cost anything to say which credentials are wanted: docker asks that once, and gives up later where it was not told.
    let only_asks = place.as_ref().is_some_and(|(door, _)| found.doors[*door].lock == Lock::Credential)
        && !parts.headers.contains_key(header::AUTHORIZATION);
    if !only_asks && let Err(fault) = has_room(porch) {
        return refuse(fault, None);
    }
    let body = match &work.bytes_in {
        None => Body::empty(),
        Some(received) => {
            let rate = porch.settings.body_rate_min.get();
            let pace = Pace::new(porch.env.clone(), porch.settings.body_idle.duration(), rate);
            Body::arriving(body, pace, link.clone(), received.clone())
        }
    };
    let mut incoming = Incoming {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        params: Params::new(),
        body,
        origin,
        peer: source,
    };
    // Counted among what all requests keep until this one is answered.
    let mut _held = Held::default();
    if let Some(way) = by_content {
        match look_inside(found, &mut incoming, way).await {
            Ok((inside, held)) => (place, _held) = (Some(inside), held),
            Err(no) => return no.said(porch, found, request_id),
        }
    }
    let (door, params) = place.expect("a request is routed by its address or by its content");
    work.place = Place::of(porch.surfaces[..index].iter().map(|surface| surface.doors.len()).sum::<usize>() + door);
    let door: &Door = &found.doors[door];
    work.span.found(&incoming.method, door, &params);
    incoming.params = params;
    let entering = door.enter(Visit { porch, incoming, request_id, now: porch.env.now() });
    let mut passed = match work.span.inner() {
        None => entering.await,
        // Entered only now that it has its name: afterwards an exporter takes no other.
        Some(span) => Box::pin(entering).instrument(span).await,
    };
    (door.wire.dress)(&mut passed.outgoing.headers, request_id);
    passed
}

/// Reads the body and asks again where the request leads.
async fn look_inside(
    surface: &Surface,
    incoming: &mut Incoming,
    way: ByContent,
) -> Result<((usize, Params), Held), No> {
    let body = std::mem::replace(&mut incoming.body, Body::empty());
    let (body, held) = body.collect_held((way.bytes_max)(&incoming.headers)).await.map_err(No::plain)?;
    incoming.body = body.into();
    let routed = (way.route)(incoming);
    settle(surface, &incoming.method, incoming.uri.path(), routed).map(|place| (place, held))
}

/// Turns away what is too much at once.
fn has_room(porch: &Porch) -> Result<(), Fault> {
    if porch.requests.load(Relaxed) <= porch.settings.requests_max {
        return Ok(());
    }
    let message =
        "The server has as many requests to work on as it takes at once (requests_max); try again in a moment";
    Err(Fault::new(FaultKind::Unavailable, message))
}

/// Turns away what nobody should see: addresses too long, hosts that are none.
fn admit(link: &Link, parts: &http::request::Parts) -> Result<Forwarded, Fault> {
    let porch = &link.porch;
    let length = parts.uri.path_and_query().map_or(0, |text| text.as_str().len()) as u64;
    if length > porch.settings.uri_bytes_max.get() {
        let most = porch.settings.uri_bytes_max;
        return Err(Fault::new(
            FaultKind::AddressTooLong,
            format!("The address has {length} bytes; at most {most} are read"),
        ));
    }
    let origin = Origin::of(link.is_tls, &parts.uri, &parts.headers, parts.version)
        .map_err(|error| Fault::new(FaultKind::InvalidParameter, error.message()))?;
    Ok(forwarded(&porch.settings.trusted_proxies, link.peer, origin, &parts.headers))
}

/// Finds the position of the door a request leads to.
fn settle(surface: &Surface, method: &Method, path: &str, routed: Routed) -> Result<(usize, Params), No> {
    match routed {
        Routed::To(name, params) => match surface.doors.iter().position(|door| door.name == name) {
            Some(door) => Ok((door, params)),
            None => Err(No::plain(Fault::internal(format!("no door is called {name}")))),
        },
        Routed::MethodNotAllowed(allow) => {
            let message = format!("{method} is not possible here; {allow} are");
            Err(No { allow: Some(allow), ..No::plain(Fault::new(FaultKind::MethodNotAllowed, message)) })
        }
        Routed::NotFound => Err(No::plain(nowhere(path))),
        Routed::Refused(fault) => Err(No::plain(fault)),
        Routed::RefusedBy(fault, refuse) => Err(No { refuse: Some(refuse), ..No::plain(fault) }),
        Routed::ByContent(_) => Err(No::plain(Fault::internal(format!("{method} {path} leads round in circles")))),
    }
}

/// Why a request leads nowhere.
struct No {
    fault: Fault,
    allow: Option<&'static str>,
    /// How it is said, where that is not as the surface says it.
    refuse: Option<fn(&Refused<'_>) -> Outgoing>,
}

impl No {
    fn plain(fault: Fault) -> Self {
        No { fault, allow: None, refuse: None }
    }

    fn said(self, porch: &Porch, surface: &Surface, request_id: RequestId) -> Passed {
        let Some(words) = self.refuse else { return refuse(porch, Some(surface), &self.fault, self.allow, request_id) };
        porch.note_refusal(&self.fault, "none", request_id);
        let mut outgoing = words(&Refused::new(&self.fault, &[], request_id));
        (surface.dress)(&mut outgoing.headers, request_id);
        Passed { outgoing, actor: None }
    }
}

fn nowhere(path: &str) -> Fault {
    let start: String = path.chars().take(200).collect();
    Fault::new(FaultKind::RouteNotFound, format!("Nothing lives at {start}"))
}

/// Says no where no operation is concerned, in the words of the surface the address belongs to.
fn refuse(
    porch: &Porch,
    surface: Option<&Surface>,
    fault: &Fault,
    allow: Option<&'static str>,
    request_id: RequestId,
) -> Passed {
    porch.note_refusal(fault, "none", request_id);
    let plain = Refused::new(fault, &[], request_id);
    let refused = Refused { allow: allow.or(plain.allow), ..plain };
    let outgoing = match surface {
        Some(surface) => {
            let mut outgoing = (surface.refuse)(&refused);
            (surface.dress)(&mut outgoing.headers, request_id);
            outgoing
        }
        None => Rest::refuse(&refused),
    };
    Passed { outgoing, actor: None }
}

use crate::{porch::Porch, sendfile::StandIns};
use futures_util::task::AtomicWaker;
use gantry_words::RequestId;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::Waker,
    time::Duration,
};

/// After we have closed our side, the client gets this long to close its own: closing at once could destroy the
/// answer on its way when the client is still sending (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Everything.
    Everything,
    /// `/metrics` and the probes only, without credentials.
    Metrics,
}

/// One connection, as its task, its requests and the watch see it.
///
/// The watch looks at every link once a second and cuts those that are overdue, so that no request and no wait for a
/// socket needs a timer of its own. Times are those of the watch's last round.
pub(crate) struct Link {
    pub(crate) porch: Arc<Porch>,
    /// Where the client, or the proxy before it, is.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) is_tls: bool,
    pub(crate) purpose: Purpose,
    /// Whether a file may be sent by the kernel: plain TCP.
    pub(crate) has_sendfile: bool,
    pub(crate) stand_ins: StandIns,
    is_http2: AtomicBool,
    /// Random; the ids of this connection's requests count on from here.
    id: [u8; 16],
    requests: AtomicU64,
    /// Requests between their headers and the headers of their answer.
    working: AtomicU32,
    /// Answers on their way.
    sending: AtomicU32,
    is_head_begun: AtomicBool,
    is_blocked: AtomicBool,
    is_lingering: AtomicBool,
    /// When this phase of rest began: idle, sending headers, lingering.
    since: AtomicU64,
    /// When bytes of a body last moved.
    moved_at: AtomicU64,
    /// What the kernel had still to deliver when the socket last took nothing.
    undelivered: AtomicU64,
    order: AtomicU8,
    waker: AtomicWaker,
}

/// What a connection is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    Serve = 0,
    /// End the requests that run, take no further ones.
    Finish = 1,
    /// Stop at once.
    Cut = 2,
}

/// Why the watch cut a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    Headers,
    Idle,
    Reader,
    Lingering,
}

impl Overdue {
    pub(crate) const ALL: [(Overdue, &str); 4] = [
        (Overdue::Headers, "headers"),
        (Overdue::Idle, "idle"),
        (Overdue::Reader, "reader"),
        (Overdue::Lingering, "lingering"),
    ];
}

/// How long a connection may stay in each phase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) headers: Duration,
    pub(crate) idle: Duration,
    pub(crate) reader: Duration,
}

impl Link {
    pub(crate) fn new(
        porch: Arc<Porch>,
        peer: Option<IpAddr>,
        is_tls: bool,
        has_sendfile: bool,
        purpose: Purpose,
    ) -> Self {
        let (id, now) = (porch.env.random(), porch.tick());
        Link {
            porch,
            peer,
            is_tls,
            purpose,
            has_sendfile,
            stand_ins: StandIns::default(),
            is_http2: AtomicBool::new(false),
            id,
            requests: AtomicU64::new(0),
            working: AtomicU32::new(0),
            sending: AtomicU32::new(0),
            // A TLS handshake has the time that headers have.
            is_head_begun: AtomicBool::new(is_tls),
            is_blocked: AtomicBool::new(false),
            is_lingering: AtomicBool::new(false),
            since: AtomicU64::new(now),
            moved_at: AtomicU64::new(now),
            undelivered: AtomicU64::new(0),
            order: AtomicU8::new(Order::Serve as u8),
            waker: AtomicWaker::new(),
        }
    }

    /// The handshake is over; the connection speaks HTTP from here on.
    pub(crate) fn opened(&self, is_http2: bool) {
        self.is_http2.store(is_http2, Relaxed);
        self.rest();
    }

    /// A request's headers are read. Returns its id.
    pub(crate) fn begin(&self) -> RequestId {
        self.working.fetch_add(1, Relaxed);
        self.is_head_begun.store(false, Relaxed);
        let count = self.requests.fetch_add(1, Relaxed);
        let mut id = self.id;
        let low = u64::from_le_bytes(id[8..].try_into().expect("eight of sixteen bytes"));
        id[8..].copy_from_slice(&low.wrapping_add(count).to_le_bytes());
        RequestId::new(id)
    }

    /// The request's work is done, or given up.
    pub(crate) fn worked(&self) {
        self.working.fetch_sub(1, Relaxed);
        self.rest();
    }

    /// An answer begins.
    pub(crate) fn sends(&self) {
        self.sending.fetch_add(1, Relaxed);
        self.moved();
    }

    /// An answer is sent, or given up.
    pub(crate) fn sent(&self) {
        self.sending.fetch_sub(1, Relaxed);
        self.rest();
    }

    /// Bytes of a body moved.
    pub(crate) fn moved(&self) {
        self.moved_at.store(self.porch.tick(), Relaxed);
    }

    /// Bytes came from the socket.
    pub(crate) fn received(&self) {
        if self.is_http2.load(Relaxed) {
            return self.rest();
        }
        if !self.is_head_begun.load(Relaxed) && self.working.load(Relaxed) == 0 {
            self.since.store(self.porch.tick(), Relaxed);
            self.is_head_begun.store(true, Relaxed);
        }
    }

    /// A piece of an answer was taken: on HTTP/2 that means that the client reads; on HTTP/1 the socket tells better.
    pub(crate) fn handed_over(&self) {
        if self.is_http2.load(Relaxed) {
            self.moved();
        }
    }

    /// Bytes went into the socket.
    pub(crate) fn wrote(&self) {
        self.is_blocked.store(false, Relaxed);
        // On HTTP/2 a window update or ping is no sign that anybody reads the answer: there the answer's pieces count.
        if !self.is_http2.load(Relaxed) {
            self.moved();
        }
    }

    /// The socket takes nothing at the moment, with so much in the kernel that the client has not taken.
    ///
    /// The kernel has room for minutes of a slow reader, and says that it has some again only when much of it is free:
    /// whether the client reads shows in what is left to deliver.
    pub(crate) fn blocked(&self, undelivered: u64) {
        let is_new = !self.is_blocked.swap(true, Relaxed);
        if self.undelivered.swap(undelivered, Relaxed) != undelivered || is_new {
            self.moved();
        }
    }

    /// Our side is closed; the client's is awaited.
    pub(crate) fn lingers(&self) {
        if !self.is_lingering.swap(true, Relaxed) {
            self.rest();
        }
    }

    fn rest(&self) {
        self.since.store(self.porch.tick(), Relaxed);
    }

    /// Whether nothing is asked and nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        let is_busy = self.working.load(Relaxed) > 0 || self.sending.load(Relaxed) > 0;
        !is_busy && !self.is_blocked.load(Relaxed) && !self.is_head_begun.load(Relaxed)
    }

    /// Tells whether this connection has used up somebody's patience.
    pub(crate) fn overdue(&self, now: u64, patience: &Patience) -> Option<Overdue> {
        let is_past = |began: u64, limit: Duration| u128::from(now.saturating_sub(began)) >= limit.as_millis();
        let since = self.since.load(Relaxed);
        if self.is_lingering.load(Relaxed) {
            return is_past(since, LINGER).then_some(Overdue::Lingering);
        }
        if self.working.load(Relaxed) > 0 {
            return None;
        }
        if let Some(patience) = self.reader_patience(patience) {
            let moved_at = self.moved_at.load(Relaxed);
            if is_past(moved_at, patience / 2) {
                // It looks again how much the kernel still has.
                self.waker.wake();
            }
            return is_past(moved_at, patience).then_some(Overdue::Reader);
        }
        if self.is_head_begun.load(Relaxed) {
            return is_past(since, patience.headers).then_some(Overdue::Headers);
        }
        is_past(since, patience.idle).then_some(Overdue::Idle)
    }

    /// How long the client may take nothing, where there is something for it to take. On HTTP/2 a client that reads
    /// slowly says so only when half of its window is free, which may be megabytes.
    fn reader_patience(&self, patience: &Patience) -> Option<Duration> {
        match (self.is_blocked.load(Relaxed), self.sending.load(Relaxed)) {
            (false, 0) => None,
            (false, _) if self.is_http2.load(Relaxed) => Some(patience.reader * 10),
            _ => Some(patience.reader),
        }
    }

    /// Tells the connection's task what to do; a stronger order stays.
    pub(crate) fn tell(&self, order: Order) {
        self.order.fetch_max(order as u8, Relaxed);
        self.waker.wake();
    }

    /// What the connection's task was told; it is woken when that changes.
    pub(crate) fn heed(&self, waker: &Waker) -> Order {
        self.waker.register(waker);
        match self.order.load(Relaxed) {
            0 => Order::Serve,
            1 => Order::Finish,
            _ => Order::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Guard, Settings};
    use gantry_access::{Access, Principal, Refusal};
    use gantry_accounts::AuthenticationProblem;
    use gantry_env::Env;
    use gantry_words::{AccountId, Timestamp};

    const PATIENCE: Patience =
        Patience { headers: Duration::from_secs(10), idle: Duration::from_secs(120), reader: Duration::from_secs(60) };

    struct Nobody;
    impl Guard for Nobody {
        fn identify(
            &self,
            _: Option<&str>,
            _: AccountId,
            _: Option<IpAddr>,
            _: Timestamp,
        ) -> Result<Principal, AuthenticationProblem> {
            Err(AuthenticationProblem::Missing)
        }
        fn anonymous(&self) -> Principal {
            Principal::anonymous(AccountId::DEFAULT)
        }
        fn authorize(&self, _: &Principal, _: &[Access]) -> Result<String, Refusal> {
            Ok(String::new())
        }
        fn service(&self) -> &str {
            "nobody"
        }
    }

    fn link(is_http2: bool) -> Link {
        let porch = Porch::new(Settings::default(), vec![], Arc::new(Nobody), Env::real(), vec![], None, None);
        let link = Link::new(Arc::new(porch), None, false, false, Purpose::Everything);
        link.opened(is_http2);
        link
    }

    /// After how many seconds, counted from the beginning, the watch cuts the connection, and for what.
    fn cut_after(link: &Link) -> Option<(u64, Overdue)> {
        let start = link.porch.tick();
        (0..3600).find_map(|second| Some((second, link.overdue(start + second * 1000, &PATIENCE)?)))
    }

    #[test]
    fn a_connection_that_rests_has_the_time_of_the_idle() {
        assert_eq!(cut_after(&link(false)), Some((120, Overdue::Idle)));
    }

    #[test]
    fn headers_that_have_begun_have_their_own_time() {
        let link = link(false);

        link.received();

        assert_eq!(cut_after(&link), Some((10, Overdue::Headers)));
    }

    #[test]
    fn a_request_that_is_worked_on_is_not_hurried() {
        let link = link(false);
        link.received();

        link.begin();
        link.received();

        assert_eq!(cut_after(&link), None);
        link.worked();
        assert_eq!(cut_after(&link), Some((120, Overdue::Idle)));
    }

    #[test]
    fn a_reader_who_takes_nothing_has_his_time_and_ten_times_that_on_http2() {
        for (is_http2, seconds) in [(false, 60), (true, 600)] {
            let link = link(is_http2);

            link.sends();

            assert_eq!(cut_after(&link), Some((seconds, Overdue::Reader)));
            link.sent();
            assert_eq!(cut_after(&link), Some((120, Overdue::Idle)));
        }
    }

    #[test]
    fn requests_of_one_connection_have_ids_of_their_own() {
        let link = link(false);

        assert_ne!(link.begin(), link.begin());
    }

    #[test]
    fn a_stronger_order_stays() {
        let link = link(false);

        link.tell(Order::Cut);
        link.tell(Order::Finish);

        assert_eq!(link.heed(Waker::noop()), Order::Cut);
    }
}

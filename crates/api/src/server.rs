use crate::{
    Audit, Gauges, Guard, Listener, Settings, Surface,
    connection::Speech,
    link::{Link, Order},
    porch::{Porch, Ready},
    socket::Stream,
    span::Join,
    tls::{Certificates, TlsError},
};
use gantry_env::Env;
use http::HeaderMap;
use std::{
    future::Future,
    net::IpAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, task::JoinSet};
use tokio_rustls::TlsAcceptor;
use tracing::Span;

/// How often the watch looks at the connections.
const ROUND: Duration = Duration::from_secs(1);
/// Looked at without a pause: some microseconds.
const LINKS_AT_ONCE: usize = 64;
/// How often it looks at the certificates, in rounds.
const ROUNDS_PER_LOOK: u32 = 3;
/// How long to wait when no connection can be accepted: most often file descriptors have run out.
const BREATH: Duration = Duration::from_millis(100);

/// What a client hears for whom there is no room.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The HTTP server.
pub struct Server {
    settings: Settings,
    surfaces: Vec<Surface>,
    guard: Arc<dyn Guard>,
    audit: Option<Arc<dyn Audit>>,
    env: Env,
    gauges: Vec<Box<dyn Gauges>>,
    ready: Option<Ready>,
    join: Option<Join>,
    certificates: Option<Arc<Certificates>>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A listener is to speak TLS without a certificate.
    #[error("{url} is to speak TLS, but there is no certificate; set tls.certificate and tls.key")]
    NoCertificate {
        /// The listener.
        url: String,
    },
}

impl Server {
    /// A server of these surfaces; reads the certificate where the settings name one.
    ///
    /// # Errors
    /// [`ServerError::Tls`].
    pub fn new(
        settings: Settings,
        surfaces: Vec<Surface>,
        guard: Arc<dyn Guard>,
        env: Env,
    ) -> Result<Self, ServerError> {
        let certificates = Certificates::read(&settings.tls)?.map(Arc::new);
        Ok(Server {
            settings,
            surfaces,
            guard,
            audit: None,
            env,
            gauges: Vec::new(),
            ready: None,
            join: None,
            certificates,
        })
    }

    /// Who is told what came of each call.
    pub fn audited(mut self, audit: impl Audit) -> Self {
        self.audit = Some(Arc::new(audit));
        self
    }

    /// Adds figures to `/metrics`.
    pub fn gauges(mut self, gauges: impl Gauges) -> Self {
        self.gauges.push(Box::new(gauges));
        self
    }

    /// What `/readyz` asks: whether pushes and pulls work, or why they do not (for the log).
    pub fn ready<F>(mut self, ready: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.ready = Some(Box::new(move || Box::pin(ready())));
        self
    }

    /// How the span of a request becomes part of the trace that its headers speak of. Asked only where spans are wanted.
    pub fn joining_traces(mut self, join: impl Fn(&Span, &HeaderMap) + Send + Sync + 'static) -> Self {
        self.join = Some(Box::new(join));
        self
    }

    /// Whether there is a certificate.
    pub fn has_certificate(&self) -> bool {
        self.certificates.is_some()
    }

    /// Serves until `shutdown`, then lets running requests end for as long as the settings allow.
    ///
    /// # Errors
    /// [`ServerError::NoCertificate`], before anything is served.
    pub async fn run(self, listeners: Vec<Listener>, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let has_certificate = self.has_certificate();
        if let Some(listener) = listeners
            .iter()
            .find(|listener| listener.speaks_tls(true) && listener.speaks_tls(false) && !has_certificate)
        {
            return Err(ServerError::NoCertificate { url: listener.url(has_certificate) });
        }
        let speech = Arc::new(Speech::new(usize::try_from(self.settings.header_bytes_max.get()).unwrap_or(usize::MAX)));
        let mut porch =
            Porch::new(self.settings, self.surfaces, self.guard, self.env, self.gauges, self.ready, self.join);
        porch.audit = self.audit;
        let porch = Arc::new(porch);
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let tls = self.certificates.clone().filter(|_| listener.speaks_tls(has_certificate));
            tasks.spawn(accept_all(porch.clone(), speech.clone(), listener, tls));
        }
        tasks.spawn(watch(porch.clone(), self.certificates));
        shutdown.await;
        // The listeners close here; the watch goes on for those that linger.
        tasks.shutdown().await;
        tasks.spawn(watch(porch.clone(), None));
        end(&porch).await;
        Ok(())
    }
}

/// Lets what runs come to its end, and cuts what has not by then.
async fn end(porch: &Porch) {
    let grace = porch.settings.shutdown_grace.duration();
    let connections = porch.links().len();
    tracing::info!(connections, "no further connections; {connections} may end what runs within {} s", grace.as_secs());
    porch.tell_all(Order::Finish);
    if porch.env.within(grace, porch.emptied()).await.is_none() {
        let connections = porch.links().len();
        tracing::warn!(connections, "{connections} connections had not ended in time and were cut");
        porch.tell_all(Order::Cut);
        // Their tasks end at their next turn; calls that change state have had their time.
        let _ = porch.env.within(ROUND, porch.emptied()).await;
    }
}

/// Accepts connections, each into a task of its own.
async fn accept_all(porch: Arc<Porch>, speech: Arc<Speech>, listener: Listener, tls: Option<Arc<Certificates>>) {
    let mut is_failing = false;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_client(&error) => continue,
            Err(error) => {
                if !is_failing {
                    tracing::error!(%error, "no connection can be accepted: {error}. Raise the limit of open files (LimitNOFILE)");
                }
                is_failing = true;
                porch.env.sleep(BREATH).await;
                continue;
            }
        };
        is_failing = false;
        if !porch.has_place(listener.purpose) {
            porch.metrics.connections_refused.fetch_add(1, Relaxed);
            turn_away(stream, tls.is_some()).await;
            continue;
        }
        porch.metrics.connections_opened.fetch_add(1, Relaxed);
        let tls = tls.as_ref().map(|certificates| TlsAcceptor::from(certificates.current()));
        let link = link(&porch, &stream, peer, tls.is_some(), &listener);
        let enlisted = porch.enlist(link.clone());
        let speech = speech.clone();
        tokio::spawn(async move {
            speech.serve(stream, tls, link).await;
            drop(enlisted);
        });
    }
}

fn link(porch: &Arc<Porch>, stream: &Stream, peer: Option<IpAddr>, is_tls: bool, listener: &Listener) -> Arc<Link> {
    let has_sendfile = !is_tls && matches!(stream, Stream::Tcp(_));
    Arc::new(Link::new(porch.clone(), peer, is_tls, has_sendfile, listener.purpose))
}

/// Says that there is no room, if that can be said without waiting.
async fn turn_away(stream: Stream, is_tls: bool) {
    match stream {
        Stream::Tcp(mut tcp) if !is_tls => {
            let _ = tcp.try_write(FULL);
            // A new socket closes without waiting for anybody.
            let _ = tcp.shutdown().await;
        }
        Stream::Unix(unix) => {
            let _ = unix.try_write(FULL);
        }
        Stream::Tcp(_) | Stream::Tls(_) => {}
    }
}

/// Whether a connection was gone before it was accepted.
fn is_of_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused)
}

/// Cuts connections that are overdue. A few at a time: ten thousand in a row would hold up whoever asks meanwhile.
async fn cut_overdue(porch: &Porch, now: u64) {
    let mut from = Some(0);
    while let Some(first) = from {
        from = porch.some_links(first, LINKS_AT_ONCE, |link| {
            if let Some(why) = link.overdue(now, &porch.patience) {
                porch.metrics.cut(why);
                link.tell(Order::Cut);
            }
        });
        tokio::task::yield_now().await;
    }
}

/// Once a second: cuts connections that are overdue. Every few rounds: reads certificates that have changed.
async fn watch(porch: Arc<Porch>, certificates: Option<Arc<Certificates>>) {
    let mut round = 0u32;
    loop {
        porch.env.sleep(ROUND).await;
        cut_overdue(&porch, porch.advance_tick()).await;
        round = round.wrapping_add(1);
        if let Some(certificates) = certificates.clone().filter(|_| round.is_multiple_of(ROUNDS_PER_LOOK)) {
            match tokio::task::spawn_blocking(move || certificates.refresh()).await {
                Ok(Ok(true)) => tracing::info!("the TLS certificate has changed; new connections get the new one"),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "the changed TLS certificate is not good, the old one stays in use: {error}")
                }
            }
        }
    }
}
